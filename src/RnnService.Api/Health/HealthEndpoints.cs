using RnnService.Api.Errors;
using RnnService.Inference.Models;

namespace RnnService.Api.Health;

internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").WithTags("Health");
        health.MapGet("/live", Live)
            .WithSummary("Whether the process answers at all").WithName("Live").Produces<HealthDocument>();
        health.MapGet("/ready", (Delegate)Ready)
            .WithSummary("Whether every model has loaded and the server takes requests").WithName("Ready")
            .Produces<HealthDocument>().Produces<ProblemDocument>(503, "application/problem+json");
    }

    private static IResult Live() => TypedResults.Json(new HealthDocument("live"), Models.ModelsJson.Default.HealthDocument);

    private static Task Ready(HttpContext context, ModelRepository repository, IHostApplicationLifetime lifetime)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return Problem.Unavailable("The server is shutting down; send requests to another replica.", 5).WriteAsync(context);
        if (repository.Ready)
            return TypedResults.Json(new HealthDocument("ready"), Models.ModelsJson.Default.HealthDocument).ExecuteAsync(context);
        var waiting = repository.All.SelectMany(m => m.Value).Where(v => v.State != ModelState.Ready)
            .Select(v => $"{v.Name}/{v.Version} {(v.State == ModelState.Failed ? $"failed: {v.Reason}" : v.State.ToString().ToLowerInvariant())}");
        if (repository.BrokenDown)
            return Problem.Unavailable("The engine has broken down and the process is ending; its log says why.", 5).WriteAsync(context);
        return Problem.Unavailable($"Not every model is ready: {string.Join("; ", waiting)}", 1).WriteAsync(context);
    }
}

/// <param name="Status"><c>live</c> or <c>ready</c>.</param>
public sealed record HealthDocument(string Status);
