using System.Text.Json;
using System.Text.Json.Serialization;
using RnnService.Inference.Models;
using RnnService.Inference.Onnx;

namespace RnnService.Api.CommandLine;

/// <summary>What <c>inspect</c> says of one version of a model; the form of <c>--json</c>.</summary>
internal sealed record InspectReport
{
    public required string Model { get; init; }

    public required int Version { get; init; }

    public required string Path { get; init; }

    /// <summary>Whether it serves what it is: predictions, or raw tensors for a graph that is no classifier of sequences at all.</summary>
    public required bool Serves { get; init; }

    /// <summary>Whether <c>POST /predict</c> is answered.</summary>
    public required bool Predicts { get; init; }

    public string? Producer { get; init; }

    public long? Opset { get; init; }

    public IReadOnlyList<string>? ExternalFiles { get; init; }

    public IReadOnlyList<InspectedInput> Inputs { get; init; } = [];

    public IReadOnlyList<InspectedOutput> Outputs { get; init; } = [];

    public IReadOnlyList<RecurrentNode> Recurrent { get; init; } = [];

    public InspectedClassifier? Classifier { get; init; }

    /// <summary>What keeps it from serving, each with its remedy.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>What could be better, with what to do.</summary>
    public IReadOnlyList<string> Advice { get; init; } = [];

    public static InspectReport Of(InspectedModel inspected)
    {
        var report = new InspectReport
        {
            Model = inspected.Name,
            Version = inspected.Version,
            Path = inspected.Path,
            Serves = inspected.Serves,
            Predicts = inspected.Model?.Classifier is not null,
            Problems = [.. inspected.Faults.Select(f => f.ToString())],
        };
        if (inspected.Model is not { } model)
            return report;
        return report with
        {
            Producer = model.Graph.Producer,
            Opset = model.Graph.Opset,
            ExternalFiles = model.Graph.ExternalFiles,
            Inputs = [.. model.Inputs.Select(i => InspectedInput.Of(i, model.Graph.Inputs.FirstOrDefault(r => r.Name == i.Name)))],
            Outputs = [.. model.Outputs.Select(o => InspectedOutput.Of(o, model))],
            Recurrent = model.Graph.RecurrentNodes,
            Classifier = model.Classifier is { } classifier ? InspectedClassifier.Of(classifier) : null,
            Advice = model.Classifier?.Mode.Remedy is { } remedy ? [remedy] : [],
        };
    }
}

/// <summary>An input and what it is for: sequence, lengths, mask, state or constant.</summary>
internal sealed record InspectedInput(string Name, string Type, IReadOnlyList<int> Shape, string? Role, string? Detail)
{
    public static InspectedInput Of(TensorDescription input, InputRole? role) => new(input.Name, input.Type, input.Shape, role?.Role, role?.Detail);
}

/// <summary>An output: a head with what its numbers are, or ignored with the reason.</summary>
internal sealed record InspectedOutput(string Name, string Type, IReadOnlyList<int> Shape, string? Role, string? Detail)
{
    public static InspectedOutput Of(TensorDescription output, LoadedModel model)
    {
        if (model.Graph.Heads.FirstOrDefault(h => h.Output == output.Name) is { } head)
            return new(output.Name, output.Type, output.Shape, "head", $"{head.Width} labels, {JsonNamingPolicy.SnakeCaseLower.ConvertName(head.Activation.ToString())}");
        return model.Graph.Ignored.FirstOrDefault(o => o.Output == output.Name) is { } ignored
            ? new(output.Name, output.Type, output.Shape, "ignored", ignored.Reason)
            : new(output.Name, output.Type, output.Shape, null, null);
    }
}

/// <summary>How predictions are made.</summary>
internal sealed record InspectedClassifier(string Takes, int MinLength, int MaxLength, int? VocabularySize, int? Channels, string? Missing, string? Windows, string Mode, string Reason, bool PaddingExact, bool RowsIndependent,
    bool TimeMajor, double LargestDifference, string Scheme, IReadOnlyList<InspectedLevel> Levels, string Decoding, IReadOnlyList<InspectedCost> Costs)
{
    /// <summary>Scheme of several heads without a label tree.</summary>
    public const string Unrelated = "unrelated";

    public static InspectedClassifier Of(Classifier c) => new(
        Name(c.Kind), c.MinLength, c.MaxLength, c.VocabularySize, c.Features?.Channels, c.Features is { } f ? Name(f.Missing) : null, c.Windows is { } w ? $"{w.Length} every {w.Stride}" : null, c.Mode.Name, c.Mode.Reason, c.Mode.PaddingExact, c.Mode.RowsIndependent,
        c.Mode.TimeMajor, c.Mode.LargestDifference, c.Tree.IsHierarchy ? Name(c.Scores.Scheme) : Unrelated, [.. c.Tree.Levels.Select((name, level) => new InspectedLevel(name, c.Tree.NodesOfLevel[level].Length))], Name(c.Decoding),
        [.. c.Costs.Measured.Select(p => new InspectedCost(p.Rows, p.Time, Math.Round(p.Microseconds, 1)))]);

    private static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}

internal sealed record InspectedLevel(string Name, int Labels);

internal sealed record InspectedCost(int Rows, int Time, double Microseconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(List<InspectReport>))]
internal sealed partial class InspectJson : JsonSerializerContext;
