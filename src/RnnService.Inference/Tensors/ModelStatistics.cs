namespace RnnService.Inference.Tensors;

/// <summary>How often something was done and how long it took in all.</summary>
/// <param name="Count">How often.</param>
/// <param name="Ns">Nanoseconds in all.</param>
public readonly record struct StageFigures(long Count, long Ns)
{
    private const int NanosecondsPerTick = 100;

    internal StageFigures With(TimeSpan time) => new(Count + 1, Ns + (time.Ticks * NanosecondsPerTick));
}

/// <summary>The runs of the graph with batches of one size.</summary>
/// <param name="BatchSize">Rows of such a batch.</param>
/// <param name="Input">Handing over the inputs.</param>
/// <param name="Infer">Running the graph.</param>
/// <param name="Output">Fetching the outputs.</param>
public sealed record BatchFigures(int BatchSize, StageFigures Input, StageFigures Infer, StageFigures Output);

/// <summary>What a model has done, at one moment.</summary>
public sealed record ModelFigures
{
    /// <summary>When the last run ended, in milliseconds since 1970; 0 before the first.</summary>
    public long LastInference { get; init; }

    /// <summary>Rows that were answered: a request with a batch of 8 counts 8.</summary>
    public long InferenceCount { get; init; }

    /// <summary>Runs of the graph.</summary>
    public long ExecutionCount { get; init; }

    /// <summary>Requests that were answered, from their arrival at the model to their answer.</summary>
    public StageFigures Success { get; init; }

    /// <summary>Requests that were not.</summary>
    public StageFigures Fail { get; init; }

    /// <summary>Waiting, of the requests that were answered.</summary>
    public StageFigures Queue { get; init; }

    public StageFigures Input { get; init; }

    public StageFigures Infer { get; init; }

    public StageFigures Output { get; init; }

    /// <summary>Runs by batch size, in rising order.</summary>
    public IReadOnlyList<BatchFigures> Batches { get; init; } = [];
}

/// <summary>Counts what a model does. Safe for concurrent use; recording costs a short lock and no memory.</summary>
/// <param name="modelBytes">Size of the model's files.</param>
public sealed class ModelStatistics(long modelBytes)
{
    // sizes come from callers: beyond this many different ones the rest is counted in the totals only
    private const int MostBatchSizes = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Stages> _batches = [];
    private readonly Stages _requests = new();
    private StageFigures _success;
    private StageFigures _fail;
    private StageFigures _queue;
    private long _lastInference;
    private long _inferences;
    private long _executions;

    /// <summary>Size of the model's files, in bytes: about what its weights take in memory.</summary>
    public long ModelBytes { get; } = modelBytes;

    /// <summary>The figures as they stand.</summary>
    public ModelFigures Snapshot()
    {
        lock (_gate)
        {
            return new ModelFigures
            {
                LastInference = _lastInference,
                InferenceCount = _inferences,
                ExecutionCount = _executions,
                Success = _success,
                Fail = _fail,
                Queue = _queue,
                Input = _requests.Input,
                Infer = _requests.Infer,
                Output = _requests.Output,
                Batches = [.. _batches.OrderBy(b => b.Key).Select(b => new BatchFigures(b.Key, b.Value.Input, b.Value.Infer, b.Value.Output))],
            };
        }
    }

    /// <summary>Counts one request that was answered.</summary>
    /// <param name="batchSize">Its rows.</param>
    /// <param name="total">From its arrival at the model to its answer.</param>
    /// <param name="queue">Waiting.</param>
    /// <param name="input">Handing over its inputs.</param>
    /// <param name="infer">Running the graph.</param>
    /// <param name="output">Fetching, or decoding, its outputs.</param>
    public void RecordRequest(int batchSize, TimeSpan total, TimeSpan queue, TimeSpan input, TimeSpan infer, TimeSpan output)
    {
        lock (_gate)
        {
            _inferences += batchSize;
            _success = _success.With(total);
            _queue = _queue.With(queue);
            _requests.Add(input, infer, output);
        }
    }

    /// <summary>Counts one request that was refused, failed or came to its deadline.</summary>
    public void RecordFailure(TimeSpan total)
    {
        lock (_gate)
            _fail = _fail.With(total);
    }

    /// <summary>Counts one run of the graph.</summary>
    /// <param name="batchSize">Rows of the batch.</param>
    /// <param name="input">Handing over the inputs.</param>
    /// <param name="infer">Running the graph.</param>
    /// <param name="output">Fetching the outputs.</param>
    public void RecordExecution(int batchSize, TimeSpan input, TimeSpan infer, TimeSpan output)
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        lock (_gate)
        {
            _lastInference = now;
            _executions++;
            if (!_batches.TryGetValue(batchSize, out var stages))
            {
                if (_batches.Count == MostBatchSizes)
                    return;
                _batches[batchSize] = stages = new Stages();
            }
            stages.Add(input, infer, output);
        }
    }

    private sealed class Stages
    {
        public StageFigures Input { get; private set; }

        public StageFigures Infer { get; private set; }

        public StageFigures Output { get; private set; }

        public void Add(TimeSpan input, TimeSpan infer, TimeSpan output)
        {
            Input = Input.With(input);
            Infer = Infer.With(infer);
            Output = Output.With(output);
        }
    }
}
