using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RnnService.Inference;
using RnnService.Inference.Models;

namespace RnnService.Benchmarks.Micro;

/// <summary>The engine without HTTP, with the repository's models loaded.</summary>
internal sealed class Engine : IDisposable
{
    private readonly IHost _host;

    private Engine(IHost host)
    {
        _host = host;
        Repository = host.Services.GetRequiredService<ModelRepository>();
    }

    public ModelRepository Repository { get; }

    /// <summary>Starts it and waits for the models.</summary>
    public static Engine Start()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Models:Root", (string?)TestedModel.RepositoryModels())]);
        builder.Logging.ClearProviders();
        builder.Services.AddInference(builder.Configuration);
        var engine = new Engine(builder.Build());
        engine._host.Start();
        if (!SpinWait.SpinUntil(() => engine.Repository.Find(TestedModel.Name, null).Model is not null, TimeSpan.FromSeconds(60)))
            throw new InvalidOperationException($"Model \"{TestedModel.Name}\" did not load.");
        return engine;
    }

    public void Dispose() => _host.Dispose();
}
