using System.Text.Json.Serialization;
using RnnService.Api.Health;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.Inference.Models;
using RnnService.Inference.Onnx;

namespace RnnService.Api.Models;

/// <param name="Default">The model that POST /predict uses when a request names none.</param>
/// <param name="Models">All models, by name.</param>
public sealed record ModelList(string Default, IReadOnlyList<ModelDocument> Models);

/// <param name="Name">Name of the model.</param>
/// <param name="DefaultVersion">The version that a request gets when it names none: the newest ready one.</param>
/// <param name="State">State of that version, or of the newest when none is ready.</param>
/// <param name="Versions">All versions, oldest first.</param>
public sealed record ModelDocument(string Name, string? DefaultVersion, string State, IReadOnlyList<VersionDocument> Versions)
{
    public static ModelDocument Of(string name, IReadOnlyList<ModelVersion> versions)
    {
        var ready = versions.LastOrDefault(v => v.State == ModelState.Ready);
        return new(name, ready is null ? null : VersionDocument.Text(ready.Version), VersionDocument.Text((ready ?? versions[^1]).State), [.. versions.Select(VersionDocument.Of)]);
    }
}

/// <summary>One version of a model. All but name, version and state is known once it is ready.</summary>
public sealed record VersionDocument
{
    /// <summary>Name of the model.</summary>
    public required string Name { get; init; }

    /// <summary>The version.</summary>
    public required string Version { get; init; }

    /// <summary>loading, ready, failed or unloading; once it is unloaded it is not listed any more.</summary>
    public required string State { get; init; }

    /// <summary>Why it failed; of a ready one, why its changed folder was refused.</summary>
    public string? Reason { get; init; }

    /// <summary>One sentence for people.</summary>
    public string? Description { get; init; }

    /// <summary>Where it runs.</summary>
    public string? Device { get; init; }

    /// <summary>The graph's inputs; -1 is a dimension that varies.</summary>
    public IReadOnlyList<TensorDescription>? Inputs { get; init; }

    /// <summary>The graph's outputs; -1 is a dimension that varies.</summary>
    public IReadOnlyList<TensorDescription>? Outputs { get; init; }

    /// <summary>What each input is for, as found in the graph or said in model.json.</summary>
    public IReadOnlyList<InputRole>? Roles { get; init; }

    /// <summary>The outputs that score labels, and what their numbers are.</summary>
    public IReadOnlyList<HeadDocument>? Heads { get; init; }

    /// <summary>Outputs that score nothing, and what they are instead.</summary>
    public IReadOnlyList<IgnoredOutput>? Ignored { get; init; }

    /// <summary>The recurrent nodes of the graph.</summary>
    public IReadOnlyList<RecurrentNode>? Recurrent { get; init; }

    /// <summary>Why POST /predict cannot be answered; left out when it can. Raw tensors are answered at /v2 nevertheless.</summary>
    public IReadOnlyList<string>? WhyNoPredictions { get; init; }

    /// <summary>What a time step is: ids, features or text.</summary>
    public string? Takes { get; init; }

    /// <summary>Names of the levels that are answered, coarse to fine.</summary>
    public IReadOnlyList<string>? Levels { get; init; }

    /// <summary>Number of labels in all levels.</summary>
    public int? Labels { get; init; }

    /// <summary>Whether text and tokens are taken, or ids only.</summary>
    public bool? TakesText { get; init; }

    /// <summary>Ids from 0 to this minus 1 are valid.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>Longest sequence, in time steps.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Decoding of requests that name none.</summary>
    public string? Decoding { get; init; }

    /// <summary>Threshold of requests that name none.</summary>
    public double? Threshold { get; init; }

    /// <summary>Exporter and operator set of the graph.</summary>
    public string? Producer { get; init; }

    /// <summary>How sequences run together, and why so.</summary>
    public BatchingDocument? Batching { get; init; }

    /// <summary>Metrics from the model card.</summary>
    public IReadOnlyDictionary<string, double>? Metrics { get; init; }

    public static VersionDocument Of(ModelVersion version)
    {
        ArgumentNullException.ThrowIfNull(version);
        var document = new VersionDocument { Name = version.Name, Version = Text(version.Version), State = Text(version.State), Reason = version.Reason };
        if (version.Model is not { } model)
            return document;
        document = document with
        {
            Description = model.Description,
            Device = "cpu",
            Inputs = model.Inputs,
            Outputs = model.Outputs,
            Producer = $"{model.Graph.Producer}, opset {model.Graph.Opset}",
            Metrics = model.Metrics,
            Roles = model.Graph.Inputs,
            Heads = [.. model.Graph.Heads.Select(HeadDocument.Of)],
            Ignored = model.Graph.Ignored,
            Recurrent = model.Graph.RecurrentNodes,
            WhyNoPredictions = model.Classifier is null ? [.. model.WhyNoClassifier.Select(f => f.Detail)] : null,
        };
        return model.Classifier is not { } classifier ? document : document with
        {
            Takes = classifier.Kind.ToString().ToLowerInvariant(),
            Levels = classifier.Tree.Levels,
            Labels = classifier.Tree.Count,
            TakesText = classifier.Vocabulary is not null || classifier.Kind == SequenceKind.Text,
            VocabularySize = classifier.VocabularySize,
            MaxLength = classifier.MaxLength,
            Decoding = classifier.Decoding.Name(),
            Threshold = classifier.Threshold,
            Batching = BatchingDocument.Of(classifier),
        };
    }

    internal static string Text(int version) => version.ToString(System.Globalization.CultureInfo.InvariantCulture);

    internal static string Text(ModelState state) => state.ToString().ToLowerInvariant();
}

/// <summary>An output that scores labels.</summary>
/// <param name="Output">Its name.</param>
/// <param name="Labels">How many labels it scores.</param>
/// <param name="Activation">What its numbers are: logits, log_softmax, softmax or sigmoid.</param>
public sealed record HeadDocument(string Output, int Labels, string Activation)
{
    public static HeadDocument Of(Head head)
    {
        ArgumentNullException.ThrowIfNull(head);
        return new(head.Output, head.Width, System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(head.Activation.ToString()));
    }
}

/// <summary>How sequences run together: what the probe found at load, and what batches cost on this machine.</summary>
/// <param name="Mode">ragged, equal_lengths, fixed_batch or batch_of_one; fixed_time_ before one of them where time is frozen.</param>
/// <param name="Reason">Why this mode.</param>
/// <param name="Remedy">What to change in the export for a faster mode.</param>
/// <param name="PaddingExact">Whether an answer stays the same when its sequence is padded.</param>
/// <param name="RowsIndependent">Whether an answer stays the same whatever else is in the batch.</param>
/// <param name="TimeMajor">Whether the ids are [time, batch].</param>
/// <param name="LargestDifference">The largest change of a probability that batching made in the probe.</param>
/// <param name="FixedRows">Rows that the graph insists on; 0 is any number.</param>
/// <param name="FixedTime">Time steps that the graph insists on; 0 is any number.</param>
/// <param name="MaxRows">Most rows of a batch.</param>
/// <param name="MaxPaddedTokens">Most rows x longest of a batch.</param>
/// <param name="Workers">Batches that run at the same time.</param>
/// <param name="Costs">The fitted run time of batches: microseconds at no step and for each time step, by rows.</param>
public sealed record BatchingDocument(string Mode, string Reason, string? Remedy, bool PaddingExact, bool RowsIndependent, bool TimeMajor, double LargestDifference,
    int FixedRows, int FixedTime, int MaxRows, int MaxPaddedTokens, int Workers, IReadOnlyList<CostLine> Costs)
{
    public static BatchingDocument Of(Classifier model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var (mode, policy) = (model.Mode, model.Policy);
        var costs = model.Costs.Measured.Select(p => p.Rows).Distinct().Select(rows => model.Costs.Line(rows) is var (start, step)
            ? new CostLine(rows, Math.Round(start, 1), Math.Round(step, 2)) : default!);
        return new(mode.Name, mode.Reason, mode.Remedy, mode.PaddingExact, mode.RowsIndependent, mode.TimeMajor, mode.LargestDifference,
            mode.FixedRows, mode.FixedTime, policy.MaxRows, policy.MaxPaddedTokens, model.Workers, [.. costs]);
    }
}

/// <param name="Rows">Rows of the batch.</param>
/// <param name="Microseconds">Run time at no time step.</param>
/// <param name="MicrosecondsPerStep">Run time of each time step.</param>
public sealed record CostLine(int Rows, double Microseconds, double MicrosecondsPerStep);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelDocument))]
[JsonSerializable(typeof(VersionDocument))]
[JsonSerializable(typeof(LabelsDocument))]
[JsonSerializable(typeof(HealthDocument))]
internal sealed partial class ModelsJson : JsonSerializerContext;
