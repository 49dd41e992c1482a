using RnnService.Core.Tensors;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Tensors;

/// <summary>What became of a request for raw tensors.</summary>
/// <param name="Outcome">How the run ended.</param>
/// <param name="Outputs">The outputs that were asked for, in that order; empty unless the outcome is <see cref="RunOutcome.Done"/>.</param>
/// <param name="Detail">For the caller: why the inputs were refused or the graph failed on them; null when neither is so.</param>
public sealed record TensorAnswer(RunOutcome Outcome, IReadOnlyList<Tensor> Outputs, string? Detail = null);
