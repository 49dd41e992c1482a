using Google.Protobuf;
using RnnService.Inference.Onnx.Format;

namespace RnnService.Inference.Onnx;

/// <summary>What the graph says that ONNX Runtime's metadata does not: here, how many rows the embedding of an input has.</summary>
internal sealed class OnnxGraph
{
    private static readonly MessageParser<Model> Parser = Model.Parser.WithDiscardUnknownFields(true);

    private readonly Model _model;
    private readonly Dictionary<string, Tensor> _initializers;

    private OnnxGraph(Model model)
    {
        _model = model;
        _initializers = model.Graph.Initializer.ToDictionary(t => t.Name, StringComparer.Ordinal);
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
    /// Rows of the smallest embedding table that is looked up with the input itself (a Gather, directly or behind a Cast):
    /// ids from 0 to this minus 1 are valid. Null when the input feeds no such table.
    /// </summary>
    public int? EmbeddingRows(string input)
    {
        long? rows = null;
        var aliases = new HashSet<string>(StringComparer.Ordinal) { input };
        foreach (var node in _model.Graph.Node)   // in topological order, as the format demands
        {
            if (node.OpType is "Cast" or "Identity" && aliases.Contains(node.Input[0]))
                aliases.Add(node.Output[0]);
            if (node.OpType == "Gather" && aliases.Contains(node.Input[1]) && _initializers.TryGetValue(node.Input[0], out var table) && table.Dims.Count == 2)
                rows = Math.Min(rows ?? long.MaxValue, table.Dims[0]);
        }
        return (int?)rows;
    }

    /// <summary>The recurrent nodes: what decides whether batches of any size and length can be exact.</summary>
    public IReadOnlyList<RecurrentNode> RecurrentNodes() =>
        [.. _model.Graph.Node.Where(n => n.OpType is "LSTM" or "GRU" or "RNN").Select(n => new RecurrentNode(n.OpType, n.Name, HasInput(n, 4), FrozenRows(n)))];

    private static bool HasInput(Node node, int index) => node.Input.Count > index && node.Input[index].Length > 0;

    /// <summary>The batch size of an initial state that is a constant [directions, batch, hidden].</summary>
    private int? FrozenRows(Node node) =>
        HasInput(node, 5) && _initializers.TryGetValue(node.Input[5], out var state) && state.Dims.Count == 3 ? (int)state.Dims[1] : null;
}

/// <summary>A recurrent node of a graph.</summary>
/// <param name="Cell">LSTM, GRU or RNN.</param>
/// <param name="Name">The node's name.</param>
/// <param name="HasLengths">Whether its input <c>sequence_lens</c> is wired.</param>
/// <param name="FrozenRows">The batch size of a constant initial state; null when the state follows the input.</param>
internal sealed record RecurrentNode(string Cell, string Name, bool HasLengths, int? FrozenRows);
