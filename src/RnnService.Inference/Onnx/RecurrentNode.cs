namespace RnnService.Inference.Onnx;

/// <summary>A recurrent node of a graph, as its file says: what decides whether batches of any size and length can be exact.</summary>
/// <param name="Cell">LSTM, GRU or RNN.</param>
/// <param name="Name">The node's name; may be empty.</param>
/// <param name="Direction">forward, reverse or bidirectional.</param>
/// <param name="HiddenSize">Size of the hidden state of one direction; 0 when the file does not say.</param>
/// <param name="BatchFirst">Whether the node takes [batch, time, features] (layout 1) instead of [time, batch, features].</param>
/// <param name="SequenceLens">Where its lengths come from, for people; null when they are not wired.</param>
/// <param name="InitialState">Where its initial state comes from, for people.</param>
/// <param name="Inside">The node whose sub-graph it stands in; null in the graph itself.</param>
public sealed record RecurrentNode(string Cell, string Name, string Direction, int HiddenSize, bool BatchFirst, string? SequenceLens, string InitialState, string? Inside)
{
    /// <summary>Initial state of a node that is given none.</summary>
    internal const string Zeros = "zeros";

    /// <summary>Initial state that stands in the file, so that its batch size is frozen.</summary>
    internal const string Constant = "constant";

    internal bool HasLengths => SequenceLens is not null;

    internal bool HasConstantState => InitialState == Constant;
}
