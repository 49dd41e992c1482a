namespace RnnService.Core.Batching;

/// <summary>A sequence that waits, as the planner sees it. Times are in microseconds from any one origin.</summary>
/// <param name="Request">Number of the request it belongs to; equal numbers share their turn.</param>
/// <param name="Length">Its time steps, at least 1.</param>
/// <param name="Arrived">When its request was admitted.</param>
/// <param name="Deadline">When its caller stops waiting.</param>
public readonly record struct QueuedSequence(int Request, int Length, long Arrived, long Deadline);

/// <summary>A batch of a plan: a part of the plan's order.</summary>
/// <param name="Start">Where the batch begins in <see cref="BatchPlan.Order"/>.</param>
/// <param name="Rows">Number of sequences.</param>
/// <param name="Time">Length of the longest, in time steps.</param>
/// <param name="Cost">Predicted run time, in microseconds.</param>
/// <param name="Due">The earliest moment at which one of the sequences must have begun.</param>
public readonly record struct PlannedBatch(int Start, int Rows, int Time, double Cost, long Due);

/// <summary>What runs together, and in which order. Valid until the planner plans again.</summary>
/// <param name="order">Indices into the snapshot, batch after batch; what is not in it waits for the next plan.</param>
/// <param name="batches">The batches, the most urgent first.</param>
public readonly ref struct BatchPlan(ReadOnlySpan<int> order, ReadOnlySpan<PlannedBatch> batches)
{
    public ReadOnlySpan<int> Order { get; } = order;

    public ReadOnlySpan<PlannedBatch> Batches { get; } = batches;
}
