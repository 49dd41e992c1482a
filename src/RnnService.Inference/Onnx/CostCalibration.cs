using System.Diagnostics;
using RnnService.Core.Batching;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Onnx;

/// <summary>Measures at load what batches of several shapes cost on this machine, for the planner to choose by.</summary>
internal static class CostCalibration
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);
    private const int Repeats = 4;

    /// <param name="runner">Runs the graph.</param>
    /// <param name="policy">Shapes that will occur.</param>
    /// <param name="maxLength">Longest sequence, in time steps.</param>
    /// <param name="sequences">Generates sequences.</param>
    public static BatchCosts Measure(OnnxRunner runner, BatchPolicy policy, int maxLength, ProbeRuns sequences)
    {
        int[] times = policy.FixedTime > 0 ? [policy.FixedTime] : [.. new[] { 4, 16, 48 }.Select(t => Math.Min(t, maxLength)).Distinct()];
        int[] rows = policy.FixedRows > 0 ? [policy.FixedRows] : [.. new[] { 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256 }.Where(r => r < policy.MaxRows), policy.MaxRows];
        var points = new List<CostPoint>();
        var spent = Stopwatch.StartNew();
        var tensors = new BatchTensors(runner.Signature);
        foreach (int r in rows)
        {
            foreach (int t in times)
            {
                if (points.Count > 0 && (spent.Elapsed > Patience || (r > 1 && (long)r * t > policy.MaxPaddedTokens)))
                    continue;
                points.Add(new CostPoint(r, t, Best(runner, tensors, r, t, sequences)));
            }
        }
        return BatchCosts.Fit(points);
    }

    /// <summary>The fastest of a few runs: what disturbs a run only ever makes it slower.</summary>
    private static double Best(OnnxRunner runner, BatchTensors tensors, int rows, int time, ProbeRuns sequences)
    {
        tensors.Reset(rows, time);
        using var sequence = sequences.Generate([time]);
        for (int row = 0; row < rows; row++)
            tensors.SetRow(row, sequence, 0);
        double best = double.PositiveInfinity;
        for (int i = 0; i <= Repeats; i++)
        {
            long started = Stopwatch.GetTimestamp();
            runner.Run(tensors);
            double microseconds = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            if (i > 0)   // the first run of a shape allocates
                best = Math.Min(best, microseconds);
        }
        return Math.Max(best, 0.1);
    }
}
