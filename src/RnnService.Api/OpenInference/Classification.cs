using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using RnnService.Core.Tensors;
using RnnService.Inference.Models;

namespace RnnService.Api.OpenInference;

/// <summary>The classification extension: the largest values of each row of an output as <c>value:index</c> or <c>value:index:label</c>, falling, with all digits that tell values apart.</summary>
internal static class Classification
{
    /// <param name="output">The output; its first dimension, if it has more than one, is the batch, and the others are one list.</param>
    /// <param name="classes">How many are wanted; more than there are is all.</param>
    /// <param name="labels">Label by index; null when there are none.</param>
    /// <returns>Null when the output has no values that could be ranked.</returns>
    public static Tensor? Of(Tensor output, int classes, IReadOnlyList<string>? labels) => output.Type switch
    {
        Datatype.UInt8 => Of<byte>(output, classes, labels),
        Datatype.UInt16 => Of<ushort>(output, classes, labels),
        Datatype.UInt32 => Of<uint>(output, classes, labels),
        Datatype.UInt64 => Of<ulong>(output, classes, labels),
        Datatype.Int8 => Of<sbyte>(output, classes, labels),
        Datatype.Int16 => Of<short>(output, classes, labels),
        Datatype.Int32 => Of<int>(output, classes, labels),
        Datatype.Int64 => Of<long>(output, classes, labels),
        Datatype.Fp16 => Of<Half>(output, classes, labels),
        Datatype.Fp32 => Of<float>(output, classes, labels),
        Datatype.Fp64 => Of<double>(output, classes, labels),
        _ => null,
    };

    /// <summary>The labels that an output scores.</summary>
    /// <returns>Null when it is no head, or its labels are only its indices.</returns>
    public static IReadOnlyList<string>? Labels(LoadedModel model, string output)
    {
        if (model.Classifier is not { } classifier || classifier.Heads.FirstOrDefault(h => h.Output == output) is not { } head || head.Numbers != head.Width)
            return null;
        var labels = new string[head.Width];
        for (int node = 0; node < classifier.Tree.Count; node++)
        {
            int index = classifier.Scores.Position(node) - head.Offset;
            if (index >= 0 && index < labels.Length)
                labels[index] = classifier.Tree.Label(node);
        }
        return labels.Contains(null) || labels[0] == $"{output}:0" ? null : labels;
    }

    private static Tensor Of<T>(Tensor output, int classes, IReadOnlyList<string>? labels)
        where T : unmanaged, INumber<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(output.Data.Span);
        bool batched = output.Shape.Count > 1;
        int rows = batched ? (int)output.Shape[0] : 1;
        int width = rows == 0 ? 0 : values.Length / rows;
        int wanted = Math.Min(classes, width);
        using var bytes = new MemoryStream();
        var order = new int[width];
        for (int row = 0; row < rows; row++)
        {
            var keys = values.Slice(row * width, width).ToArray();
            for (int i = 0; i < width; i++)
                order[i] = i;
            // NaN last; of equal values the first index first
            Array.Sort(order, (a, b) => T.IsNaN(keys[a]) || T.IsNaN(keys[b])
                ? T.IsNaN(keys[a]) ? (T.IsNaN(keys[b]) ? a.CompareTo(b) : 1) : -1
                : keys[b].CompareTo(keys[a]) is not 0 and var falling ? falling : a.CompareTo(b));
            for (int i = 0; i < wanted; i++)
                Append(bytes, string.Create(CultureInfo.InvariantCulture, $"{keys[order[i]]}:{order[i]}{(labels is not null && order[i] < labels.Count ? ":" + labels[order[i]] : "")}"));
        }
        return new Tensor(output.Name, Datatype.Bytes, batched ? [rows, wanted] : [wanted], bytes.ToArray());
    }

    private static void Append(MemoryStream bytes, string text)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, Encoding.UTF8.GetByteCount(text));
        bytes.Write(length);
        bytes.Write(Encoding.UTF8.GetBytes(text));
    }
}
