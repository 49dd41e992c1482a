using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RnnService.Core.Batching;
using RnnService.Core.Tensors;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Tensors;

/// <summary>
/// Raw tensors as sequences, so that they run together with those of everybody else. Only where the answer is the graph's own for the tensors as they were sent:
/// rows that do not influence each other, padding that changes nothing, states and constants as they would be fed anyway. Everything else runs as it is.
/// </summary>
internal static class TensorSequences
{
    /// <param name="classifier">How the model runs sequences.</param>
    /// <param name="inputs">All inputs of the graph, checked against it.</param>
    /// <param name="outputs">The outputs that are wanted.</param>
    /// <returns>The sequences, a row each, for the caller to dispose; null when the tensors must run as they are.</returns>
    public static SequenceRequest? TryRead(Classifier classifier, IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs)
    {
        var signature = classifier.Signature;
        var input = signature.Sequence;
        bool exact = classifier.Mode.RowsIndependent && (classifier.Mode.PaddingExact || signature.Ends is null) && input.BatchAxis >= 0;
        if (!exact || input.Kind == SequenceKind.Text || !outputs.All(o => signature.Heads.Any(h => h.Output == o && h.Type is not Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Double)))
            return null;
        var sequence = inputs.First(t => t.Name == input.Name);
        int rows = (int)sequence.Shape[input.BatchAxis];
        int time = input.TimeAxis < 0 ? 1 : (int)sequence.Shape[input.TimeAxis];
        if ((long)rows * signature.RowWidth > int.MaxValue / sizeof(float))
            return null;   // the answers of all rows together would be no array
        if (rows == 0 || time < classifier.MinLength || time > classifier.MaxLength || (input.FeatureAxis >= 0 && sequence.Shape[input.FeatureAxis] != input.Width))
            return null;
        Span<int> lengths = rows <= 256 ? stackalloc int[rows] : new int[rows];
        lengths.Fill(time);
        foreach (var side in signature.Sides)
        {
            if (!AgreesWith(side, inputs.First(t => t.Name == side.Name), lengths, time))
                return null;
        }
        var request = classifier.NewRequest();
        bool read = request.Sequences switch
        {
            Sequences<int> ids => TryReadIds(classifier, sequence, ids, lengths),
            Sequences<float> features => TryReadFeatures(input, sequence, features, lengths),
            _ => false,
        };
        if (read)
            return request;
        request.Dispose();
        return null;
    }

    /// <summary>The heads' numbers of all rows as the graph would have answered them.</summary>
    public static IReadOnlyList<Tensor> Write(Classifier classifier, SequenceRequest request, IReadOnlyList<string> outputs)
    {
        var tensors = new Tensor[outputs.Count];
        for (int o = 0; o < tensors.Length; o++)
        {
            var head = classifier.Signature.Heads.First(h => h.Output == outputs[o]);
            bool half = head.Type == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float16;
            var data = new byte[request.Count * head.Numbers * (half ? 2 : 4)];
            for (int row = 0; row < request.Count; row++)
            {
                var numbers = request.Numbers(row).Slice(head.Offset, head.Numbers);
                if (half)
                {
                    var target = MemoryMarshal.Cast<byte, Half>(data.AsSpan()).Slice(row * head.Numbers, head.Numbers);
                    for (int i = 0; i < numbers.Length; i++)
                        target[i] = (Half)numbers[i];
                }
                else
                    numbers.CopyTo(MemoryMarshal.Cast<byte, float>(data.AsSpan())[(row * head.Numbers)..]);
            }
            tensors[o] = new Tensor(head.Output, half ? Datatype.Fp16 : Datatype.Fp32, head.Shape(request.Count), data);
        }
        return tensors;
    }

    /// <summary>Whether an input beside the sequences says what would be fed for sequences of some lengths, which are then known.</summary>
    private static bool AgreesWith(SideInput side, Tensor tensor, Span<int> lengths, int time)
    {
        switch (side.Role)
        {
            case SideRole.Lengths:
                for (int row = 0; row < lengths.Length; row++)
                {
                    if (tensor.Count != lengths.Length || ReadInteger(tensor, row) is not { } length || length < 1 || length > time)
                        return false;
                    lengths[row] = (int)length;
                }
                return true;
            case SideRole.Mask:
                return tensor.Count == (long)lengths.Length * time && ReadMask(side, tensor, lengths, time);
            default:
                for (int i = 0; i < tensor.Count; i++)
                {
                    if (ReadNumber(tensor, i) != side.Fill)
                        return false;
                }
                return true;
        }
    }

    private static bool ReadMask(SideInput side, Tensor tensor, Span<int> lengths, int time)
    {
        bool timeMajor = side.TimeAxis < side.BatchAxis;
        double inside = side.MarksPadding ? 0 : 1;
        for (int row = 0; row < lengths.Length; row++)
        {
            int length = 0;
            for (int t = 0; t < time; t++)
            {
                double mark = ReadNumber(tensor, timeMajor ? (t * lengths.Length) + row : (row * time) + t);
                if (mark is not (0 or 1) || (mark == inside && length != t))
                    return false;   // no mark of a step, or a gap
                if (mark == inside)
                    length++;
            }
            if (length == 0)
                return false;
            lengths[row] = length;
        }
        return true;
    }

    private static bool TryReadIds(Classifier classifier, Tensor tensor, Sequences<int> ids, ReadOnlySpan<int> lengths)
    {
        var input = classifier.Signature.Sequence;
        var shape = tensor.Shape.ToArray();
        int batchStride = SequenceInput.Stride(shape, input.BatchAxis);
        int timeStride = SequenceInput.Stride(shape, input.TimeAxis);
        long size = classifier.VocabularySize ?? int.MaxValue;
        for (int row = 0; row < lengths.Length; row++)
        {
            for (int t = 0; t < lengths[row]; t++)
            {
                int index = (row * batchStride) + (t * timeStride);
                if (ReadInteger(tensor, index) is not { } id || id < classifier.MinId || id >= size)
                    return false;
                ids.Add((int)id);
            }
            ids.Finish();
        }
        return true;
    }

    private static bool TryReadFeatures(SequenceInput input, Tensor tensor, Sequences<float> features, ReadOnlySpan<int> lengths)
    {
        if (tensor.Type != Datatype.Fp32)
            return false;   // through single precision other types might not come out as they went in
        var shape = tensor.Shape.ToArray();
        int batchStride = SequenceInput.Stride(shape, input.BatchAxis);
        int timeStride = SequenceInput.Stride(shape, input.TimeAxis);
        int featureStride = SequenceInput.Stride(shape, input.FeatureAxis);
        var values = MemoryMarshal.Cast<byte, float>(tensor.Data.Span);
        for (int row = 0; row < lengths.Length; row++)
        {
            if (timeStride == input.Width && (featureStride == 1 || input.Width == 1))
                values.Slice(row * batchStride, lengths[row] * input.Width).CopyTo(features.Append(lengths[row] * input.Width));
            else
            {
                for (int t = 0; t < lengths[row]; t++)
                {
                    for (int f = 0; f < input.Width; f++)
                        features.Add(values[(row * batchStride) + (t * timeStride) + (f * featureStride)]);
                }
            }
            features.Finish();
        }
        return true;
    }

    /// <summary>An element as an integer; null when it is none.</summary>
    private static long? ReadInteger(Tensor tensor, int index) => tensor.Type switch
    {
        Datatype.Int64 => BinaryPrimitives.ReadInt64LittleEndian(tensor.Data.Span[(index * sizeof(long))..]),
        Datatype.Int32 => BinaryPrimitives.ReadInt32LittleEndian(tensor.Data.Span[(index * sizeof(int))..]),
        Datatype.Fp32 or Datatype.Fp64 => ReadNumber(tensor, index) is var number && Math.Abs(number) < int.MaxValue && Math.Truncate(number) == number ? (long)number : null,
        _ => null,
    };

    private static double ReadNumber(Tensor tensor, int index) => tensor.Type switch
    {
        Datatype.Fp32 => BinaryPrimitives.ReadSingleLittleEndian(tensor.Data.Span[(index * sizeof(float))..]),
        Datatype.Fp64 => BinaryPrimitives.ReadDoubleLittleEndian(tensor.Data.Span[(index * sizeof(double))..]),
        Datatype.Fp16 => (double)BinaryPrimitives.ReadHalfLittleEndian(tensor.Data.Span[(index * 2)..]),
        Datatype.Int64 => BinaryPrimitives.ReadInt64LittleEndian(tensor.Data.Span[(index * sizeof(long))..]),
        Datatype.Int32 => BinaryPrimitives.ReadInt32LittleEndian(tensor.Data.Span[(index * sizeof(int))..]),
        Datatype.Bool or Datatype.UInt8 => tensor.Data.Span[index],
        Datatype.Int8 => (sbyte)tensor.Data.Span[index],
        _ => double.NaN,
    };
}
