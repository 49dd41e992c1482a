using RnnService.Core.Batching;
using RnnService.Core.Taxonomy;
using RnnService.Core.Tensors;
using RnnService.Core.Text;
using RnnService.Inference.Batching;
using RnnService.Inference.Onnx;
using RnnService.Inference.Tensors;

namespace RnnService.Inference.Models;

/// <summary>A version that is ready to answer. Immutable; safe for concurrent use.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly OnnxRunner _runner;
    private readonly DynamicBatcher _batcher;
    private readonly TensorSession _tensors;
    private int _users = 1;   // the repository is the first

    internal LoadedModel(OnnxRunner runner, DynamicBatcher batcher, TensorSession tensors)
    {
        _runner = runner;
        _batcher = batcher;
        _tensors = tensors;
    }

    /// <summary>Name of the model.</summary>
    public required string Name { get; init; }

    /// <summary>The version, at least 1.</summary>
    public required int Version { get; init; }

    /// <summary>One sentence for people, from the manifest.</summary>
    public string? Description { get; init; }

    /// <summary>The labels.</summary>
    public required LabelTree Tree { get; init; }

    /// <summary>For each level of <see cref="Tree"/>, where its head begins in a row of logits.</summary>
    public required int[] HeadOffsets { get; init; }

    /// <summary>Turns tokens into ids; null for a model that takes ids only.</summary>
    public Vocabulary? Vocabulary { get; init; }

    /// <summary>Ids up to this minus 1 are valid; null when any id is.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>The smallest valid id: 0, or 1 where the graph takes 0 for padding and nothing else.</summary>
    public int MinId { get; init; }

    /// <summary>Longest sequence that is accepted, in time steps.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Shortest sequence that is accepted: 1, but where the graph needs more steps, or has frozen time and cannot be padded.</summary>
    public int MinLength { get; init; } = 1;

    /// <summary>Decoding of requests that name none.</summary>
    public required Decoding Decoding { get; init; }

    /// <summary>Threshold of requests that name none, 0 to 1.</summary>
    public required double Threshold { get; init; }

    /// <summary>Metrics from the model card.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>The graph's inputs.</summary>
    public required IReadOnlyList<TensorDescription> Inputs { get; init; }

    /// <summary>The graph's outputs.</summary>
    public required IReadOnlyList<TensorDescription> Outputs { get; init; }

    /// <summary>The outputs that score labels, in the order of a row of logits.</summary>
    public required IReadOnlyList<Head> Heads { get; init; }

    /// <summary>Exporter that wrote the graph.</summary>
    public required string Producer { get; init; }

    /// <summary>Version of the standard operator set that the graph uses.</summary>
    public required long Opset { get; init; }

    /// <summary>How the graph is run, and why.</summary>
    public required BatchMode Mode { get; init; }

    /// <summary>Which sequences may run together.</summary>
    public required BatchPolicy Policy { get; init; }

    /// <summary>What batches cost on this machine.</summary>
    public required BatchCosts Costs { get; init; }

    /// <summary>Batches that run at the same time.</summary>
    public required int Workers { get; init; }

    /// <summary>What has been done so far, as the Open Inference Protocol's statistics extension tells it.</summary>
    public required ModelStatistics Statistics { get; init; }

    /// <summary>The graph's inputs that raw tensors can be sent to.</summary>
    public IReadOnlyList<TensorDescription> TensorInputs => _tensors.Signature.Inputs;

    /// <summary>The graph's outputs that are raw tensors.</summary>
    public IReadOnlyList<TensorDescription> TensorOutputs => _tensors.Signature.Outputs;

    /// <summary>What has been done so far.</summary>
    public BatchCounters Counters => _batcher.Counters;

    /// <summary>Whether the queue is full, so that a request need not be read to be refused.</summary>
    public bool IsRefusing => _batcher.IsRefusing;

    /// <summary>How long a request that comes now would wait for its turn.</summary>
    public TimeSpan ExpectedWait => _batcher.ExpectedWait;

    /// <summary>Runs the sequences of one request. Its sequences must be non-empty, within <see cref="MaxLength"/>, their ids within <see cref="VocabularySize"/>.</summary>
    /// <param name="request">Receives the logits.</param>
    /// <param name="timeout">How long the caller is ready to wait.</param>
    /// <param name="callerGone">Set when nobody waits for the answer any more.</param>
    public ValueTask<RunOutcome> RunAsync(SequenceRequest request, TimeSpan timeout, CancellationToken callerGone) =>
        _batcher.RunAsync(request, timeout, callerGone);

    /// <summary>Runs the graph on raw tensors.</summary>
    /// <param name="inputs">Every input of the graph, each once; their memory must stay as it is until the answer.</param>
    /// <param name="outputs">Names of the wanted outputs; none is all.</param>
    /// <param name="timeout">How long the caller is ready to wait.</param>
    /// <param name="callerGone">Set when nobody waits for the answer any more.</param>
    /// <returns>
    /// The answer, which the caller disposes. After <see cref="RunOutcome.TimedOut"/>, <see cref="RunOutcome.Abandoned"/> and
    /// <see cref="RunOutcome.Unavailable"/> the run may still read the inputs: their memory must then never be used again.
    /// </returns>
    public async ValueTask<TensorAnswer> InferAsync(IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs, TimeSpan timeout, CancellationToken callerGone)
    {
        long started = Clock.Now;
        var answer = await _tensors.RunAsync(inputs, outputs, timeout, callerGone);
        var total = Clock.Span(Clock.Now - started);
        if (answer.Outcome == RunOutcome.Done)
            Statistics.RecordRequest(answer.BatchSize, total, answer.QueueTime, answer.InputTime, answer.InferTime, answer.OutputTime);
        else
            Statistics.RecordFailure(total);
        return answer;
    }

    /// <summary>Takes the model into use, so that it is not disposed before <see cref="Release"/>.</summary>
    /// <returns>False when it has been disposed or soon will be: look it up again.</returns>
    public bool TryAcquire()
    {
        for (int users = Volatile.Read(ref _users); users > 0; users = Volatile.Read(ref _users))
        {
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return true;
        }
        return false;
    }

    /// <summary>Ends a use. The last one, after the repository's own has ended, disposes the model, on a thread where waiting for batches harms nobody.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(static model => model.Dispose(), this, preferLocal: false);
    }

    public void Dispose()
    {
        _batcher.Dispose();
        _tensors.Dispose();
        _runner.Dispose();
    }
}
