using RnnService.Api.Errors;
using RnnService.Inference.Models;
using RnnService.Inference.Tensors;

namespace RnnService.Api.OpenInference;

/// <summary>The statistics extension.</summary>
internal static class Statistics
{
    public static void Map(RouteGroupBuilder v2)
    {
        v2.MapGet("/models/stats", All)
            .WithName("AllStatistics").WithSummary("What every model has done since it was loaded").Produces<StatisticsDocument>();
        v2.MapGet("/models/{model}/stats", OfModel)
            .WithName("ModelStatistics").WithSummary("What a model has done, for each of its versions").Produces<StatisticsDocument>().ProducesErrors(404, 503);
        v2.MapGet("/models/{model}/versions/{version}/stats", OfVersion)
            .WithName("VersionStatistics").WithSummary("What a version of a model has done").Produces<StatisticsDocument>().ProducesErrors(404, 503);
    }

    private static IResult All(ModelRepository repository) => Answer(repository.All.SelectMany(m => m.Value));

    private static IResult OfModel(string model, HttpContext context, ModelRepository repository)
    {
        var (lease, problem) = ModelLease.Take(repository, context);
        using (lease)
            return problem is null ? Answer(repository.Versions(model)) : new ProblemResult(problem);
    }

    private static IResult OfVersion(HttpContext context, ModelRepository repository)
    {
        var (lease, problem) = ModelLease.Take(repository, context);
        using (lease)
            return problem is null ? Answer(repository.Versions(lease.Model.Name).Where(v => v.Version == lease.Model.Version)) : new ProblemResult(problem);
    }

    private static IResult Answer(IEnumerable<ModelVersion> versions) =>
        OpenInferenceEndpoints.Json(new StatisticsDocument([.. versions.Where(v => v.Model is not null).Select(v => VersionStatistics.Of(v.Model!))]), OpenInferenceJson.Readable.StatisticsDocument);
}

/// <param name="ModelStats">A version each.</param>
public sealed record StatisticsDocument(IReadOnlyList<VersionStatistics> ModelStats);

/// <summary>What a version has done since it was loaded.</summary>
/// <param name="Name">Name of the model.</param>
/// <param name="Version">The version.</param>
/// <param name="LastInference">When the last run ended, in milliseconds since 1970.</param>
/// <param name="InferenceCount">Rows that were answered.</param>
/// <param name="ExecutionCount">Runs of the graph; inference_count by this is the mean batch.</param>
/// <param name="InferenceStats">Requests, and the stages of those that were answered.</param>
/// <param name="ResponseStats">Always empty: no model answers in several responses.</param>
/// <param name="BatchStats">Runs by batch size.</param>
/// <param name="MemoryUsage">What the model's files take.</param>
public sealed record VersionStatistics(string Name, string Version, long LastInference, long InferenceCount, long ExecutionCount, RequestStatistics InferenceStats,
    IReadOnlyDictionary<string, StageFigures> ResponseStats, IReadOnlyList<BatchStatistics> BatchStats, IReadOnlyList<MemoryUsage> MemoryUsage)
{
    public static VersionStatistics Of(LoadedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var figures = model.Statistics.Snapshot();
        return new(model.Name, OpenInferenceEndpoints.Text(model.Version), figures.LastInference, figures.InferenceCount, figures.ExecutionCount,
            new(figures.Success, figures.Fail, figures.Queue, figures.Input, figures.Infer, figures.Output, default, default),
            new Dictionary<string, StageFigures>(),
            [.. figures.Batches.Select(b => new BatchStatistics(b.BatchSize, b.Input, b.Infer, b.Output))],
            [new MemoryUsage("CPU", 0, model.Statistics.ModelBytes)]);
    }
}

/// <summary>How often and how long, in nanoseconds: requests that were answered, requests that were not, and the stages of the former.</summary>
public sealed record RequestStatistics(StageFigures Success, StageFigures Fail, StageFigures Queue, StageFigures ComputeInput, StageFigures ComputeInfer, StageFigures ComputeOutput,
    StageFigures CacheHit, StageFigures CacheMiss);

/// <summary>Runs with batches of one size.</summary>
public sealed record BatchStatistics(int BatchSize, StageFigures ComputeInput, StageFigures ComputeInfer, StageFigures ComputeOutput);

/// <param name="Type"><c>CPU</c>.</param>
/// <param name="Id">Number of the device.</param>
/// <param name="ByteSize">Bytes.</param>
public sealed record MemoryUsage(string Type, int Id, long ByteSize);
