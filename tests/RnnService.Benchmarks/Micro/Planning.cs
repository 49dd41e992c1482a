using BenchmarkDotNet.Attributes;
using RnnService.Benchmarks.Workload;
using RnnService.Core.Batching;

namespace RnnService.Benchmarks.Micro;

/// <summary>From the queue to batches.</summary>
public class Planning
{
    private readonly BatchPlanner _planner = new(new BatchPolicy(), Costs());
    private QueuedSequence[] _queue = [];

    /// <summary>Sequences that wait, of requests with one sequence each.</summary>
    [Params(64, 256)]
    public int Queued { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(7);
        _queue = [.. Enumerable.Range(0, Queued).Select(i => new QueuedSequence(i, LengthMix.Uniform.Draw(random), i, long.MaxValue))];
    }

    /// <returns>Number of batches.</returns>
    [Benchmark(Description = "BatchPlanner.Plan")]
    public int Plan() => _planner.Plan(_queue, Queued, 2).Batches.Length;

    /// <summary>Shaped like what is measured at load: a vector of rows costs little more than one row.</summary>
    private static BatchCosts Costs() => BatchCosts.Fit(
    [
        .. from rows in new[] { 1, 2, 4, 8, 16, 32, 64 }
           from time in new[] { 4, 16, 48 }
           select new CostPoint(rows, time, 20 + 2 * rows + time * (4 + 1.2 * rows)),
    ]);
}
