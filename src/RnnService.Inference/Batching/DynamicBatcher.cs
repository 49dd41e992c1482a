using System.Diagnostics;
using Microsoft.Extensions.Logging;
using RnnService.Core.Batching;
using RnnService.Inference.Onnx;
using RnnService.Inference.Tensors;

namespace RnnService.Inference.Batching;

/// <summary>
/// Joins sequences of all requests into batches. A worker is a right to run, not a thread: a request that finds the server idle runs its
/// batch on its own thread, so nothing is handed over and nothing waited for. Otherwise a worker stands at the end of the thread pool's queue,
/// behind the requests that have arrived but are not read yet, and plans what has gathered when its turn comes: batches grow with the load
/// by themselves, without a timer.
/// </summary>
internal sealed partial class DynamicBatcher : IThreadPoolWorkItem, IDisposable
{
    private const int LongestSnapshot = 4096;
    private const int SweepMilliseconds = 10;
    private const double LongestInline = 2000;
    private const double RoomAgain = 15.0 / 16;
    private const double LongestOnThreadPool = 5000;

    private readonly OnnxRunner _runner;
    private readonly BatchPolicy _policy;
    private readonly BatchCosts _costs;
    private readonly BatchPlanner _planner;
    private readonly BatchingSettings _settings;
    private readonly ILogger _logger;
    private readonly Action<Exception> _onDeath;
    private readonly int _rowWidth;
    private readonly int _workers;
    private readonly Timer _sweeper;

    private readonly Lock _gate = new();
    private readonly List<SequenceRequest> _waiting = [];
    private readonly List<SequenceRequest> _watched = [];
    private readonly Queue<(RunningBatch Batch, double Cost)> _ready = new();
    private readonly Stack<RunningBatch> _spareBatches = new();
    private readonly Stack<BatchTensors> _spareTensors = new();
    private readonly QueuedSequence[] _snapshot = new QueuedSequence[LongestSnapshot];
    private readonly (SequenceRequest Request, int Sequence)[] _origin = new (SequenceRequest, int)[LongestSnapshot];
    private readonly DrainRate _drain;
    private BatchCounters _counters;
    private double _backlog;
    private double _lastCost;   // predicted for the batch that began last
    private int _running;
    private bool _sweeping;
    private bool _refusing;
    private bool _closed;

    public DynamicBatcher(OnnxRunner runner, BatchPolicy policy, BatchCosts costs, BatchingSettings settings, Action<Exception> onDeath, ILogger logger)
    {
        _runner = runner;
        _policy = policy;
        _costs = costs;
        _planner = new BatchPlanner(policy, costs);
        _settings = settings;
        _onDeath = onDeath;
        _logger = logger;
        _rowWidth = runner.Signature.RowWidth;
        _workers = settings.Workers!.Value;
        _drain = new DrainRate(_workers);
        _sweeper = new Timer(static state => ((DynamicBatcher)state!).Sweep(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Counts its runs; null where nobody asks for them.</summary>
    public ModelStatistics? Statistics { get; init; }

    public BatchCounters Counters
    {
        get
        {
            lock (_gate)
                return _counters;
        }
    }

    /// <summary>Whether a request was refused and the queue has had no room to speak of since: the next can be refused before it is read, which is what it costs to survive overload.</summary>
    public bool IsRefusing => Volatile.Read(ref _refusing);

    /// <summary>How long a sequence that is admitted now would wait, by the measured drain rate.</summary>
    public TimeSpan ExpectedWait
    {
        get
        {
            lock (_gate)
                return Clock.Span((long)_drain.TimeFor(_backlog));
        }
    }

    /// <summary>Runs the sequences of a request, together with whatever else is there.</summary>
    public ValueTask<RunOutcome> RunAsync(SequenceRequest request, TimeSpan timeout, CancellationToken callerGone)
    {
        long now = Clock.Now;
        request.Begin(_rowWidth, now, now + (long)timeout.TotalMicroseconds);
        bool workerFree, idle;
        lock (_gate)
        {
            if (_closed)
                return new(RunOutcome.Unavailable);
            idle = _counters.Queued == 0;
            if (!TryAdmit(request))
                return new(RunOutcome.QueueFull);
            workerFree = _running < _workers;
            if (workerFree)
                _running++;
        }
        // Alone on the server: run at once, on this thread, unless it takes so long that deadline and caller must be watched meanwhile.
        // Else behind the requests that the thread pool has still to read, so that they join.
        if (workerFree && idle && request.CostPerSequence * request.Admitted < LongestInline && ThreadPool.PendingWorkItemCount == 0)
            ((IThreadPoolWorkItem)this).Execute();
        else if (workerFree)
            CallWorker();
        if (request.IsPending)
            Watch(request, callerGone);
        return request.Task;
    }

    /// <summary>A worker's turn on the thread pool: one batch.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        if (Step())
            PassOn();
    }

    private bool TryAdmit(SequenceRequest request)
    {
        double cost = 0;
        for (int i = 0; i < request.Count; i++)
            cost += Share(request.Sequences.Length(i));
        bool tooMany = _counters.Queued + request.Count > _settings.QueueSequences;
        bool tooLong = _drain.TimeFor(_backlog) > _settings.QueueMilliseconds!.Value * 1000.0;
        if (_counters.Queued > 0 && (tooMany || tooLong))
        {
            _counters = _counters with { Refused = _counters.Refused + request.Count };
            _refusing = true;
            return false;
        }
        if (_counters.Queued == 0)
            _drain.Begin(Clock.Now);
        _counters = _counters with { Queued = _counters.Queued + request.Count, Admitted = _counters.Admitted + request.Count };
        request.CostPerSequence = cost / request.Count;
        _backlog += cost;
        _waiting.Add(request);
        return true;
    }

    /// <summary>What a sequence adds to the run time of a well-filled batch, in microseconds.</summary>
    private double Share(int length)
    {
        int rows = Math.Min(16, _costs.MaxRows);
        return _costs.Predict(rows, length) / rows;
    }

    /// <summary>Takes one batch and runs it. Called with a worker's right, which is given back when there is nothing to do.</summary>
    /// <returns>Whether the right is still held.</returns>
    private bool Step()
    {
        RunningBatch? batch = null;
        try
        {
            double cost;
            lock (_gate)
            {
                batch = TakeBatch(out cost);
                if (batch is null)
                {
                    _running--;
                    return false;
                }
                _lastCost = cost;
            }
            Run(batch, cost);
            return true;
        }
        catch (Exception e)
        {
            Die(e, batch);
            return false;
        }
    }

    /// <summary>Gives the right to run to the thread pool when there is more to do, else back.</summary>
    private void PassOn()
    {
        lock (_gate)
        {
            if (_ready.Count == 0 && _waiting.Count == 0)
            {
                _running--;
                return;
            }
        }
        CallWorker();
    }

    /// <summary>Sends a worker, whose right to run is taken already. Where batches run long it is not one of the thread pool's few threads, which requests and health checks need.</summary>
    private void CallWorker()
    {
        if (_lastCost < LongestOnThreadPool)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        else
            new Thread(static state => ((IThreadPoolWorkItem)state!).Execute()) { IsBackground = true, Name = "batch" }.Start(this);
    }

    private RunningBatch? TakeBatch(out double cost)
    {
        while (_ready.Count > 0 || TryPlan())
        {
            (var batch, cost) = _ready.Dequeue();
            WakeWorkers();
            foreach (var (request, _) in batch.Rows)
            {
                if (!request.IsPending)
                    Leave(request, 1, Ending.Dropped);
            }
            batch.HoldPending();
            if (batch.Count > 0)
                return batch;
            _spareBatches.Push(batch);
        }
        cost = 0;
        return null;
    }

    /// <summary>Idle workers take the other batches of a plan.</summary>
    private void WakeWorkers()
    {
        for (int batches = _ready.Count; batches > 0 && _running < _workers; batches--)
        {
            _running++;
            CallWorker();
        }
    }

    private bool TryPlan()
    {
        long now = Clock.Now;
        int count = 0;
        int number = 0;
        foreach (var request in _waiting)
        {
            if (now > request.Deadline)
                EndQueued(request, RunOutcome.TimedOut);
            if (!request.IsPending)
            {
                LeaveUntaken(request);
                continue;
            }
            request.Number = number++;
            // of one request no more than a window: the snapshot must have room for those behind it
            for (int i = request.Taken; i < Math.Min(request.Admitted, request.Taken + _policy.Window) && count < LongestSnapshot; i++)
            {
                _origin[count] = (request, i);
                _snapshot[count++] = new QueuedSequence(request.Number, request.Sequences.Length(i), request.Arrived, request.Deadline);
            }
        }
        if (count > 0)
        {
            var plan = _planner.Plan(_snapshot.AsSpan(0, count), now, _workers - _running + 1);
            foreach (var planned in plan.Batches)
            {
                var batch = _spareBatches.TryPop(out var spare) ? spare : new RunningBatch();
                batch.Clear();
                foreach (int i in plan.Order.Slice(planned.Start, planned.Rows))
                {
                    var (request, sequence) = _origin[i];
                    batch.Add(request, sequence);
                    request.Taken++;   // the planner takes a request's sequences in order
                }
                _ready.Enqueue((batch, planned.Cost));
            }
            Array.Clear(_origin, 0, count);
        }
        _waiting.RemoveAll(static r => !r.IsPending || r.Taken == r.Admitted);
        return _ready.Count > 0;
    }

    private void Run(RunningBatch batch, double predicted)
    {
        long started = Clock.Now;
        var tensors = RentTensors();
        int rows = _policy.FixedRows > 0 ? _policy.FixedRows : batch.Count;
        int time = _policy.FixedTime > 0 ? _policy.FixedTime : batch.Time;
        if (!TryRunRows(tensors, batch.Rows, rows, time, started))
            RunEachAlone(tensors, batch.Rows, started);
        long ended = Clock.Now;
        lock (_gate)
        {
            _spareTensors.Push(tensors);
            _counters = _counters with
            {
                Batches = _counters.Batches + 1,
                Tokens = _counters.Tokens + batch.Tokens,
                PaddedTokens = _counters.PaddedTokens + (long)rows * time,
                InferMicroseconds = _counters.InferMicroseconds + ended - started,
                PredictedMicroseconds = _counters.PredictedMicroseconds + predicted,
            };
            foreach (var (request, _) in batch.Rows)
                Leave(request, 1, request.HasFailed ? Ending.Failed : request.IsPending ? Ending.Answered : Ending.Dropped);
            _drain.Measure(ended, busy: _waiting.Count > 0 || _ready.Count > 0);
        }
        foreach (var (request, _) in batch.Rows)
        {
            request.RowAnswered();
            request.Release();
        }
        lock (_gate)
        {
            batch.Clear();
            _spareBatches.Push(batch);
        }
    }

    private bool TryRunRows(BatchTensors tensors, ReadOnlySpan<(SequenceRequest Request, int Sequence)> batch, int rows, int time, long started)
    {
        try
        {
            tensors.Reset(rows, time);
            for (int row = 0; row < batch.Length; row++)
                tensors.SetRow(row, batch[row].Request.Sequences, batch[row].Sequence);
            // rows that the graph insists on and nobody needs repeat the first, so that they can be no stranger to it than that one
            for (int row = batch.Length; row < rows; row++)
                tensors.SetRow(row, batch[0].Request.Sequences, batch[0].Sequence);
            _runner.Run(tensors);
        }
        catch (Exception e) when (OnnxRunner.IsOfTheBatch(e))
        {
            LogFailed(_logger, e, batch.Length, time);
            return false;
        }
        var infer = Clock.Span(Clock.Now - started);
        Statistics?.RecordExecution(rows, default, infer, default);
        for (int row = 0; row < batch.Length; row++)
        {
            var (request, sequence) = batch[row];
            tensors.CopyNumbers(row, request.Numbers(sequence));
            request.QueueTime = Clock.Span(started - request.Arrived);
            request.InferTime = infer;
            request.BatchRows = rows;
            request.BatchTime = time;
        }
        return true;
    }

    /// <summary>One sequence on which the graph fails must not cost its neighbours their answers: each runs once more, alone.</summary>
    private void RunEachAlone(BatchTensors tensors, ReadOnlySpan<(SequenceRequest Request, int Sequence)> batch, long started)
    {
        for (int row = 0; row < batch.Length; row++)
        {
            int time = _policy.FixedTime > 0 ? _policy.FixedTime : batch[row].Request.Sequences.Length(batch[row].Sequence);
            if (batch.Length == 1 || !TryRunRows(tensors, batch.Slice(row, 1), Math.Max(1, _policy.FixedRows), time, started))
            {
                lock (_gate)
                    EndQueued(batch[row].Request, RunOutcome.Failed);
            }
        }
    }

    private BatchTensors RentTensors()
    {
        lock (_gate)
            return _spareTensors.TryPop(out var spare) ? spare : new BatchTensors(_runner.Signature);
    }

    private enum Ending
    {
        Answered,
        Failed,
        Dropped,
    }

    /// <summary>Sequences of a request leave queue or batch.</summary>
    private void Leave(SequenceRequest request, int sequences, Ending ending)
    {
        double cost = sequences * request.CostPerSequence;
        _counters = ending switch
        {
            Ending.Answered => _counters with { Queued = _counters.Queued - sequences, Answered = _counters.Answered + sequences },
            Ending.Failed => _counters with { Queued = _counters.Queued - sequences, Failed = _counters.Failed + sequences },
            _ => _counters with { Queued = _counters.Queued - sequences, Dropped = _counters.Dropped + sequences },
        };
        _backlog = _counters.Queued == 0 ? 0 : _backlog - cost;
        if (_refusing)
            _refusing = _counters.Queued > _settings.QueueSequences * RoomAgain || _drain.TimeFor(_backlog) > _settings.QueueMilliseconds * 1000.0 * RoomAgain;
        if (ending != Ending.Dropped)
            _drain.Add(cost);
    }

    /// <summary>Waits for the deadline, and for the caller to go away, of a request that was not answered at once.</summary>
    private void Watch(SequenceRequest request, CancellationToken callerGone)
    {
        if (callerGone.CanBeCanceled)
        {
            request.Owner = this;
            request.Watch = callerGone.UnsafeRegister(static state => ((SequenceRequest)state!).Owner!.Abandon((SequenceRequest)state), request);
        }
        lock (_gate)
        {
            _watched.Add(request);
            if (!_sweeping)
            {
                _sweeping = true;
                _sweeper.Change(SweepMilliseconds, SweepMilliseconds);
            }
        }
    }

    private void Abandon(SequenceRequest request)
    {
        lock (_gate)
            EndQueued(request, RunOutcome.Abandoned);
    }

    /// <summary>One timer for all deadlines, and none while nobody waits.</summary>
    private void Sweep()
    {
        lock (_gate)
        {
            long now = Clock.Now;
            foreach (var request in _watched)
            {
                if (now > request.Deadline)
                    EndQueued(request, RunOutcome.TimedOut);
            }
            _watched.RemoveAll(static r => !r.IsPending);
            if (_watched.Count == 0)
            {
                _sweeping = false;
                _sweeper.Change(Timeout.Infinite, Timeout.Infinite);
            }
        }
    }

    /// <summary>Ends a request before its answer: what waits leaves the queue now, what is planned or running when its batch comes up.</summary>
    private void EndQueued(SequenceRequest request, RunOutcome outcome)
    {
        // leaves first: whoever is told of the end may dispose the request
        if (request.IsPending)
        {
            LeaveUntaken(request);
            request.TryEnd(outcome);
        }
    }

    private void LeaveUntaken(SequenceRequest request)
    {
        if (request.Taken < request.Admitted)
            Leave(request, request.Admitted - request.Taken, Ending.Dropped);
        request.Taken = request.Admitted;
    }

    /// <summary>A fault of the batcher itself: nobody may wait for an answer that never comes.</summary>
    private void Die(Exception e, RunningBatch? batch)
    {
        LogDead(_logger, e);
        lock (_gate)
            _running--;
        if (batch is not null)
        {
            foreach (var (request, _) in batch.Rows)
                request.TryEnd(RunOutcome.Unavailable);
        }
        Close();
        _onDeath(e);
    }

    private void Close()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var request in _waiting)
                EndQueued(request, RunOutcome.Unavailable);
            foreach (var (batch, _) in _ready)
            {
                foreach (var (request, _) in batch.Rows)
                    request.TryEnd(RunOutcome.Unavailable);
            }
            foreach (var request in _watched)
                request.TryEnd(RunOutcome.Unavailable);
            _waiting.Clear();
        }
    }

    /// <summary>Whether nothing runs; stays so once the batcher is disposed.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
                return _running == 0;
        }
    }

    /// <summary>Refuses what comes, ends what waits for its answer, and returns when no batch runs any more, or after half a minute.</summary>
    public void Dispose()
    {
        Close();
        var patience = Stopwatch.StartNew();
        while (!IsIdle && patience.Elapsed < TimeSpan.FromSeconds(30))
            Thread.Sleep(1);
        _sweeper.Dispose();
    }

    [LoggerMessage(EventId = 20, Level = LogLevel.Error, Message = "The graph failed on a batch of {Sequences} sequence(s) by {Time} time steps")]
    private static partial void LogFailed(ILogger logger, Exception exception, int sequences, int time);

    [LoggerMessage(EventId = 21, Level = LogLevel.Critical, Message = "The batcher broke down; every pending request fails and the process ends")]
    private static partial void LogDead(ILogger logger, Exception exception);
}
