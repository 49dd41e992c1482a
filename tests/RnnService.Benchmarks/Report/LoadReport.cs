using RnnService.Benchmarks.Peers;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Report;

/// <summary>All that a load run found: medians of the rounds, the best ceiling of each mix, the overload.</summary>
/// <param name="Results">For each case the naive server's, then the service's.</param>
/// <param name="Ceilings">By mix.</param>
/// <param name="Overload">The overload case.</param>
/// <param name="Seconds">How long each case was measured in each round.</param>
/// <param name="Rounds">How often.</param>
internal sealed record LoadReport(IReadOnlyList<Measurement> Results, IReadOnlyDictionary<LengthMix, CeilingResult> Ceilings, OverloadResult Overload, double Seconds, int Rounds)
{
    public Measurement Of(LoadCase load, string peer) => Results.First(r => r.Case == load && r.Peer == peer);

    /// <summary>Share of the ceiling, 0 to 1.</summary>
    public double Share(Measurement result) => result.SequencesPerSecond / Ceilings[result.Case.Mix].SequencesPerSecond;

    /// <summary>Column heads, and rows grouped by mix; what does not apply is "-".</summary>
    public (string[] Heads, IReadOnlyList<(string Group, IReadOnlyList<string[]> Rows)> Groups) Table()
    {
        bool allocations = Results.Any(r => !double.IsNaN(r.AllocatedBytes));
        string[] heads = ["case", "peer", "req/s", "seq/s", "of ceiling", "p50 ms", "p99 ms", "CPU us/seq", "padding eff.", "batch rows", "MiB", "other cores", "errors"];
        heads = allocations ? [.. heads, "alloc B/req"] : heads;
        var groups = new List<(string, IReadOnlyList<string[]>)>();
        foreach (var mix in Ceilings.Keys)
        {
            var rows = new List<string[]> { CeilingRow(Ceilings[mix]) };
            foreach (var result in Results.Where(r => r.Case.Mix == mix))
                rows.Add(Row(result));
            groups.Add((mix.Text, [.. rows.Select(r => r[..heads.Length])]));
        }
        return (heads, groups);
    }

    /// <summary>For each case: case, throughput ratio, p99 ratio, CPU ratio, all service / naive.</summary>
    public IEnumerable<(LoadCase Case, double Throughput, double P99, double Cpu)> Ratios()
    {
        foreach (var load in Results.Select(r => r.Case).Distinct())
        {
            var (naive, service) = (Of(load, "naive"), Of(load, "service"));
            yield return (load, service.RequestsPerSecond / naive.RequestsPerSecond, service.P99 / naive.P99, service.CpuMicroseconds / naive.CpuMicroseconds);
        }
    }

    /// <summary>How to read the figures, one sentence a line.</summary>
    public IEnumerable<string> Notes()
    {
        yield return $"Medians of {Rounds} round(s) of {Seconds} s a case, peers in turns, each warmed up in a fresh process; the ceiling is the best of the rounds.";
        yield return "Ceiling: ONNX Runtime in process, batches of 16 sorted by length, one thread in each of as many sessions as processors, no HTTP.";
        yield return $"Load generator and server share the processors; the generator took {Results.Average(r => r.GeneratorCores):F2} of {Environment.ProcessorCount} on average.";
        double other = Results.Max(r => r.OtherCores);
        if (other > 0.12)
            yield return $"DISTURBED: up to {other:F2} processors were busy with something else (column \"other cores\"); figures count where it is at most 0.12.";
    }

    private static string[] CeilingRow(CeilingResult c) =>
        ["in process", "ceiling", "-", $"{c.SequencesPerSecond:F0}", "100 %", "-", "-", $"{c.CpuMicroseconds:F1}", Percent(c.Padding), "16.0", Mebibytes(c.ResidentBytes), "-", "-", "-"];

    private string[] Row(Measurement m) =>
    [
        m.Case.Text,
        m.Peer,
        $"{m.RequestsPerSecond:F0}",
        $"{m.SequencesPerSecond:F0}",
        Percent(Share(m)),
        Milliseconds(m.P50),
        Milliseconds(m.P99),
        $"{m.CpuMicroseconds:F1}",
        Percent(m.Padding),
        double.IsNaN(m.BatchRows) ? "-" : $"{m.BatchRows:F1}",
        Mebibytes(m.ResidentBytes),
        $"{Math.Max(0, m.OtherCores):F2}",
        $"{m.Errors:F0}",
        double.IsNaN(m.AllocatedBytes) ? "-" : $"{m.AllocatedBytes:F0}",
    ];

    private static string Percent(double share) => double.IsNaN(share) ? "-" : $"{100 * share:F0} %";

    private static string Milliseconds(double ms) => double.IsNaN(ms) ? "-" : ms < 10 ? $"{ms:F2}" : $"{ms:F1}";

    private static string Mebibytes(double bytes) => $"{bytes / (1 << 20):F0}";
}
