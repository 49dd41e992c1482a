using System.Globalization;
using RnnService.Api.Errors;
using RnnService.Core.Manifests;
using RnnService.Inference.Models;

namespace RnnService.Api.Models;

/// <summary>What there is to ask: models, their versions and labels.</summary>
internal static class ModelEndpoints
{
    public static void MapModels(this IEndpointRouteBuilder routes)
    {
        var models = routes.MapGroup("/models").WithTags("Models");
        models.MapGet("", List)
            .WithName("ListModels").WithSummary("All models with the state of their versions").Produces<ModelList>();
        models.MapGet("/{model}", Model)
            .WithName("GetModel").WithSummary("One model: its versions, what they take and answer, and how good they are").Produces<ModelDocument>().ProducesProblems(404);
        models.MapGet("/{model}/versions/{version}", Version)
            .WithName("GetVersion").WithSummary("One version of a model").Produces<VersionDocument>().ProducesProblems(404);
        models.MapGet("/{model}/labels", Labels)
            .WithName("GetLabels").WithSummary("The label tree of the newest ready version").Produces<LabelsDocument>().ProducesProblems(404, 503);
        models.MapPost("/{model}/load", LoadAsync)
            .WithName("LoadModel").WithSummary("Reads the model's folder now, loads what is new, changed, failed or unloaded in it, and answers when that is done")
            .Produces<ModelDocument>().ProducesProblems(404, 503);
        models.MapPost("/{model}/unload", Unload)
            .WithName("UnloadModel").WithSummary("Takes all versions out of use once their running requests are answered, until the model is loaded on request or the server starts again")
            .Produces<ModelDocument>().ProducesProblems(404);
    }

    private static IResult List(ModelRepository repository) =>
        TypedResults.Json(new ModelList(repository.DefaultName, [.. repository.All.Select(m => ModelDocument.Of(m.Key, m.Value))]), ModelsJson.Default.ModelList);

    private static IResult Model(string model, ModelRepository repository) =>
        repository.Versions(model) is { Count: > 0 } versions
            ? TypedResults.Json(ModelDocument.Of(model, versions), ModelsJson.Default.ModelDocument)
            : new ProblemResult(NotFound(model, null, repository));

    private static IResult Version(string model, string version, ModelRepository repository) =>
        repository.Versions(model).FirstOrDefault(v => int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && v.Version == number) is { } found
            ? TypedResults.Json(VersionDocument.Of(found), ModelsJson.Default.VersionDocument)
            : new ProblemResult(NotFound(model, version, repository));

    private static IResult Labels(string model, ModelRepository repository)
    {
        var lookup = repository.Look(model, null);
        return lookup switch
        {
            { Model.Classifier.Tree.IsHierarchy: true } => TypedResults.Json(LabelsDocument.Of(lookup.Model.Classifier.Scores), ModelsJson.Default.LabelsDocument),
            { Model: not null } => new ProblemResult(Problem.NotFound("", $"Model \"{model}\" has several heads and no label tree. Put a labels.json beside its model.onnx.")),
            { Result: LookupResult.NoSuchModel or LookupResult.NoSuchVersion } => new ProblemResult(Problem.NotFound("", lookup.Detail!)),
            _ => new ProblemResult(Problem.Unavailable(lookup.Detail!, lookup.Result == LookupResult.StillLoading ? 1 : 30)),
        };
    }

    private static async Task<IResult> LoadAsync(string model, ModelRepository repository, CancellationToken cancel)
    {
        var versions = await repository.LoadAsync(model, cancel);
        if (versions.Length == 0)
            return new ProblemResult(Problem.NotFound("", $"The repository holds no model \"{model}\". Put it there as {model}/<version>/model.onnx, the version a number from 1."));
        return versions.Any(v => v.State == ModelState.Ready)
            ? TypedResults.Json(ModelDocument.Of(model, versions), ModelsJson.Default.ModelDocument)
            : new ProblemResult(Problem.Unavailable($"No version of model \"{model}\" is ready. {string.Join(" ", versions.Select(v => $"Version {v.Version}: {v.Reason ?? VersionDocument.Text(v.State)}"))}", 30));
    }

    private static IResult Unload(string model, ModelRepository repository) =>
        repository.Unload(model) is { Count: > 0 } versions
            ? TypedResults.Json(ModelDocument.Of(model, versions), ModelsJson.Default.ModelDocument)
            : new ProblemResult(NotFound(model, null, repository));

    /// <summary>Why a model or version is not listed, in the words of the lookup; one that has come just now is as good as not there yet.</summary>
    private static Problem NotFound(string model, string? version, ModelRepository repository) =>
        Problem.NotFound("", repository.Look(model, version).Detail ?? $"There was no model \"{model}\" a moment ago. Try again.");
}
