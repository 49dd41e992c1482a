using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Tensors;
using RnnService.Inference.Batching;
using RnnService.Inference.Onnx;
using RnnService.Inference.Tensors;

namespace RnnService.Inference.Models;

/// <summary>A version that is ready to answer. Immutable; safe for concurrent use.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly InferenceSession _session;
    private readonly TensorSession _tensors;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _users = 1;   // the repository is the first
    private bool _disposed;

    internal LoadedModel(InferenceSession session, TensorSession tensors)
    {
        _session = session;
        _tensors = tensors;
    }

    /// <summary>Name of the model.</summary>
    public required string Name { get; init; }

    /// <summary>The version, at least 1.</summary>
    public required int Version { get; init; }

    /// <summary>One sentence for people, from the manifest.</summary>
    public string? Description { get; init; }

    /// <summary>Metrics from the model card.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>The graph's inputs.</summary>
    public required IReadOnlyList<TensorDescription> Inputs { get; init; }

    /// <summary>The graph's outputs.</summary>
    public required IReadOnlyList<TensorDescription> Outputs { get; init; }

    /// <summary>What was found out about the graph.</summary>
    public required GraphFindings Graph { get; init; }

    /// <summary>What it is to <c>POST /predict</c>; null for a graph that classifies no sequences, which serves raw tensors only.</summary>
    public Classifier? Classifier { get; init; }

    /// <summary>Why there is no <see cref="Classifier"/>; empty when there is one.</summary>
    public IReadOnlyList<Fault> WhyNoClassifier { get; init; } = [];

    /// <summary>What has been done so far, as the Open Inference Protocol's statistics extension tells it.</summary>
    public required ModelStatistics Statistics { get; init; }

    /// <summary>Runs that go on at the same time.</summary>
    public int Workers => _tensors.Workers;

    /// <summary>How long raw tensors that come now would wait for their turn, in the longer of the two queues that they may go to.</summary>
    public TimeSpan ExpectedWait => Classifier?.ExpectedWait is { } wait && wait > _tensors.ExpectedWait ? wait : _tensors.ExpectedWait;

    /// <summary>The graph's inputs that raw tensors can be sent to.</summary>
    public IReadOnlyList<TensorDescription> TensorInputs => _tensors.Signature.Inputs;

    /// <summary>The graph's outputs that are raw tensors.</summary>
    public IReadOnlyList<TensorDescription> TensorOutputs => _tensors.Signature.Outputs;

    /// <summary>Runs the graph on raw tensors: together with the sequences of all others where that changes nothing, else as they are.</summary>
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
        var answer = _tensors.Signature.Check(inputs, outputs) is { } fault
            ? TensorAnswer.Ended(RunOutcome.Rejected, fault)
            : await InferTogetherAsync(inputs, outputs.Count > 0 ? outputs : _tensors.Signature.OutputNames, timeout, callerGone) ?? await _tensors.RunAsync(inputs, outputs, timeout, callerGone);
        var total = Clock.Span(Clock.Now - started);
        if (answer.Outcome == RunOutcome.Done)
            Statistics.RecordRequest(answer.BatchSize, total, answer.QueueTime, answer.InputTime, answer.InferTime, answer.OutputTime);
        else
            Statistics.RecordFailure(total);
        return answer;
    }

    /// <returns>Null when the tensors must run as they are.</returns>
    private async ValueTask<TensorAnswer?> InferTogetherAsync(IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs, TimeSpan timeout, CancellationToken callerGone)
    {
        long started = Clock.Now;
        if (Classifier is null || TensorSequences.TryRead(Classifier, inputs, outputs) is not { } request)
            return null;
        using (request)
        {
            var reading = Clock.Span(Clock.Now - started);
            var outcome = await Classifier.RunAsync(request, timeout, callerGone);
            long ran = Clock.Now;
            if (outcome == RunOutcome.Failed)
                return null;   // alone the graph says why
            if (outcome != RunOutcome.Done)
                return TensorAnswer.Ended(outcome);
            var tensors = TensorSequences.Write(Classifier, request, outputs);
            return new TensorAnswer(outcome, tensors)
            {
                BatchSize = request.Count,
                QueueTime = request.QueueTime,
                InputTime = reading,
                InferTime = request.InferTime,
                OutputTime = Clock.Span(Clock.Now - ran),
            };
        }
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

    /// <summary>Ends when the model has been disposed.</summary>
    internal Task Gone => _gone.Task;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        Classifier?.Dispose();
        _tensors.Dispose();
        // a session that is taken from under a run ends the process; one that still runs after that long is better lost
        if (Classifier?.IsIdle != false && _tensors.IsIdle)
            _session.Dispose();
        _gone.SetResult();
    }
}
