using Microsoft.ML.OnnxRuntime.Tensors;
using RnnService.Core.Taxonomy;

namespace RnnService.Inference.Onnx;

/// <summary>An output of the graph that scores labels.</summary>
/// <param name="Output">Name of the graph output, [batch, numbers] in any floating type.</param>
/// <param name="Width">Number of labels.</param>
/// <param name="Offset">Where the head begins in a row that holds all heads.</param>
/// <param name="Activation">What its numbers are.</param>
public sealed record Head(string Output, int Width, int Offset, HeadActivation Activation = HeadActivation.Logits)
{
    /// <summary>Numbers that the graph answers: fewer than labels where one sigmoid stands for two.</summary>
    public int Numbers { get; init; } = Width;

    /// <summary>Type of the output.</summary>
    internal TensorElementType Type { get; init; } = TensorElementType.Float;

    /// <summary>Rank of the output; all dimensions but batch and numbers are 1.</summary>
    internal int Rank { get; init; } = 2;

    /// <summary>The axis of sequences in the output; -1 when there is none.</summary>
    internal int BatchAxis { get; init; }

    /// <summary>The axis of numbers in the output.</summary>
    internal int NumbersAxis { get; init; } = 1;

    internal long[] Shape(int rows)
    {
        var shape = new long[Rank];
        for (int axis = 0; axis < shape.Length; axis++)
            shape[axis] = axis == BatchAxis ? rows : axis == NumbersAxis ? Numbers : 1;
        return shape;
    }

    /// <summary>Turns the graph's numbers, in place, into logits: scores whose softmax over the labels is the distribution.</summary>
    /// <param name="row">The head's part of a row, <see cref="Width"/> long, its first <see cref="Numbers"/> filled.</param>
    public void ToLogits(Span<float> row)
    {
        if (Activation is HeadActivation.Logits or HeadActivation.LogSoftmax)
        {
            if (Numbers < Width)   // one logit against 0
                (row[0], row[1]) = (0, row[0]);
            return;
        }
        // one probability alone is that of the second of two labels; several of them count by their share, as is usual for one-vs-rest classifiers
        if (Numbers < Width)
            (row[0], row[1]) = (1 - row[0], row[0]);
        // sigmoids may all be 0 in the graph's precision, and then none counts more than another; a softmax never is
        float least = Activation == HeadActivation.Sigmoid ? float.Epsilon : 0;
        for (int i = 0; i < row.Length; i++)
            row[i] = MathF.Log(MathF.Max(row[i], least));
    }
}
