namespace RnnService.Api.Errors;

/// <summary>A problem as the result of a minimal API handler.</summary>
internal sealed class ProblemResult(Problem problem) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext) => problem.WriteAsync(httpContext);
}

internal static class ProblemMetadata
{
    /// <summary>Says in the OpenAPI document that an endpoint may answer with these problems.</summary>
    public static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder endpoint, params ReadOnlySpan<int> statuses)
    {
        foreach (int status in statuses)
            endpoint.Produces<ProblemDocument>(status, "application/problem+json");
        return endpoint;
    }
}
