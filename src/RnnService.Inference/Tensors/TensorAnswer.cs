using RnnService.Core.Tensors;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Tensors;

/// <summary>What became of a request for raw tensors. Whoever gets it disposes it once the outputs have been used: their memory ends with it.</summary>
/// <param name="Outcome">How the run ended.</param>
/// <param name="Outputs">The outputs that were asked for, in that order; empty unless the outcome is <see cref="RunOutcome.Done"/>.</param>
/// <param name="Detail">For the caller: why the inputs were refused or the graph failed on them; null when neither is so.</param>
public sealed record TensorAnswer(RunOutcome Outcome, IReadOnlyList<Tensor> Outputs, string? Detail = null) : IDisposable
{
    /// <summary>Rows of the request, at least 1.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>How long the request waited for its run.</summary>
    public TimeSpan QueueTime { get; init; }

    /// <summary>How long the inputs took to be handed to the graph.</summary>
    public TimeSpan InputTime { get; init; }

    /// <summary>How long the graph ran.</summary>
    public TimeSpan InferTime { get; init; }

    /// <summary>How long the outputs took to be fetched from the graph.</summary>
    public TimeSpan OutputTime { get; init; }

    /// <summary>What owns the memory of the outputs; null when nothing has to be freed.</summary>
    internal IDisposable? Owner { get; init; }

    public static TensorAnswer Ended(RunOutcome outcome, string? detail = null) => new(outcome, [], detail);

    public void Dispose() => Owner?.Dispose();
}
