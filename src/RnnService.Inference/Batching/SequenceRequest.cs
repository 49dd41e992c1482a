using System.Buffers;
using System.Threading.Tasks.Sources;
using RnnService.Core.Batching;

namespace RnnService.Inference.Batching;

/// <summary>
/// The sequences of one caller on their way through the engine, and afterwards what the heads say of them.
/// Whoever made it disposes it once the run has ended; its buffers live on until no batch writes into them.
/// </summary>
/// <param name="sequences">Filled before the run, in the kind that the model takes; disposed with the request.</param>
public sealed class SequenceRequest(Sequences sequences) : IDisposable, IValueTaskSource<RunOutcome>
{
    private ManualResetValueTaskSourceCore<RunOutcome> _source = new() { RunContinuationsAsynchronously = true };
    private float[] _numbers = [];
    private int _width;
    private int _unanswered;
    private int _outcome = Pending;
    private int _holders = 1;   // the caller, and one for each row in a running batch

    private const int Pending = -1;

    /// <summary>The sequences as the graph takes them.</summary>
    public Sequences Sequences { get; } = sequences;

    /// <summary>Number of sequences.</summary>
    public int Count => Sequences.Count;

    /// <summary>How long the sequences waited until the last of them began to run.</summary>
    public TimeSpan QueueTime { get; internal set; }

    /// <summary>How long the batch of the last sequence ran.</summary>
    public TimeSpan InferTime { get; internal set; }

    /// <summary>Rows of the batch that the last sequence ran in.</summary>
    public int BatchRows { get; internal set; }

    /// <summary>Time steps of the batch that the last sequence ran in, padding included.</summary>
    public int BatchTime { get; internal set; }

    /// <summary>What the heads answer for one sequence, one head after the other, as the graph says it; valid after a run that ended with <see cref="RunOutcome.Done"/>.</summary>
    public Span<float> Numbers(int sequence) => _numbers.AsSpan(sequence * _width, _width);

    /// <summary>Number of sequences when the run began; stays when the caller disposes the request.</summary>
    internal int Admitted { get; private set; }

    /// <summary>When it was admitted, in microseconds of <see cref="Clock"/>.</summary>
    internal long Arrived { get; private set; }

    /// <summary>When its caller stops waiting.</summary>
    internal long Deadline { get; private set; }

    /// <summary>Sequences that have left the queue. Guarded by the batcher's lock, as is <see cref="Number"/>.</summary>
    internal int Taken { get; set; }

    /// <summary>Number of the request in the planner's snapshot.</summary>
    internal int Number { get; set; }

    /// <summary>What one of its sequences adds to the queue's run time, in microseconds.</summary>
    internal double CostPerSequence { get; set; }

    /// <summary>The batcher that a caller who goes away is reported to.</summary>
    internal DynamicBatcher? Owner { get; set; }

    /// <summary>Stops the watch for a caller that goes away.</summary>
    internal CancellationTokenRegistration Watch { get; set; }

    /// <summary>Whether somebody still waits for the answer.</summary>
    internal bool IsPending => Volatile.Read(ref _outcome) == Pending;

    /// <summary>Whether the graph failed on one of its sequences.</summary>
    internal bool HasFailed => Volatile.Read(ref _outcome) == (int)RunOutcome.Failed;

    internal ValueTask<RunOutcome> Task => new(this, _source.Version);

    internal void Begin(int width, long now, long deadline)
    {
        _width = width;
        Admitted = _unanswered = Count;
        _numbers = ArrayPool<float>.Shared.Rent(Math.Max(1, checked(Count * width)));
        Arrived = now;
        Deadline = deadline;
    }

    /// <summary>A batch is about to write into the request's buffers.</summary>
    internal void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>The batch has written one row, or given it up.</summary>
    internal void RowAnswered()
    {
        // the sweep for deadlines is coarse; an answer that comes after its time is none
        if (Interlocked.Decrement(ref _unanswered) == 0)
            TryEnd(Clock.Now > Deadline ? RunOutcome.TimedOut : RunOutcome.Done);
    }

    /// <summary>Ends the run, once. Before all sequences are answered only under the batcher's lock, since what has not begun must leave the queue.</summary>
    /// <returns>False when it had ended before.</returns>
    internal bool TryEnd(RunOutcome outcome)
    {
        if (Interlocked.CompareExchange(ref _outcome, (int)outcome, Pending) != Pending)
            return false;
        _source.SetResult(outcome);
        return true;
    }

    internal void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
            return;
        Sequences.Dispose();
        if (_numbers.Length > 0)
            ArrayPool<float>.Shared.Return(_numbers);
        _numbers = [];
    }

    public void Dispose()
    {
        Watch.Dispose();
        Release();
    }

    RunOutcome IValueTaskSource<RunOutcome>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<RunOutcome>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<RunOutcome>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
