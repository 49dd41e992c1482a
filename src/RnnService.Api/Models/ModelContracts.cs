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

    /// <summary>loading, ready, failed or unloading.</summary>
    public required string State { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Reason { get; init; }

    /// <summary>One sentence for people.</summary>
    public string? Description { get; init; }

    /// <summary>Where it runs.</summary>
    public string? Device { get; init; }

    /// <summary>The graph's inputs; -1 is a dimension that varies.</summary>
    public IReadOnlyList<TensorDescription>? Inputs { get; init; }

    /// <summary>The graph's outputs; -1 is a dimension that varies.</summary>
    public IReadOnlyList<TensorDescription>? Outputs { get; init; }

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

    /// <summary>Metrics from the model card.</summary>
    public IReadOnlyDictionary<string, double>? Metrics { get; init; }

    public static VersionDocument Of(ModelVersion version)
    {
        ArgumentNullException.ThrowIfNull(version);
        var document = new VersionDocument { Name = version.Name, Version = Text(version.Version), State = Text(version.State), Reason = version.Reason };
        if (version.Model is not { } model)
            return document;
        return document with
        {
            Description = model.Description,
            Device = "cpu",
            Inputs = model.Inputs,
            Outputs = model.Outputs,
            Levels = model.Tree.Levels,
            Labels = model.Tree.Count,
            TakesText = model.Vocabulary is not null,
            VocabularySize = model.VocabularySize,
            MaxLength = model.MaxLength,
            Decoding = model.Decoding.Name(),
            Threshold = model.Threshold,
            Producer = $"{model.Producer}, opset {model.Opset}",
            Metrics = model.Metrics,
        };
    }

    internal static string Text(int version) => version.ToString(System.Globalization.CultureInfo.InvariantCulture);

    internal static string Text(ModelState state) => state.ToString().ToLowerInvariant();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelDocument))]
[JsonSerializable(typeof(VersionDocument))]
[JsonSerializable(typeof(LabelsDocument))]
[JsonSerializable(typeof(HealthDocument))]
internal sealed partial class ModelsJson : JsonSerializerContext;
