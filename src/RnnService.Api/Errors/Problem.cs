using RnnService.Core;

namespace RnnService.Api.Errors;

/// <summary>Why a request is refused, as RFC 9457 wants it told.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Type">Last part of the problem's URN, the same for every occurrence of the problem.</param>
/// <param name="Title">The problem in a few words, the same for every occurrence.</param>
/// <param name="Detail">This occurrence, with the remedy.</param>
/// <param name="Faults">Each fault with a JSON Pointer into the body.</param>
/// <param name="RetryAfterSeconds">When to try again, for 429 and 503.</param>
internal sealed record Problem(int Status, string Type, string Title, string Detail, IReadOnlyList<Fault> Faults, int? RetryAfterSeconds = null)
{
    public static Problem Invalid(IReadOnlyList<Fault> faults) =>
        new(400, "invalid-request", "The request is not valid.", Summary(faults), faults);

    public static Problem TooLarge(IReadOnlyList<Fault> faults) =>
        new(413, "too-large", "The request is over a limit.", Summary(faults), faults);

    public static Problem NotFound(string pointer, string detail) =>
        new(404, "not-found", "There is no such model or version.", detail, [new Fault(pointer, detail)]);

    public static Problem Unavailable(string detail, int retryAfterSeconds) =>
        new(503, "unavailable", "The service cannot answer right now.", detail, [new Fault("", detail)], retryAfterSeconds);

    /// <param name="wait">How long the queue would take to empty.</param>
    public static Problem QueueFull(TimeSpan wait)
    {
        int seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
        string detail = $"The queue is full; at the rate of now it empties in {wait.TotalSeconds:F1} s. Nothing of the request was accepted: send it whole again after Retry-After.";
        return new(429, "queue-full", "The service has more to do than it can take.", detail, [new Fault("", detail)], seconds);
    }

    public static Problem TimedOut(double milliseconds) => Whole(504, "timeout", "The answer was not ready in time.",
        $"The answer was not ready within {milliseconds:F0} ms. Allow more time with timeout_ms, or send fewer sequences a request.");

    /// <summary>A problem of the request as a whole.</summary>
    public static Problem Whole(int status, string type, string title, string detail) => new(status, type, title, detail, [new Fault("", detail)]);

    /// <summary>The problem that a bare status code stands for.</summary>
    public static Problem OfStatus(int status, HttpRequest request) => status switch
    {
        404 => Whole(404, "not-found", "There is nothing at this address.", $"There is no {request.Path}. GET /swagger shows every address."),
        405 => Whole(405, "method-not-allowed", "The address does not know this method.", $"{request.Path} does not take {request.Method}; the header Allow lists what it takes."),
        413 => Whole(413, "too-large", "The request is over a limit.", "The request body is larger than the server takes. Send fewer sequences a request."),
        415 => Whole(415, "unsupported-media-type", "The body is not of a type that is read here.", "Send the body as application/json in UTF-8, and say so in the header Content-Type."),
        406 => Whole(406, "not-acceptable", "The answer is not of a type that is wanted.", "The answer is application/json; the header Accept must allow it."),
        >= 500 => Whole(status, "internal", "The server failed.", "The fault is the server's, not the request's. Its log has the details under this request's X-Request-Id."),
        _ => Whole(status, "bad-request", "The request is not valid.", "The server could not read the request as HTTP."),
    };

    private static string Summary(IReadOnlyList<Fault> faults) =>
        faults.Count == 1 ? faults[0].Detail : $"{faults.Count} faults; errors lists each. The first: {faults[0].Detail}";
}
