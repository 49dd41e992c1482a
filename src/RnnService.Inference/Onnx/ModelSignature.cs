using RnnService.Core;

namespace RnnService.Inference.Onnx;

/// <summary>How sequences go into a graph and scores come out. Found by <see cref="SignatureFinder"/>, completed by <see cref="ModelProbe"/>.</summary>
/// <param name="Sequence">The input that takes the sequences.</param>
/// <param name="Sides">The other inputs, each with what feeds it.</param>
/// <param name="Heads">The outputs that score labels, in the order of a row.</param>
internal sealed record ModelSignature(SequenceInput Sequence, IReadOnlyList<SideInput> Sides, IReadOnlyList<Head> Heads)
{
    /// <summary>The id that fills up sequences of ids.</summary>
    public int PaddingId { get; init; }

    /// <summary>Whether answers are only as exact as half precision.</summary>
    public bool HalfPrecision { get; init; }

    /// <summary>The input that says where sequences end; null when none does.</summary>
    public SideInput? Ends => Sides.FirstOrDefault(s => s.Role is SideRole.Lengths or SideRole.Mask);

    /// <summary>Scores of one sequence, all heads.</summary>
    public int RowWidth => Heads.Sum(h => h.Width);

    /// <summary>The same graph with batch and time the other way round, in the sequences and in what lies beside them.</summary>
    public ModelSignature Swapped() => this with
    {
        Sequence = Sequence.Swapped(),
        Sides = [.. Sides.Select(s => s.TimeAxis < 0 ? s : s with { BatchAxis = s.TimeAxis, TimeAxis = s.BatchAxis })],
    };

    /// <summary>The same graph with masks that mean the opposite.</summary>
    public ModelSignature WithMasksInverted() => this with { Sides = [.. Sides.Select(s => s.Role == SideRole.Mask ? s with { MarksPadding = !s.MarksPadding } : s)] };

    /// <summary>The same graph with batch and time of its masks the other way round.</summary>
    public ModelSignature WithMasksSwapped() => this with { Sides = [.. Sides.Select(s => s.Role == SideRole.Mask ? s with { BatchAxis = s.TimeAxis, TimeAxis = s.BatchAxis } : s)] };

    /// <summary>The same graph with other heads, laid out one after the other.</summary>
    public ModelSignature WithHeads(IEnumerable<Head> heads)
    {
        int offset = 0;
        var placed = new List<Head>();
        foreach (var head in heads)
        {
            placed.Add(head with { Offset = offset });
            offset += head.Width;
        }
        return this with { Heads = placed };
    }
}

/// <summary>What was found out about a graph: its signature, or why it is none of a classifier of sequences.</summary>
/// <param name="Signature">Null when there are faults.</param>
/// <param name="Faults">Why it cannot answer <c>/predict</c>.</param>
/// <param name="Ignored">Outputs that score nothing, each with what it is.</param>
internal sealed record SignatureFindings(ModelSignature? Signature, IReadOnlyList<Fault> Faults, IReadOnlyList<IgnoredOutput> Ignored)
{
    /// <summary>Whether the graph at least looks like a classifier of sequences, so that its faults are faults and not just another kind of graph.</summary>
    public bool LooksLikeClassifier { get; init; }
}

/// <summary>An output that scores nothing.</summary>
/// <param name="Output">Its name.</param>
/// <param name="Reason">What it is instead, for people.</param>
public sealed record IgnoredOutput(string Output, string Reason);
