namespace RnnService.Inference.Onnx;

/// <summary>What was found out about a graph, for people.</summary>
public sealed record GraphFindings
{
    /// <summary>Exporter that wrote the graph.</summary>
    public required string Producer { get; init; }

    /// <summary>Version of the standard operator set that it uses.</summary>
    public required long Opset { get; init; }

    /// <summary>Its recurrent nodes.</summary>
    public required IReadOnlyList<RecurrentNode> RecurrentNodes { get; init; }

    /// <summary>Files beside <c>model.onnx</c> that hold weights.</summary>
    public required IReadOnlyList<string> ExternalFiles { get; init; }

    /// <summary>What each input is for; empty for a graph that classifies no sequences.</summary>
    public IReadOnlyList<InputRole> Inputs { get; init; } = [];

    /// <summary>Outputs that score labels; empty for a graph that classifies no sequences.</summary>
    public IReadOnlyList<Head> Heads { get; init; } = [];

    /// <summary>Outputs that score nothing.</summary>
    public IReadOnlyList<IgnoredOutput> Ignored { get; init; } = [];

    /// <summary>Whether it looks like a classifier of sequences, so that what keeps it from being one is a fault.</summary>
    public bool LooksLikeClassifier { get; init; }
}

/// <summary>What an input is for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Role">sequence, lengths, mask, positions, state or constant.</param>
/// <param name="Detail">What is fed, for people.</param>
public sealed record InputRole(string Name, string Role, string Detail)
{
    internal static IReadOnlyList<InputRole> Of(ModelSignature signature)
    {
        var input = signature.Sequence;
        var axes = string.Join(", ", Enumerable.Range(0, input.Dimensions.Count).Select(i =>
            i == input.BatchAxis ? "batch" : i == input.TimeAxis ? "time" : i == input.FeatureAxis ? $"{input.Width} features" : "1"));
        var what = input.Kind switch { SequenceKind.Ids => "token ids", SequenceKind.Features => "features", _ => "texts" };
        return [new InputRole(input.Name, "sequence", $"{what} [{axes}]"), .. signature.Sides.Select(Of)];
    }

    private static InputRole Of(SideInput side) => side.Role switch
    {
        SideRole.Lengths => new InputRole(side.Name, "lengths", "time steps of each sequence"),
        SideRole.Mask => new InputRole(side.Name, "mask", side.MarksPadding ? "marks the padding" : "marks the sequence"),
        SideRole.Positions => new InputRole(side.Name, "positions", "0, 1, 2, … along time"),
        SideRole.State => new InputRole(side.Name, "state", "initial state, zeros"),
        _ => new InputRole(side.Name, "constant", $"{side.Fill} everywhere"),
    };
}
