using System.Text;

namespace RnnService.TestData;

/// <summary>Tiny ONNX files, written field by field as the format says (a protobuf of the ONNX project, version 1).</summary>
internal static class OnnxGraphs
{
    // a type's place is its number in ONNX
    private static readonly string[] Types = ["", "FP32", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "BYTES", "BOOL", "FP16", "FP64", "UINT32", "UINT64"];

    /// <summary>One node, its inputs and outputs being the graph's.</summary>
    /// <param name="operation">The operator, for example Identity.</param>
    /// <param name="inputs">Inputs of the graph.</param>
    /// <param name="outputs">Outputs of the graph.</param>
    public static byte[] OfNode(string operation, Value[] inputs, Value[] outputs) =>
        Of([new(operation, [.. inputs.Select(i => i.Name)], [.. outputs.Select(o => o.Name)])], inputs, outputs);

    public static byte[] Of(Node[] nodes, Value[] inputs, Value[] outputs)
    {
        var graph = new Message();
        foreach (var node in nodes)
        {
            var message = new Message();
            foreach (var name in node.Inputs)
                message.Text(1, name);
            foreach (var name in node.Outputs)
                message.Text(2, name);
            graph.Part(1, message.Text(4, node.Operation));
        }
        graph.Text(2, "graph");
        foreach (var input in inputs)
            graph.Part(11, Describe(input));
        foreach (var output in outputs)
            graph.Part(12, Describe(output));
        return new Message().Number(1, 8).Part(7, graph).Part(8, new Message().Number(2, 13)).ToArray();
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

    internal sealed record Node(string Operation, string[] Inputs, string[] Outputs);

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
