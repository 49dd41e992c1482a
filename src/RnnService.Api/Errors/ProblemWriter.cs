using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using RnnService.Api.OpenInference;
using RnnService.Core;

namespace RnnService.Api.Errors;

internal static class ProblemWriter
{
    /// <summary>Answers with <c>application/problem+json</c>, or as the Open Inference Protocol wants it under its addresses, unless the response has begun or nobody waits for it.</summary>
    public static Task WriteAsync(this Problem problem, HttpContext context)
    {
        var response = context.Response;
        if (response.HasStarted || context.RequestAborted.IsCancellationRequested)
            return Task.CompletedTask;
        response.StatusCode = problem.Status;
        response.ContentType = "application/problem+json";
        if (problem.RetryAfterSeconds is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (HttpMethods.IsHead(context.Request.Method))
            return Task.CompletedTask;
        if (context.Request.Path.StartsWithSegments(OpenInferenceEndpoints.Root, StringComparison.Ordinal))
        {
            response.ContentType = "application/json";
            return JsonSerializer.SerializeAsync(response.Body, new InferenceError(problem.Detail), OpenInferenceJson.Readable.InferenceError, context.RequestAborted);
        }
        var document = new ProblemDocument($"urn:rnn-service:problem:{problem.Type}", problem.Title, problem.Status, problem.Detail, context.Request.Path, problem.Faults);
        return JsonSerializer.SerializeAsync(response.Body, document, ProblemJson.Readable.ProblemDocument, context.RequestAborted);
    }
}

/// <summary>The body of every error (RFC 9457).</summary>
/// <param name="Type">URN of the kind of problem.</param>
/// <param name="Title">The problem in a few words.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Detail">This occurrence, with the remedy.</param>
/// <param name="Instance">Path of the request.</param>
/// <param name="Errors">All faults of the request, each with a JSON Pointer (RFC 6901) into the body; empty for the body as a whole.</param>
public sealed record ProblemDocument(string Type, string Title, int Status, string Detail, string? Instance, IReadOnlyList<Fault> Errors);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ProblemDocument))]
internal sealed partial class ProblemJson : JsonSerializerContext
{
    /// <summary>Leaves quotes as they are: an answer of type problem+json is never read as HTML.</summary>
    public static ProblemJson Readable => field ??= new(new JsonSerializerOptions(Default.Options!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
