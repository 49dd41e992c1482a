using Microsoft.ML.OnnxRuntime;
using RnnService.Core.Tensors;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Tensors;

/// <summary>
/// Runs a graph on whatever tensors it takes, one request a run, on a bounded number of workers with a bounded queue before them.
/// Uses the session, and does not own it. Safe for concurrent use.
/// </summary>
internal sealed class TensorSession : IDisposable
{
    private const long LongestInline = 2000;
    private const long LongestOnThreadPool = 5000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly InferenceSession _session;
    private readonly ModelStatistics _statistics;
    private readonly int _workers;
    private readonly int _longestQueue;
    private readonly SemaphoreSlim _free;
    private readonly CancellationTokenSource _closing = new();
    private int _waiting;
    private long _lastRun = LongestInline;   // in microseconds, and
    private long _lastBytes = 1;             // of inputs: from them the next run's time is guessed

    /// <param name="session">The graph.</param>
    /// <param name="statistics">Counts the runs.</param>
    /// <param name="settings">Workers and the queue before them.</param>
    /// <param name="rows">Where the rows of a request are, if that is known.</param>
    public TensorSession(InferenceSession session, ModelStatistics statistics, BatchingSettings settings, RowsAxis? rows = null)
    {
        _session = session;
        _statistics = statistics;
        _workers = settings.Workers!.Value;
        _longestQueue = settings.QueueSequences!.Value;
        _free = new SemaphoreSlim(_workers);
        Signature = TensorSignature.Of(session, rows);
    }

    /// <summary>What goes in and comes out.</summary>
    public TensorSignature Signature { get; }

    /// <summary>Whether nothing runs any more, once it is disposed.</summary>
    public bool IsIdle { get; private set; }

    /// <summary>Runs that go on at the same time.</summary>
    public int Workers => _workers;

    /// <summary>How long a run that comes now would wait for its turn, if all before it take as long as the last one took.</summary>
    public TimeSpan ExpectedWait => Clock.Span(Volatile.Read(ref _waiting) * Volatile.Read(ref _lastRun) / _workers);

    /// <summary>Runs the graph on the inputs of one request.</summary>
    /// <param name="inputs">Every input of the graph, each once.</param>
    /// <param name="outputs">Names of the wanted outputs; none is all that the protocol can carry.</param>
    /// <param name="timeout">How long the caller is ready to wait.</param>
    /// <param name="callerGone">Set when nobody waits for the answer any more.</param>
    public async ValueTask<TensorAnswer> RunAsync(IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs, TimeSpan timeout, CancellationToken callerGone)
    {
        long arrived = Clock.Now;
        if (Signature.Check(inputs, outputs) is { } fault)
            return TensorAnswer.Ended(RunOutcome.Rejected, fault);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(callerGone, _closing.Token);
        stop.CancelAfter(timeout);
        try
        {
            if (!_free.Wait(0, CancellationToken.None) && !await TryWaitAsync(stop.Token))
                return TensorAnswer.Ended(RunOutcome.QueueFull);
        }
        catch (OperationCanceledException)
        {
            return TensorAnswer.Ended(WhyStopped(callerGone));
        }
        var run = new TensorRun(this, inputs, outputs.Count > 0 ? outputs : Signature.OutputNames, Clock.Span(Clock.Now - arrived));
        using var watch = stop.Token.UnsafeRegister(static state => ((TensorRun)state!).Stop(), run);
        Start(run, BytesOf(inputs));
        if (await run.Task is not { } answer)
            return TensorAnswer.Ended(WhyStopped(callerGone));
        if (Clock.Now - arrived <= timeout.TotalMicroseconds)
            return answer;
        answer.Dispose();   // timers are coarse; an answer that comes after its time is none
        return TensorAnswer.Ended(RunOutcome.TimedOut);
    }

    /// <returns>False when too many wait already.</returns>
    private async ValueTask<bool> TryWaitAsync(CancellationToken stop)
    {
        if (Interlocked.Increment(ref _waiting) > _longestQueue)
        {
            Interlocked.Decrement(ref _waiting);
            return false;
        }
        try
        {
            await _free.WaitAsync(stop);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private RunOutcome WhyStopped(CancellationToken callerGone) =>
        _closing.IsCancellationRequested ? RunOutcome.Unavailable : callerGone.IsCancellationRequested ? RunOutcome.Abandoned : RunOutcome.TimedOut;

    /// <summary>On this thread when runs are short, so that nothing is handed over; on one of its own when they are so long that requests and health checks would miss it.</summary>
    private void Start(TensorRun run, long bytes)
    {
        double expected = Volatile.Read(ref _lastRun) * Math.Max(1.0, (double)bytes / Volatile.Read(ref _lastBytes));
        if (expected < LongestInline)
            ((IThreadPoolWorkItem)run).Execute();
        else if (expected < LongestOnThreadPool)
            ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: false);
        else
            new Thread(static state => ((IThreadPoolWorkItem)state!).Execute()) { IsBackground = true, Name = "tensors" }.Start(run);
    }

    /// <summary>Runs on the calling thread, which holds a worker's right.</summary>
    /// <exception cref="OnnxRuntimeException">The graph failed, or was told to stop.</exception>
    internal TensorAnswer Run(RunOptions options, IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs, TimeSpan queued)
    {
        long started = Clock.Now;
        using var values = new OrtInputs(inputs);
        long handedOver = Clock.Now;
        var results = _session.Run(options, values.Names, values.Values, outputs);
        try
        {
            long ran = Clock.Now;
            var tensors = new Tensor[outputs.Count];
            for (int i = 0; i < tensors.Length; i++)
                tensors[i] = OrtOutputs.Read(outputs[i], results[i]);
            long ended = Clock.Now;
            var answer = new TensorAnswer(RunOutcome.Done, tensors)
            {
                BatchSize = Signature.BatchSize(inputs),
                QueueTime = queued,
                InputTime = Clock.Span(handedOver - started),
                InferTime = Clock.Span(ran - handedOver),
                OutputTime = Clock.Span(ended - ran),
                Owner = results,
            };
            Volatile.Write(ref _lastRun, ended - started);
            Volatile.Write(ref _lastBytes, Math.Max(1, BytesOf(inputs)));
            _statistics.RecordExecution(answer.BatchSize, answer.InputTime, answer.InferTime, answer.OutputTime);
            return answer;
        }
        catch
        {
            results.Dispose();
            throw;
        }
    }

    private static long BytesOf(IReadOnlyList<Tensor> inputs)
    {
        long bytes = 0;
        for (int i = 0; i < inputs.Count; i++)
            bytes += inputs[i].Data.Length;
        return bytes;
    }

    internal void Ended() => _free.Release();

    /// <summary>Refuses what comes, ends what waits, stops what runs, and returns when nothing runs any more, or after half a minute.</summary>
    public void Dispose()
    {
        _closing.Cancel();
        long until = Clock.Now + (long)Patience.TotalMicroseconds;
        IsIdle = true;
        for (int i = 0; i < _workers; i++)
            IsIdle &= _free.Wait(Clock.Span(Math.Max(0, until - Clock.Now)));
    }
}
