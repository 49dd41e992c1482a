using System.Buffers;
using RnnService.Core.Text;

namespace RnnService.Inference.Batching;

/// <summary>
/// The sequences of one caller on their way through the engine, and afterwards their logits.
/// Whoever made it disposes it, after the run has ended.
/// </summary>
public sealed class SequenceRequest : IDisposable
{
    private float[] _logits = [];
    private int _width;

    /// <summary>Token ids of the sequences; filled before the run.</summary>
    public IdSequences Sequences { get; } = new();

    /// <summary>Number of sequences.</summary>
    public int Count => Sequences.Count;

    /// <summary>How long the sequences waited for a free worker.</summary>
    public TimeSpan QueueTime { get; internal set; }

    /// <summary>How long the graph ran.</summary>
    public TimeSpan InferTime { get; internal set; }

    /// <summary>Rows of the batch that the last sequence ran in.</summary>
    public int BatchRows { get; internal set; }

    /// <summary>Time steps of the batch that the last sequence ran in, padding included.</summary>
    public int BatchTime { get; internal set; }

    /// <summary>Logits of one sequence, all heads one after the other; valid after a run that ended with <see cref="RunOutcome.Done"/>.</summary>
    public Span<float> Logits(int sequence) => _logits.AsSpan(sequence * _width, _width);

    internal void Reserve(int width)
    {
        _width = width;
        _logits = ArrayPool<float>.Shared.Rent(Count * width);
    }

    public void Dispose()
    {
        Sequences.Dispose();
        if (_logits.Length > 0)
            ArrayPool<float>.Shared.Return(_logits);
        _logits = [];
    }
}

/// <summary>How a run ended.</summary>
public enum RunOutcome
{
    /// <summary>Every sequence has its logits.</summary>
    Done,

    /// <summary>The deadline passed first.</summary>
    TimedOut,

    /// <summary>The caller went away.</summary>
    Abandoned,

    /// <summary>The graph failed; the log says how.</summary>
    Failed,
}
