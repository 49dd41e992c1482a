using Google.Protobuf;
using RnnService.Inference.Onnx.Format;

namespace RnnService.Inference.Onnx;

/// <summary>What the graph says that ONNX Runtime's metadata does not: embedding tables, recurrent nodes, what a head ends in, who wrote it.</summary>
internal sealed class OnnxGraph
{
    private static readonly MessageParser<Model> Parser = Model.Parser.WithDiscardUnknownFields(true);

    private readonly Model _model;
    private readonly Dictionary<string, Tensor> _initializers;
    private readonly Dictionary<string, Node> _producers = new(StringComparer.Ordinal);

    private OnnxGraph(Model model)
    {
        _model = model;
        _initializers = model.Graph.Initializer.ToDictionary(t => t.Name, StringComparer.Ordinal);
        foreach (var node in model.Graph.Node)
        {
            foreach (var output in node.Output)
                _producers[output] = node;
        }
    }

    /// <summary>Name and version of the exporter, as the file states it.</summary>
    public string Producer => $"{_model.ProducerName} {_model.ProducerVersion}".Trim();

    /// <summary>Version of the standard operator set.</summary>
    public long Opset => _model.OpsetImport.FirstOrDefault(o => o.Domain is "" or "ai.onnx")?.Version ?? 0;

    /// <exception cref="InvalidProtocolBufferException">The file is not a protobuf message.</exception>
    /// <exception cref="InvalidDataException">The message holds no graph.</exception>
    public static OnnxGraph Read(string path)
    {
        using var stream = File.OpenRead(path);
        var model = Parser.ParseFrom(stream);
        return model.Graph is null ? throw new InvalidDataException("The file holds no graph.") : new OnnxGraph(model);
    }

    /// <summary>
    /// Rows of the smallest embedding table that is looked up with the input itself (a Gather, behind nothing that changes its values):
    /// ids from 0 to this minus 1 are valid. Null when the input feeds no such table.
    /// </summary>
    public int? EmbeddingRows(string input)
    {
        long? rows = null;
        var sameValues = new HashSet<string>(StringComparer.Ordinal) { input };
        foreach (var node in _model.Graph.Node)   // in topological order, as the format demands
        {
            if (node.OpType is "Cast" or "Identity" or "Transpose" or "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten" && sameValues.Contains(node.Input[0]))
                sameValues.Add(node.Output[0]);
            if (node.OpType == "Gather" && sameValues.Contains(node.Input[1]) && Table(node.Input[0]) is { Dims.Count: 2 } table)
                rows = Math.Min(rows ?? long.MaxValue, table.Dims[0]);
        }
        return (int?)rows;
    }

    /// <summary>The weights that a value is, or is converted from.</summary>
    private Tensor? Table(string value)
    {
        while (!_initializers.ContainsKey(value) && _producers.TryGetValue(value, out var node) && node.OpType is "Cast" or "Identity" or "DequantizeLinear")
            value = node.Input[0];
        return _initializers.GetValueOrDefault(value);
    }

    /// <summary>The operation that makes an output, behind those that only reshape it; null when none does.</summary>
    public string? EndsIn(string output)
    {
        Node? node;
        while (_producers.TryGetValue(output, out node) && node.OpType is "Identity" or "Cast" or "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten")
            output = node.Input[0];
        return node?.OpType;
    }

    /// <summary>The recurrent nodes: what decides whether batches of any size and length can be exact.</summary>
    public IReadOnlyList<RecurrentNode> RecurrentNodes() =>
        [.. _model.Graph.Node.Where(n => n.OpType is "LSTM" or "GRU" or "RNN").Select(n => new RecurrentNode(n.OpType, n.Name, HasInput(n, 4), HasInput(n, 5) && !DependsOnInput(n.Input[5])))];

    private static bool HasInput(Node node, int index) => node.Input.Count > index && node.Input[index].Length > 0;

    /// <summary>Whether a value is computed from an input of the graph, and not from constants alone.</summary>
    private bool DependsOnInput(string value)
    {
        var open = new Stack<string>([value]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryPop(out var name))
        {
            if (name.Length == 0 || !seen.Add(name) || _initializers.ContainsKey(name))
                continue;
            if (!_producers.TryGetValue(name, out var node))
                return true;   // no node makes it and it is no weight: an input
            foreach (var input in node.Input)
                open.Push(input);
        }
        return false;
    }
}

/// <summary>A recurrent node of a graph.</summary>
/// <param name="Cell">LSTM, GRU or RNN.</param>
/// <param name="Name">The node's name.</param>
/// <param name="HasLengths">Whether its input <c>sequence_lens</c> is wired.</param>
/// <param name="HasConstantState">Whether its initial state is a constant, so that its batch size is too.</param>
internal sealed record RecurrentNode(string Cell, string Name, bool HasLengths, bool HasConstantState);
