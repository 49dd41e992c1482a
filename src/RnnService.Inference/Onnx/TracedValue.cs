namespace RnnService.Inference.Onnx;

/// <summary>An axis of an input of the graph: where an axis of some value comes from.</summary>
internal readonly record struct Axis(string Input, int Index);

/// <summary>An entry of a small vector of integers that describes a shape: a constant, or the size of an axis.</summary>
internal readonly record struct ShapeEntry(long? Constant, Axis? Size);

/// <summary>What tracing knows of a value in the graph.</summary>
internal sealed record TracedValue
{
    /// <summary>For each axis where it comes from, null where that is nowhere or unknown; null as a whole when even the rank is unknown.</summary>
    public Axis?[]? Axes { get; init; }

    /// <summary>The entries of a vector that describes a shape; null for all other values.</summary>
    public ShapeEntry[]? Shape { get; init; }

    /// <summary>The input that has the same values, however typed and shaped; null when they are computed.</summary>
    public string? SameAs { get; init; }

    /// <summary>Names of the inputs that the values depend on.</summary>
    public IReadOnlySet<string> DependsOn { get; init; } = Nothing;

    /// <summary>Whether the values are those of a recurrent node, reshaped or cut at most, so that they are a state and score nothing.</summary>
    public bool IsState { get; init; }

    public static IReadOnlySet<string> Nothing { get; } = new HashSet<string>();

    public bool IsConstant => DependsOn.Count == 0;

    public Axis? AxisAt(int index) => Axes is not null && index < Axes.Length ? Axes[index] : null;
}
