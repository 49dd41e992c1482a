namespace RnnService.Core.Batching;

/// <summary>
/// Predicts how long a padded batch runs. A recurrent layer does the same work each time step, so the time is a line over the steps;
/// how the line depends on the rows is measured, because it follows the processor's vector width and not a formula.
/// </summary>
public sealed class BatchCosts
{
    private readonly double[] _fixed;     // by rows, microseconds
    private readonly double[] _perStep;   // by rows, microseconds a time step

    private BatchCosts(double[] @fixed, double[] perStep, IReadOnlyList<CostPoint> measured)
    {
        _fixed = @fixed;
        _perStep = perStep;
        Measured = measured;
    }

    /// <summary>What the fit was made from.</summary>
    public IReadOnlyList<CostPoint> Measured { get; }

    /// <summary>Largest number of rows that is known; more rows cost in proportion.</summary>
    public int MaxRows => _fixed.Length - 1;

    /// <summary>Run time in microseconds of a batch of <paramref name="rows"/> (at least 1) by <paramref name="time"/> steps.</summary>
    public double Predict(int rows, int time)
    {
        if (rows <= MaxRows)
            return _fixed[rows] + _perStep[rows] * time;
        return (double)rows / MaxRows * (_fixed[MaxRows] + _perStep[MaxRows] * time);
    }

    /// <summary>The line of a number of rows: microseconds at no step, and for each step.</summary>
    public (double Fixed, double PerStep) Line(int rows) => (_fixed[Math.Min(rows, MaxRows)], _perStep[Math.Min(rows, MaxRows)]);

    /// <summary>
    /// Fits a line over the time steps to each measured number of rows, by least squares of the relative error, and draws straight lines between those.
    /// </summary>
    /// <param name="points">At least one point; rows and time at least 1.</param>
    public static BatchCosts Fit(IReadOnlyList<CostPoint> points)
    {
        ArgumentNullException.ThrowIfNull(points);
        var lines = points.GroupBy(p => p.Rows).OrderBy(g => g.Key).Select(g => (Rows: g.Key, Line: FitLine([.. g]))).ToArray();
        int max = lines[^1].Rows;
        var (@fixed, perStep) = (new double[max + 1], new double[max + 1]);
        for (int rows = 1; rows <= max; rows++)
        {
            var above = lines.First(l => l.Rows >= rows);
            var below = lines.LastOrDefault(l => l.Rows <= rows, (Rows: 0, above.Line));
            double share = above.Rows == below.Rows ? 0 : (double)(rows - below.Rows) / (above.Rows - below.Rows);
            @fixed[rows] = below.Line.Fixed + share * (above.Line.Fixed - below.Line.Fixed);
            perStep[rows] = below.Line.PerStep + share * (above.Line.PerStep - below.Line.PerStep);
        }
        return new BatchCosts(@fixed, perStep, points);
    }

    private static (double Fixed, double PerStep) FitLine(CostPoint[] points)
    {
        double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
        foreach (var p in points)
        {
            double w = 1 / Math.Max(1e-6, p.Microseconds * p.Microseconds);
            sw += w;
            sx += w * p.Time;
            sy += w * p.Microseconds;
            sxx += w * p.Time * p.Time;
            sxy += w * p.Time * p.Microseconds;
        }
        double spread = sw * sxx - sx * sx;
        double slope = spread <= 1e-12 * sw * sxx ? 0 : Math.Max(0, (sw * sxy - sx * sy) / spread);
        double start = (sy - slope * sx) / sw;
        // A negative start would make short batches cost nothing: the line then goes through the origin.
        return start >= 0 ? (start, slope) : (0, sxy / sxx);
    }
}

/// <param name="Rows">Rows of the batch.</param>
/// <param name="Time">Time steps of the batch.</param>
/// <param name="Microseconds">How long it ran.</param>
public readonly record struct CostPoint(int Rows, int Time, double Microseconds);
