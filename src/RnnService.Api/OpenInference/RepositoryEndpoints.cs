using System.Text.Json;
using RnnService.Api.Errors;
using RnnService.Inference.Models;

namespace RnnService.Api.OpenInference;

/// <summary>The model repository extension.</summary>
internal sealed class RepositoryEndpoints(ModelRepository repository)
{
    private const int LongestBody = 1 << 20;

    public static void Map(RouteGroupBuilder v2, RepositoryEndpoints endpoints)
    {
        v2.MapPost("/repository/index", (Delegate)endpoints.IndexAsync)
            .WithName("RepositoryIndex").WithSummary("All versions of all models and their state").Accepts<IndexRequest>(isOptional: true, "application/json", OtherTypes)
            .Produces<IReadOnlyList<IndexEntry>>().ProducesErrors(400, 413);
        v2.MapPost("/repository/models/{model}/load", (Delegate)endpoints.LoadAsync)
            .WithName("RepositoryLoad").WithSummary("Loads a model, or what has changed of it").Accepts<LoadRequest>(isOptional: true, "application/json", OtherTypes)
            .Produces(200).ProducesErrors(400, 404, 413);
        v2.MapPost("/repository/models/{model}/unload", (Delegate)endpoints.UnloadAsync)
            .WithName("RepositoryUnload").WithSummary("Unloads a model").Accepts<UnloadRequest>(isOptional: true, "application/json", OtherTypes)
            .Produces(200).ProducesErrors(400, 404, 413);
    }

    private static readonly string[] OtherTypes = ["application/octet-stream", "application/x-www-form-urlencoded"];

    private async Task<IResult> IndexAsync(HttpContext context)
    {
        var (body, problem) = await ReadAsync(context);
        if (problem is not null)
            return new ProblemResult(problem);
        bool? ready = body is { } index && index.TryGetProperty("ready", out var field) ? field.ValueKind is JsonValueKind.True or JsonValueKind.False ? field.GetBoolean() : null : false;
        if (ready is null)
            return new ProblemResult(Invalid("The field \"ready\" is true, for models that are ready only, or false."));
        return OpenInferenceEndpoints.Json(
            [
                .. repository.All.SelectMany(m => m.Value).Where(v => !ready.Value || v.State == ModelState.Ready).Select(IndexEntry.Of),
                .. repository.Unloaded.Where(name => !ready.Value && repository.Versions(name).Count == 0).Select(name => new IndexEntry(name, "", "UNAVAILABLE", "unloaded")),
            ],
            OpenInferenceJson.Readable.IReadOnlyListIndexEntry);
    }

    private async Task<IResult> LoadAsync(string model, HttpContext context)
    {
        var (body, problem) = await ReadAsync(context);
        if (problem is not null)
            return new ProblemResult(problem);
        if (body is { } request && request.TryGetProperty("parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Object)
        {
            foreach (var parameter in parameters.EnumerateObject())
            {
                if (parameter.Name == "config" || parameter.Name.StartsWith("file:", StringComparison.Ordinal))
                    return new ProblemResult(Invalid($"The parameter \"{parameter.Name}\" is not taken: a model is what lies in its folder, and what a caller sends is never run as one. Put the files under <root>/{model}/<version>/ and load again."));
            }
        }
        var versions = await repository.LoadAsync(model, context.RequestAborted);
        if (versions.Length == 0)
            return new ProblemResult(Problem.NotFound("", $"There is no folder for a model \"{model}\" with a version in it. POST /v2/repository/index lists the models there are."));
        if (versions.All(v => v.State == ModelState.Failed))
            return new ProblemResult(Invalid($"Model \"{model}\" cannot be loaded: {string.Join(" ", versions.Select(v => $"Version {v.Version}: {v.Reason}"))}"));
        return TypedResults.Ok();
    }

    private async Task<IResult> UnloadAsync(string model, HttpContext context)
    {
        // no model depends on another, so the parameter unload_dependents changes nothing
        var (_, problem) = await ReadAsync(context);
        if (problem is not null)
            return new ProblemResult(problem);
        return await repository.UnloadAsync(model, context.RequestAborted)
            ? TypedResults.Ok()
            : new ProblemResult(Problem.NotFound("", $"There is no model \"{model}\". POST /v2/repository/index lists those there are."));
    }

    /// <summary>The body, which may be empty.</summary>
    private static async Task<(JsonElement? Body, Problem? Problem)> ReadAsync(HttpContext context)
    {
        try
        {
            var (body, problem) = await InferBody.ReadAsync(context.Request, LongestBody, null, context.RequestAborted);
            if (problem is not null)
                return (null, problem);
            using (body.Buffer)
            {
                if (body.Buffer.Length == 0)
                    return (null, null);
                using var document = JsonDocument.Parse(body.Buffer.Written);
                return document.RootElement.ValueKind == JsonValueKind.Object ? (document.RootElement.Clone(), null) : (null, Invalid("The body must be a JSON object, or empty."));
            }
        }
        catch (InvalidRequestException e)
        {
            return (null, Invalid(e.Message));
        }
        catch (JsonException)
        {
            return (null, Invalid("The body is not valid JSON; it must be an object, or empty."));
        }
    }

    private static Problem Invalid(string detail) => Problem.Whole(400, "invalid-request", "The request is not valid.", detail);
}

/// <param name="Ready">Whether only models that are ready are wanted.</param>
public sealed record IndexRequest(bool? Ready);

/// <param name="Parameters">Neither <c>config</c> nor <c>file:…</c> is taken.</param>
public sealed record LoadRequest(IReadOnlyDictionary<string, JsonElement>? Parameters);

/// <param name="Parameters"><c>unload_dependents</c> changes nothing: no model depends on another.</param>
public sealed record UnloadRequest(IReadOnlyDictionary<string, JsonElement>? Parameters);

/// <param name="Name">Name of the model.</param>
/// <param name="Version">The version.</param>
/// <param name="State"><c>READY</c>, <c>LOADING</c>, <c>UNLOADING</c> or <c>UNAVAILABLE</c>.</param>
/// <param name="Reason">Why it is not available.</param>
public sealed record IndexEntry(string Name, string Version, string State, string Reason)
{
    public static IndexEntry Of(ModelVersion version)
    {
        ArgumentNullException.ThrowIfNull(version);
        string state = version.State switch
        {
            ModelState.Ready => "READY",
            ModelState.Loading => "LOADING",
            ModelState.Unloading => "UNLOADING",
            _ => "UNAVAILABLE",
        };
        return new(version.Name, OpenInferenceEndpoints.Text(version.Version), state, version.Reason ?? "");
    }
}
