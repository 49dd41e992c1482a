using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Report;

/// <summary>What one peer did in one case, in one round or as the median of rounds. NaN is "not known".</summary>
internal sealed record Measurement
{
    public required LoadCase Case { get; init; }

    /// <summary><c>naive</c> or <c>service</c>.</summary>
    public required string Peer { get; init; }

    public required double RequestsPerSecond { get; init; }

    /// <summary>Milliseconds.</summary>
    public required double P50 { get; init; }

    /// <summary>Milliseconds.</summary>
    public required double P99 { get; init; }

    /// <summary>Processor time of the server for a sequence, in microseconds.</summary>
    public required double CpuMicroseconds { get; init; }

    /// <summary>Tokens / padded tokens, 0 to 1.</summary>
    public required double Padding { get; init; }

    /// <summary>Sequences a batch.</summary>
    public required double BatchRows { get; init; }

    /// <summary>Resident memory of the server at the end.</summary>
    public required double ResidentBytes { get; init; }

    /// <summary>Bytes that the server allocated for a request.</summary>
    public required double AllocatedBytes { get; init; }

    /// <summary>Processors that the load generator used.</summary>
    public required double GeneratorCores { get; init; }

    /// <summary>Processors that neither server nor generator used: above 0.12 the figure is disturbed.</summary>
    public required double OtherCores { get; init; }

    /// <summary>Answers that were not 200, and broken connections.</summary>
    public required double Errors { get; init; }

    public double SequencesPerSecond => RequestsPerSecond * Case.Rows;

    /// <summary>The median of each figure by itself; errors are summed.</summary>
    public static Measurement Median(IReadOnlyList<Measurement> rounds) => new()
    {
        Case = rounds[0].Case,
        Peer = rounds[0].Peer,
        RequestsPerSecond = Middle(rounds, m => m.RequestsPerSecond),
        P50 = Middle(rounds, m => m.P50),
        P99 = Middle(rounds, m => m.P99),
        CpuMicroseconds = Middle(rounds, m => m.CpuMicroseconds),
        Padding = Middle(rounds, m => m.Padding),
        BatchRows = Middle(rounds, m => m.BatchRows),
        ResidentBytes = Middle(rounds, m => m.ResidentBytes),
        AllocatedBytes = Middle(rounds, m => m.AllocatedBytes),
        GeneratorCores = Middle(rounds, m => m.GeneratorCores),
        OtherCores = Middle(rounds, m => m.OtherCores),
        Errors = rounds.Sum(m => m.Errors),
    };

    private static double Middle(IReadOnlyList<Measurement> rounds, Func<Measurement, double> value)
    {
        var sorted = rounds.Select(value).Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
