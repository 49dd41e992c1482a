using Microsoft.Extensions.Options;
using RnnService.Api.CommandLine;
using RnnService.Api.Configuration;
using RnnService.Api.Errors;
using RnnService.Api.Health;
using RnnService.Api.Models;
using RnnService.Api.Observability;
using RnnService.Api.OpenApi;
using RnnService.Api.OpenInference;
using RnnService.Api.Predict;
using RnnService.Inference;

namespace RnnService.Api;

/// <summary>The table of contents: what the server is made of, in the order in which a request meets it.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => Commands.RunAsync(args);

    public static WebApplication Create(string[] args)
    {
        // appsettings.json lies beside the executable, wherever the server is started from.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.UseSerilog();
        builder.ListenOnDefaultAddress();
        builder.Services.AddLimits(builder.Configuration);
        builder.Services.AddRequestLog(builder.Configuration);
        builder.Services.AddInference(builder.Configuration);
        builder.Services.AddSingleton<RequestMetrics>();
        builder.Services.AddSingleton<PredictEndpoints>();
        builder.Services.AddSingleton<BodyBudget>();
        builder.Services.AddSingleton<InferEndpoint>();
        builder.Services.AddSingleton<RepositoryEndpoints>();
        builder.Services.AddTensorCompression();
        builder.Services.AddOpenApiDocument();

        var app = builder.Build();
        app.Services.GetRequiredService<IStartupValidator>().Validate();   // all faults at once, before anything reads one setting
        app.UseMiddleware<RequestLog>();
        app.UseProblemDocuments();
        app.UseTensorCompression();
        app.UseOpenApiPages();
        PredictEndpoints.Map(app);
        app.MapOpenInference();
        app.MapModels();
        app.MapSchemas();
        app.MapHealth();
        app.MapMetrics();
        return app;
    }
}
