using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Models;

/// <summary>A version that is ready to answer. Immutable; safe for concurrent use.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly InferenceSession _session;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _users = 1;   // the repository is the first
    private bool _disposed;

    internal LoadedModel(InferenceSession session) => _session = session;

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
        _session.Dispose();
        _gone.SetResult();
    }
}
