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
    }

    private static IResult List(ModelRepository repository) =>
        TypedResults.Json(new ModelList(repository.DefaultName, [.. repository.All.Select(m => ModelDocument.Of(m.Key, m.Value))]), ModelsJson.Default.ModelList);

    private static IResult Model(string model, ModelRepository repository) =>
        repository.Versions(model) is { Count: > 0 } versions
            ? TypedResults.Json(ModelDocument.Of(model, versions), ModelsJson.Default.ModelDocument)
            : new ProblemResult(Problem.NotFound("", repository.Find(model, null).Detail!));

    private static IResult Version(string model, string version, ModelRepository repository)
    {
        var lookup = repository.Find(model, version);
        return lookup.Result is LookupResult.NoSuchModel or LookupResult.NoSuchVersion
            ? new ProblemResult(Problem.NotFound("", lookup.Detail!))
            : TypedResults.Json(VersionDocument.Of(repository.Versions(model).First(v => v.Version == int.Parse(version, System.Globalization.CultureInfo.InvariantCulture))), ModelsJson.Default.VersionDocument);
    }

    private static IResult Labels(string model, ModelRepository repository)
    {
        var lookup = repository.Find(model, null);
        return lookup switch
        {
            { Model.Tree.IsHierarchy: true } => TypedResults.Json(LabelsDocument.Of(lookup.Model.Scores), ModelsJson.Default.LabelsDocument),
            { Model: not null } => new ProblemResult(Problem.NotFound("", $"Model \"{model}\" has several heads and no label tree. Put a labels.json beside its model.onnx.")),
            { Result: LookupResult.NoSuchModel } => new ProblemResult(Problem.NotFound("", lookup.Detail!)),
            _ => new ProblemResult(Problem.Unavailable(lookup.Detail!, lookup.Result == LookupResult.StillLoading ? 1 : 30)),
        };
    }
}
