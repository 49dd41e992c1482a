using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RnnService.Inference.Models;

namespace RnnService.Inference.Tests;

/// <summary>A host that does nothing but load the models of a folder.</summary>
internal sealed class RunningRepository : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly IHost _host;

    private RunningRepository(IHost host)
    {
        _host = host;
        Repository = host.Services.GetRequiredService<ModelRepository>();
    }

    public ModelRepository Repository { get; }

    /// <summary>Whether something ended the host, as an exception in a background service does.</summary>
    public bool HostStops => _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested;

    /// <summary>Starts with these settings beside the root, and waits until every version has been tried.</summary>
    public static async Task<RunningRepository> StartAsync(string root, params (string Name, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Models:Root", (string?)root), .. settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value))]);
        builder.Services.AddInference(builder.Configuration);
        var host = builder.Build();
        await host.StartAsync();
        var running = new RunningRepository(host);
        var waiting = Stopwatch.StartNew();
        while (!running.HostStops && !running.Repository.Started)
        {
            Assert.True(waiting.Elapsed < Patience, "The models did not finish loading.");
            await Task.Delay(10);
        }
        return running;
    }

    /// <summary>The only version of a model.</summary>
    public ModelVersion Only(string model) => Assert.Single(Repository.Versions(model));

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
