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
            .WithSummary("Whether the models have been loaded, the required ones are ready, and the server takes requests").WithName("Ready")
            .Produces<HealthDocument>().Produces<ProblemDocument>(503, "application/problem+json");
    }

    private static IResult Live() => TypedResults.Json(new HealthDocument("live"), Models.ModelsJson.Default.HealthDocument);

    private static Task Ready(HttpContext context, ModelRepository repository, IHostApplicationLifetime lifetime)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return Problem.Unavailable("The server is shutting down; send requests to another replica.", 5).WriteAsync(context);
        return repository.NotReadyBecause is { } reason
            ? Problem.Unavailable(reason, repository.BrokenDown ? 5 : 1).WriteAsync(context)
            : TypedResults.Json(new HealthDocument("ready"), Models.ModelsJson.Default.HealthDocument).ExecuteAsync(context);
    }
}

/// <param name="Status"><c>live</c> or <c>ready</c>.</param>
public sealed record HealthDocument(string Status);
