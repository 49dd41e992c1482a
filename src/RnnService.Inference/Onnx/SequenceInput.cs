using Microsoft.ML.OnnxRuntime.Tensors;

namespace RnnService.Inference.Onnx;

/// <summary>What the time steps of a sequence are.</summary>
public enum SequenceKind
{
    /// <summary>Token ids.</summary>
    Ids,

    /// <summary>Vectors of numbers.</summary>
    Features,

    /// <summary>One text, which the graph itself takes apart.</summary>
    Text,
}

/// <summary>The input of a graph that takes the sequences. An axis that it does not have is -1.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Kind">What a time step is.</param>
/// <param name="Dimensions">Its shape as the graph declares it; -1 is a dimension that varies.</param>
/// <param name="BatchAxis">The axis of sequences.</param>
/// <param name="TimeAxis">The axis of time steps.</param>
/// <param name="FeatureAxis">The axis of the values of a time step.</param>
/// <param name="Width">Values of a time step: 1 but for features.</param>
internal sealed record SequenceInput(string Name, TensorElementType Type, SequenceKind Kind, IReadOnlyList<int> Dimensions, int BatchAxis, int TimeAxis, int FeatureAxis, int Width)
{
    /// <summary>Whether the axes are known from the graph or the manifest, and need not be tried.</summary>
    public bool IsTraced { get; init; }

    public bool TimeMajor => TimeAxis >= 0 && TimeAxis < BatchAxis;

    /// <summary>Rows that the graph declares; -1 is any number. A graph without a batch axis takes one.</summary>
    public int DeclaredRows => BatchAxis < 0 ? 1 : Dimensions[BatchAxis];

    /// <summary>Time steps that the graph declares; -1 is any number. A graph without a time axis takes one.</summary>
    public int DeclaredTime => TimeAxis < 0 ? 1 : Dimensions[TimeAxis];

    /// <summary>The same input with batch and time the other way round.</summary>
    public SequenceInput Swapped() => this with { BatchAxis = TimeAxis, TimeAxis = BatchAxis };

    public long[] Shape(int rows, int time)
    {
        var shape = new long[Dimensions.Count];
        for (int axis = 0; axis < shape.Length; axis++)
            shape[axis] = axis == BatchAxis ? rows : axis == TimeAxis ? time : axis == FeatureAxis ? Width : 1;
        return shape;
    }

    /// <summary>Elements between two neighbours on an axis in a tensor of this shape; 0 for an axis that is not there.</summary>
    public static int Stride(ReadOnlySpan<long> shape, int axis)
    {
        if (axis < 0)
            return 0;
        long stride = 1;
        foreach (long size in shape[(axis + 1)..])
            stride *= size;
        return (int)stride;
    }
}

/// <summary>What an input beside the sequence says.</summary>
internal enum SideRole
{
    /// <summary>The number of time steps of each sequence.</summary>
    Lengths,

    /// <summary>For each time step whether it belongs to its sequence or is padding.</summary>
    Mask,

    /// <summary>The state that a sequence begins with: zeros.</summary>
    State,

    /// <summary>The same number everywhere.</summary>
    Constant,
}

/// <summary>An input of a graph beside the sequence. An axis that it does not have is -1.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Type of its elements.</param>
/// <param name="Role">What it says.</param>
/// <param name="Dimensions">Its shape as the graph declares it; -1 is a dimension that varies.</param>
/// <param name="BatchAxis">The axis of sequences.</param>
/// <param name="TimeAxis">The axis of time steps.</param>
internal sealed record SideInput(string Name, TensorElementType Type, SideRole Role, IReadOnlyList<int> Dimensions, int BatchAxis, int TimeAxis = -1)
{
    /// <summary>Whether a mask marks the padding instead of the sequence.</summary>
    public bool MarksPadding { get; init; }

    /// <summary>Whether nothing but its shape speaks for the role, so that the probe must see it at work.</summary>
    public bool IsGuess { get; init; }

    /// <summary>The value of a constant.</summary>
    public double Fill { get; init; }

    public long[] Shape(int rows, int time)
    {
        var shape = new long[Dimensions.Count];
        for (int axis = 0; axis < shape.Length; axis++)
            shape[axis] = axis == BatchAxis ? rows : axis == TimeAxis ? time : Math.Max(1, Dimensions[axis]);
        return shape;
    }
}
