using System.Buffers.Binary;
using Google.Protobuf;
using RnnService.Inference.Onnx.Format;

namespace RnnService.Inference.Onnx;

/// <summary>An ONNX file as far as this server reads it: its nodes, calls of local functions replaced by what they do, and constants small enough to be shapes.</summary>
internal sealed class OnnxFile
{
    private const int LargestConstant = 64;
    private const int DeepestCall = 32;
    private const int MostNodes = 1_000_000;

    private static readonly MessageParser<Model> Parser = Model.Parser.WithDiscardUnknownFields(true);

    private readonly Model _model;
    private readonly Dictionary<(string Domain, string Name, string Overload), Function> _functions;
    private readonly List<Node> _nodes = [];

    private OnnxFile(Model model)
    {
        _model = model;
        _functions = model.Functions.ToDictionary(f => (f.Domain, f.Name, f.Overload));
        foreach (var node in model.Graph.Node)
            Add(node, 0);
        Initializers = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var tensor in model.Graph.Initializer)
            Initializers[tensor.Name] = tensor;
    }

    /// <summary>All nodes in topological order, as the format demands.</summary>
    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>Weights and other constants by name.</summary>
    public Dictionary<string, Tensor> Initializers { get; }

    /// <summary>What callers feed, declared as the file says.</summary>
    public IEnumerable<Value> Inputs => _model.Graph.Input.Where(i => !Initializers.ContainsKey(i.Name));

    /// <summary>What the graph answers.</summary>
    public IEnumerable<Value> Outputs => _model.Graph.Output;

    /// <summary>Name and version of the exporter, as the file states it.</summary>
    public string Producer => $"{_model.ProducerName} {_model.ProducerVersion}".Trim();

    /// <summary>Version of the standard operator set.</summary>
    public long Opset => _model.OpsetImport.FirstOrDefault(o => o.Domain is "" or "ai.onnx")?.Version ?? 0;

    /// <summary>Other files that hold the weights, relative to the file's folder.</summary>
    public IReadOnlyList<string> ExternalFiles =>
        [.. _model.Graph.Initializer.SelectMany(t => t.ExternalData).Where(e => e.Key == "location").Select(e => e.Value).Distinct(StringComparer.Ordinal)];

    /// <exception cref="InvalidProtocolBufferException">The file is not a protobuf message.</exception>
    /// <exception cref="InvalidDataException">The message holds no graph.</exception>
    public static OnnxFile Read(string path)
    {
        using var stream = File.OpenRead(path);
        var model = Parser.ParseFrom(stream);
        if (model.Graph is null)
            throw new InvalidDataException("The file holds no graph.");
        foreach (var tensor in model.Graph.Initializer.Where(t => t.Dims.Aggregate(1L, (a, b) => a * b) > LargestConstant))
            tensor.RawData = ByteString.Empty;   // weights belong to ONNX Runtime; here they would only take memory
        return new OnnxFile(model);
    }

    /// <summary>The integers of a small constant; null when it has no such values.</summary>
    public static long[]? Integers(Tensor tensor)
    {
        const int int32 = 6;
        const int int64 = 7;
        var raw = tensor.RawData.Span;
        if (tensor.DataType == int64)
        {
            if (raw.IsEmpty)
                return [.. tensor.Int64Data];
            var values = new long[raw.Length / sizeof(long)];
            for (int i = 0; i < values.Length; i++)
                values[i] = BinaryPrimitives.ReadInt64LittleEndian(raw[(i * sizeof(long))..]);
            return values;
        }
        if (tensor.DataType != int32)
            return null;
        if (raw.IsEmpty)
            return [.. tensor.Int32Data];
        var narrow = new long[raw.Length / sizeof(int)];
        for (int i = 0; i < narrow.Length; i++)
            narrow[i] = BinaryPrimitives.ReadInt32LittleEndian(raw[(i * sizeof(int))..]);
        return narrow;
    }

    private void Add(Node node, int depth)
    {
        if (depth < DeepestCall && _functions.TryGetValue((node.Domain, node.OpType, node.Overload), out var function))
            Call(function, node, depth);
        else if (_nodes.Count == MostNodes)
            throw new InvalidDataException($"Its functions call each other more than {MostNodes} times");
        else
            _nodes.Add(node);
    }

    /// <summary>Puts the nodes of a local function in the place of its call, with the caller's names and attributes.</summary>
    private void Call(Function function, Node call, int depth)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal) { [""] = "" };
        for (int i = 0; i < function.Input.Count; i++)
            names[function.Input[i]] = i < call.Input.Count ? call.Input[i] : "";
        for (int i = 0; i < function.Output.Count && i < call.Output.Count; i++)
            names[function.Output[i]] = call.Output[i];
        string prefix = $"{(call.Name.Length > 0 ? call.Name : call.Out(0))}/";
        foreach (var inner in function.Node)
        {
            var node = inner.Clone();
            node.Name = prefix + inner.Name;
            for (int i = 0; i < node.Input.Count; i++)
                node.Input[i] = Renamed(inner.Input[i]);
            for (int i = 0; i < node.Output.Count; i++)
                node.Output[i] = Renamed(inner.Output[i]);
            for (int i = node.Attribute.Count - 1; i >= 0; i--)
            {
                if (node.Attribute[i].RefAttrName is not { Length: > 0 } reference)
                    continue;
                var given = call.Attribute.FirstOrDefault(a => a.Name == reference)?.Clone();
                string name = node.Attribute[i].Name;
                node.Attribute.RemoveAt(i);
                if (given is not null)
                {
                    given.Name = name;
                    node.Attribute.Add(given);
                }
            }
            Add(node, depth + 1);
        }

        string Renamed(string name)
        {
            if (!names.TryGetValue(name, out var renamed))
                names[name] = renamed = prefix + name;
            return renamed;
        }
    }
}

internal static class NodeAttributes
{
    public static Format.Attribute? Find(this Node node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name);

    public static long Integer(this Node node, string name, long unlessStated) => node.Find(name)?.I ?? unlessStated;

    public static string Text(this Node node, string name, string unlessStated) => node.Find(name)?.S.ToStringUtf8() ?? unlessStated;

    public static string In(this Node node, int index) => index < node.Input.Count ? node.Input[index] : "";

    public static string Out(this Node node, int index) => index < node.Output.Count ? node.Output[index] : "";

    public static bool IsRecurrent(this Node node) => node.OpType is "LSTM" or "GRU" or "RNN" && node.Domain is "" or "ai.onnx";
}
