using RnnService.Inference.Onnx.Format;

namespace RnnService.Inference.Onnx;

/// <summary>What the graph says that ONNX Runtime's metadata does not: recurrent nodes, where axes come from, embedding tables, what a head ends in, who wrote it.</summary>
internal sealed class OnnxGraph
{
    private const int Float16 = 10;

    private static readonly HashSet<string> BetweenLayers =
    [
        "Gemm", "MatMul", "Add", "Relu", "LeakyRelu", "Gelu", "Tanh", "Dropout", "BatchNormalization", "LayerNormalization", "Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten",
    ];

    private readonly OnnxFile _file;
    private readonly Dictionary<string, Node> _producers = new(StringComparer.Ordinal);
    private readonly AxisTracer _trace;

    private OnnxGraph(OnnxFile file)
    {
        _file = file;
        foreach (var node in file.Nodes)
        {
            foreach (var output in node.Output)
                _producers[output] = node;
        }
        _trace = new AxisTracer(file);
        RecurrentNodes = [.. file.Nodes.Where(n => n.IsRecurrent()).Select(n => Describe(n, null)), .. file.Nodes.SelectMany(Inner)];
        Cells = [.. file.Nodes.Where(n => n.IsRecurrent())];
    }

    /// <summary>Name and version of the exporter, as the file states it.</summary>
    public string Producer => _file.Producer;

    /// <summary>Version of the standard operator set.</summary>
    public long Opset => _file.Opset;

    /// <summary>Other files that hold the weights, relative to the folder.</summary>
    public IReadOnlyList<string> ExternalFiles => _file.ExternalFiles;

    /// <summary>Whether weights are stored in half precision, so that answers are less exact.</summary>
    public bool HalfPrecision => _file.Initializers.Values.Any(t => t.DataType == Float16) || _file.Inputs.Concat(_file.Outputs).Any(v => v.Type?.TensorType?.ElemType == Float16);

    /// <summary>The recurrent nodes, those in sub-graphs last.</summary>
    public IReadOnlyList<RecurrentNode> RecurrentNodes { get; }

    /// <summary>The recurrent nodes of the graph itself.</summary>
    public IReadOnlyList<Node> Cells { get; }

    /// <summary>What convolutions over one axis take, [batch, channels, time].</summary>
    public IEnumerable<TracedValue> Convolved => _file.Nodes.Where(n => n.OpType == "Conv").Select(n => _trace[n.In(0)]).Where(x => x.Axes?.Length == 3);

    /// <exception cref="Google.Protobuf.InvalidProtocolBufferException">The file is not a protobuf message.</exception>
    /// <exception cref="InvalidDataException">The message holds no graph.</exception>
    public static OnnxGraph Read(string path) => new(OnnxFile.Read(path));

    /// <summary>What is known of a value.</summary>
    public TracedValue this[string value] => _trace[value];

    /// <summary>
    /// Rows of the smallest embedding table that is looked up with the input itself (a Gather, behind nothing that changes its values):
    /// ids from 0 to this minus 1 are valid. Null when the input feeds no such table.
    /// </summary>
    public int? EmbeddingRows(string input)
    {
        long? rows = null;
        foreach (var node in _file.Nodes.Where(n => n.OpType == "Gather" && _trace[n.In(1)].SameAs == input))
        {
            if (Table(node.Input[0]) is { Dims.Count: 2 } table)
                rows = Math.Min(rows ?? long.MaxValue, table.Dims[0]);
        }
        return (int?)rows;
    }

    /// <summary>Whether the input itself is looked up in a table or turned into one-hot vectors, so that it holds ids.</summary>
    public bool IsLookedUp(string input) =>
        _file.Nodes.Any(n => (n.OpType == "Gather" && _trace[n.In(1)].SameAs == input) || (n.OpType is "OneHot" or "LabelEncoder" or "CategoryMapper" && _trace[n.In(0)].SameAs == input));

    /// <summary>The number of features that the first recurrent node takes; null when the file does not say.</summary>
    public int? CellWidth => Cells.Count > 0 && _file.Initializers.GetValueOrDefault(Cells[0].In(1)) is { Dims.Count: 3 } weights ? (int)weights.Dims[2] : null;

    /// <summary>The operation that makes an output, behind those that only reshape it; null when none does.</summary>
    public string? EndsIn(string output)
    {
        Node? node;
        while (_producers.TryGetValue(output, out node) && node.OpType is "Identity" or "Cast" or "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten" or "Transpose")
            output = node.Input[0];
        return node?.OpType is "LinearClassifier" && node.Text("post_transform", "NONE") is { } transform
            ? transform switch { "SOFTMAX" => "Softmax", "LOGISTIC" => "Sigmoid", _ => node.OpType }
            : node?.OpType;
    }

    /// <summary>
    /// Whether an output is computed from another by nothing but linear layers and what stands between them: then the other holds features, and scores nothing itself.
    /// A head that another one builds on goes into it through a softmax or beside features, which is no such path.
    /// </summary>
    public bool IsComputedFrom(string output, string other)
    {
        bool linear = false;
        while (_producers.TryGetValue(output, out var node) && (BetweenLayers.Contains(node.OpType) || (!linear && node.OpType is "Softmax" or "LogSoftmax" or "Sigmoid")))
        {
            linear |= node.OpType is "Gemm" or "MatMul";
            output = node.OpType == "Add" && _trace[node.In(0)].IsConstant ? node.In(1) : node.In(0);
            if (output == other)
                return linear;
        }
        return false;
    }

    /// <summary>The value that an output is the softmax, log-softmax or sigmoid of, behind what only reshapes; null when it is none.</summary>
    public string? ActivatedFrom(string output)
    {
        Node? node;
        while (_producers.TryGetValue(output, out node) && node.OpType is "Identity" or "Cast" or "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten")
            output = node.Input[0];
        return node?.OpType is "Softmax" or "LogSoftmax" or "Sigmoid" ? node.Input[0] : null;
    }

    /// <summary>The weights that a value is, or is converted from.</summary>
    private Tensor? Table(string value)
    {
        while (!_file.Initializers.ContainsKey(value) && _producers.TryGetValue(value, out var node) && node.OpType is "Cast" or "Identity" or "DequantizeLinear")
            value = node.Input[0];
        if (_file.Initializers.GetValueOrDefault(value) is { } tensor)
            return tensor;
        return _producers.TryGetValue(value, out var made) && made.OpType == "Constant" ? made.Find("value")?.T : null;
    }

    private RecurrentNode Describe(Node node, string? inside)
    {
        int hidden = (int)node.Integer("hidden_size", 0);
        if (hidden == 0 && _file.Initializers.GetValueOrDefault(node.In(2)) is { Dims.Count: 3 } weights)
            hidden = (int)weights.Dims[2];
        var lengths = node.In(4);
        return new RecurrentNode(node.OpType, node.Name, node.Text("direction", "forward"), hidden, node.Integer("layout", 0) == 1,
            lengths.Length == 0 ? null : Origin(lengths), node.In(5).Length == 0 ? RecurrentNode.Zeros : Origin(node.In(5)), inside);
    }

    private IEnumerable<RecurrentNode> Inner(Node node) =>
        node.Attribute.Where(a => a.G is not null).SelectMany(a => a.G.Node).SelectMany(n => (n.IsRecurrent() ? [Describe(n, $"{node.OpType} {node.Name}".Trim())] : Enumerable.Empty<RecurrentNode>()).Concat(Inner(n)));

    private string Origin(string value)
    {
        var inputs = _trace[value].DependsOn;
        if (inputs.Count > 0)
            return $"input {string.Join(", ", inputs.Order(StringComparer.Ordinal))}";
        return ReachesInput(value) ? "made from the shape of the input" : RecurrentNode.Constant;
    }

    /// <summary>Whether a value is computed from an input of the graph or its shape, and not from constants alone.</summary>
    private bool ReachesInput(string value)
    {
        var open = new Stack<string>([value]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryPop(out var name))
        {
            if (name.Length == 0 || !seen.Add(name) || _file.Initializers.ContainsKey(name))
                continue;
            if (!_producers.TryGetValue(name, out var node))
                return true;   // no node makes it and it is no weight: an input
            foreach (var input in node.Input)
                open.Push(input);
        }
        return false;
    }
}
