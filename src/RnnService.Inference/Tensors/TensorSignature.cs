using System.Buffers.Binary;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core.Tensors;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Tensors;

/// <summary>The axis of rows.</summary>
/// <param name="Input">The input that has it.</param>
/// <param name="Axis">The axis; -1 where a request is one row.</param>
internal readonly record struct RowsAxis(string Input, int Axis);

/// <summary>The inputs and outputs of a graph, and whether a request fits them. Immutable.</summary>
internal sealed class TensorSignature
{
    private const int LongestList = 20;

    private readonly TensorDescription[] _inputs;
    private readonly Dictionary<string, int> _inputIndex;
    private readonly HashSet<string> _outputs;

    private readonly RowsAxis? _rows;

    private TensorSignature(TensorDescription[] inputs, TensorDescription[] outputs, RowsAxis? rows)
    {
        _rows = rows;
        _inputs = inputs;
        _inputIndex = inputs.Select((input, i) => (input.Name, i)).ToDictionary(p => p.Name, p => p.i, StringComparer.Ordinal);
        Inputs = [.. inputs.Where(i => i.Datatype is not null)];
        Outputs = [.. outputs.Where(o => o.Datatype is not null)];
        OutputNames = [.. Outputs.Select(o => o.Name)];
        _outputs = [.. OutputNames];
    }

    /// <summary>The inputs that the protocol can carry, in the graph's order.</summary>
    public IReadOnlyList<TensorDescription> Inputs { get; }

    /// <summary>The outputs that the protocol can carry: neither maps, sequences nor bfloat16.</summary>
    public IReadOnlyList<TensorDescription> Outputs { get; }

    public string[] OutputNames { get; }

    public static TensorSignature Of(InferenceSession session, RowsAxis? rows) =>
        new([.. session.InputNames.Select(n => Describe(n, session.InputMetadata[n]))], [.. session.OutputNames.Select(n => Describe(n, session.OutputMetadata[n]))], rows);

    private static TensorDescription Describe(string name, NodeMetadata meta) => meta.IsTensor
        ? new(name, meta.ElementDataType.ToString().ToLowerInvariant(), meta.Dimensions) { Datatype = TensorDescription.DatatypeOf(meta.ElementDataType) }
        : new(name, meta.OnnxValueType.ToString().ToLowerInvariant(), []);

    /// <summary>Rows of a request: the size of the axis of sequences where the graph has some; else that of the first input's first dimension where that varies, else 1.</summary>
    public int BatchSize(IReadOnlyList<Tensor> inputs)
    {
        if (_rows is { } rows)
        {
            foreach (var input in inputs)
            {
                if (input.Name == rows.Input && rows.Axis >= 0)
                    return (int)Math.Clamp(input.Shape[rows.Axis], 1, int.MaxValue);
            }
            return 1;
        }
        if (inputs.Count == 0 || inputs[0].Shape.Count == 0 || !_inputIndex.TryGetValue(inputs[0].Name, out int first) || _inputs[first].Shape is not [< 0, ..])
            return 1;
        return (int)Math.Clamp(inputs[0].Shape[0], 1, int.MaxValue);
    }

    /// <returns>Null when the graph takes these inputs and has these outputs; else what is wrong, with both sides and the remedy.</returns>
    public string? Check(IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs)
    {
        var given = new bool[_inputs.Length];
        for (int i = 0; i < inputs.Count; i++)
        {
            var tensor = inputs[i];
            if (!_inputIndex.TryGetValue(tensor.Name, out int index))
                return $"inputs[{i}]: the graph has no input \"{tensor.Name}\"; it takes {List(_inputs)}.";
            if (given[index])
                return $"inputs[{i}]: the input \"{tensor.Name}\" is given twice; send it once.";
            given[index] = true;
            if (Check(tensor, _inputs[index]) is { } fault)
                return $"inputs[{i}] \"{tensor.Name}\": {fault}";
        }
        for (int i = 0; i < given.Length; i++)
        {
            if (!given[i])
                return _inputs[i].Datatype is null ? CannotCarry(_inputs[i]) : $"inputs: the graph's input \"{_inputs[i].Name}\" is missing; send all of {List(_inputs)}.";
        }
        for (int i = 0; i < outputs.Count; i++)
        {
            if (!_outputs.Contains(outputs[i]))
                return $"outputs[{i}]: the graph has no output \"{outputs[i]}\"; it answers {List(Outputs)}.";
        }
        return Outputs.Count == 0 ? "The graph has no output that this protocol can carry." : null;
    }

    private static string? Check(Tensor tensor, TensorDescription input)
    {
        if (input.Datatype is null)
            return CannotCarry(input);
        if (tensor.Type != input.Datatype)
            return $"the datatype is {tensor.Type.Name()} and the graph takes {input.Datatype.Value.Name()}; convert the data.";
        // no dimension declared may also be a shape that the graph does not tell; what is wrong then shows in the run
        bool ranked = input.Shape.Count > 0;
        if (ranked && input.Shape.Count != tensor.Shape.Count)
            return $"the shape is {Shape(tensor.Shape)} with {tensor.Shape.Count} dimension(s) and the graph takes {Shape(input.Shape)} with {input.Shape.Count}, where -1 is any size.";
        for (int d = 0; d < tensor.Shape.Count; d++)
        {
            if (tensor.Shape[d] < 0)
                return $"the shape {Shape(tensor.Shape)} has a negative size; say how many there are.";
            if (ranked && input.Shape[d] >= 0 && input.Shape[d] != tensor.Shape[d])
                return $"the shape is {Shape(tensor.Shape)} and the graph takes {Shape(input.Shape)}, where -1 is any size: dimension {d} must be {input.Shape[d]}.";
        }
        return CheckData(tensor);
    }

    private static string? CheckData(Tensor tensor)
    {
        long count;
        try
        {
            count = Tensor.CountOf(tensor.Shape);
        }
        catch (OverflowException)
        {
            return $"the shape {Shape(tensor.Shape)} has more elements than can be counted.";
        }
        if (tensor.Type == Datatype.Bool && tensor.Data.Span.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var wrong)
            return $"element {wrong} of BOOL is the byte {tensor.Data.Span[wrong]}; 0 is false and 1 is true.";
        if (tensor.Type != Datatype.Bytes)
        {
            return (Int128)count * tensor.Type.Size() == tensor.Data.Length
                ? null
                : $"the shape {Shape(tensor.Shape)} of {tensor.Type.Name()} takes {(Int128)count * tensor.Type.Size()} bytes, and there are {tensor.Data.Length}; make them agree.";
        }
        long elements = 0;
        var rest = tensor.Data.Span;
        while (rest.Length > 0)
        {
            if (rest.Length < sizeof(int) || BinaryPrimitives.ReadUInt32LittleEndian(rest) > (uint)(rest.Length - sizeof(int)))
                return $"element {elements} runs over the end of the data; each element of BYTES is its length in 4 bytes, little-endian, and then its bytes.";
            rest = rest[(sizeof(int) + (int)BinaryPrimitives.ReadUInt32LittleEndian(rest))..];
            elements++;
        }
        return elements == count ? null : $"the shape {Shape(tensor.Shape)} has {count} element(s), and there are {elements}; make them agree.";
    }

    private static string CannotCarry(TensorDescription input) =>
        $"the graph's input \"{input.Name}\" is {input.Type}, which this protocol cannot carry. Export the model with an input of one of {Datatypes.All}.";

    private static string Shape<T>(IEnumerable<T> shape) => $"[{string.Join(", ", shape)}]";

    private static string List(IReadOnlyList<TensorDescription> tensors) => tensors.Count == 0 ? "none" :
        string.Join(", ", tensors.Take(LongestList).Select(t => $"\"{t.Name}\" {t.Datatype?.Name() ?? t.Type} {Shape(t.Shape)}")) + (tensors.Count > LongestList ? ", …" : "");
}
