using System.Runtime.InteropServices;
using System.Text;

namespace RnnService.TestData;

/// <summary>Tiny ONNX files, written field by field as the format says (a protobuf of the ONNX project, version 1).</summary>
internal static class OnnxGraphs
{
    // a type's place is its number in ONNX
    private static readonly string[] Types = ["", "FP32", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "BYTES", "BOOL", "FP16", "FP64", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128", "BF16"];

    /// <summary>One node, its inputs and outputs being the graph's.</summary>
    /// <param name="operation">The operator, for example Identity.</param>
    /// <param name="inputs">Inputs of the graph.</param>
    /// <param name="outputs">Outputs of the graph.</param>
    public static byte[] OfNode(string operation, Value[] inputs, Value[] outputs) =>
        Of([new(operation, [.. inputs.Select(i => i.Name)], [.. outputs.Select(o => o.Name)])], inputs, outputs);

    /// <param name="nodes">The nodes in topological order.</param>
    /// <param name="inputs">Inputs of the graph.</param>
    /// <param name="outputs">Outputs of the graph.</param>
    /// <param name="weights">Constants that the nodes use.</param>
    public static byte[] Of(Node[] nodes, Value[] inputs, Value[] outputs, params Weight[] weights) => Of([], nodes, inputs, outputs, weights);

    /// <param name="functions">Functions of the domain "local" that nodes call.</param>
    /// <param name="nodes">The nodes in topological order.</param>
    /// <param name="inputs">Inputs of the graph.</param>
    /// <param name="outputs">Outputs of the graph.</param>
    /// <param name="weights">Constants that the nodes use.</param>
    public static byte[] Of(Function[] functions, Node[] nodes, Value[] inputs, Value[] outputs, params Weight[] weights)
    {
        var graph = new Message();
        foreach (var node in nodes)
            graph.Part(1, Describe(node));
        graph.Text(2, "graph");
        foreach (var weight in weights)
            graph.Part(5, Describe(weight));
        foreach (var input in inputs)
            graph.Part(11, Describe(input));
        foreach (var output in outputs)
            graph.Part(12, Describe(output));
        var model = new Message().Number(1, 8).Part(7, graph).Part(8, new Message().Number(2, 13)).Part(8, new Message().Text(1, "local").Number(2, 1));
        foreach (var function in functions)
            model.Part(25, Describe(function));
        return model.ToArray();
    }

    private static Message Describe(Function function)
    {
        var message = new Message().Text(1, function.Name).Text(4, "in").Text(5, "out");
        foreach (var node in function.Nodes)
            message.Part(7, Describe(node));
        return message.Part(9, new Message().Number(2, 13)).Part(9, new Message().Text(1, "local").Number(2, 1)).Text(10, "local");
    }

    private static Message Describe(Node node)
    {
        var message = new Message();
        foreach (var name in node.Inputs)
            message.Text(1, name);
        foreach (var name in node.Outputs)
            message.Text(2, name);
        message.Text(4, node.Operation);
        foreach (var (name, value) in node.Attributes)
            message.Part(5, new Message().Text(1, name).Number(3, value).Number(20, 2));
        foreach (var (name, values) in node.Lists)
        {
            var list = new Message().Text(1, name).Number(20, 7);
            foreach (int value in values)
                list.Number(8, value);
            message.Part(5, list);
        }
        foreach (var (name, value) in node.Texts)
            message.Part(5, new Message().Text(1, name).Text(4, value).Number(20, 3));
        return message.Text(7, node.Domain);
    }

    private static Message Describe(Weight weight)
    {
        var message = new Message();
        foreach (int size in weight.Shape)
            message.Number(1, size);
        message.Number(2, weight.Integers is null ? 1 : 7).Text(8, weight.Name);
        return message.Raw(9, weight.Integers is { } integers ? MemoryMarshal.AsBytes(integers.AsSpan()) : MemoryMarshal.AsBytes(weight.Floats.AsSpan()));
    }

    private static Message Describe(Value value)
    {
        var tensor = new Message().Number(1, Array.IndexOf(Types, value.Type));
        if (value.Shape is not null)
        {
            var shape = new Message();
            foreach (int size in value.Shape)
                shape.Part(1, size < 0 ? new Message().Text(2, $"n{-size}") : new Message().Number(1, size));
            tensor.Part(2, shape);
        }
        return new Message().Text(1, value.Name).Part(2, new Message().Part(1, tensor));
    }

    /// <summary>An input or output of a graph.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Type">The protocol's name of its element type.</param>
    /// <param name="Shape">Its dimensions, negative where they vary; null when the graph does not tell them.</param>
    internal sealed record Value(string Name, string Type, params int[]? Shape);

    internal sealed record Node(string Operation, string[] Inputs, string[] Outputs)
    {
        public string Domain { get; init; } = "";

        public (string Name, int Value)[] Attributes { get; init; } = [];

        public (string Name, int[] Values)[] Lists { get; init; } = [];

        public (string Name, string Value)[] Texts { get; init; } = [];
    }

    /// <summary>A function from "in" to "out".</summary>
    internal sealed record Function(string Name, Node[] Nodes);

    /// <summary>A constant of float numbers, or of integers in 64 bits.</summary>
    internal sealed record Weight(string Name, int[] Shape)
    {
        public float[] Floats { get; init; } = [];

        public long[]? Integers { get; init; }

        /// <summary>Weights that are different and small.</summary>
        public static Weight Random(string name, params int[] shape)
        {
            var random = new Random(shape.Sum() + name.Length);
            return new Weight(name, shape) { Floats = [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(_ => random.NextSingle() - 0.5f)] };
        }
    }

    private sealed class Message
    {
        private readonly List<byte> _bytes = [];

        public Message Number(int field, long value)
        {
            Varint(field << 3);
            Varint(value);
            return this;
        }

        public Message Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        public Message Raw(int field, ReadOnlySpan<byte> value) => Bytes(field, value.ToArray());

        public Message Part(int field, Message part) => Bytes(field, part.ToArray());

        public byte[] ToArray() => [.. _bytes];

        private Message Bytes(int field, byte[] value)
        {
            Varint((field << 3) | 2);
            Varint(value.Length);
            _bytes.AddRange(value);
            return this;
        }

        private void Varint(long value)
        {
            ulong rest = (ulong)value;
            for (; rest > 127; rest >>= 7)
                _bytes.Add((byte)(rest | 128));
            _bytes.Add((byte)rest);
        }
    }
}
