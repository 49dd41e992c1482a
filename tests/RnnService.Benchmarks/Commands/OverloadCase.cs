using System.Diagnostics;
using RnnService.Benchmarks.Load;
using RnnService.Benchmarks.Peers;
using RnnService.Benchmarks.Report;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Commands;

/// <summary>
/// Offers four times what the service can do. What is to be seen: it goes on doing what it can, refuses the rest at once, and says when to come again.
/// </summary>
internal static class OverloadCase
{
    private const double Times = 4;
    private const int Connections = 1024;
    private static readonly LoadCase Peak = new(LengthMix.Questions, 32, 16);

    public static OverloadResult Measure(TestedModel model, Requests requests, double warm, double seconds)
    {
        using var server = ServerProcess.Service(model);
        CaseRunner.WarmUp(server, requests, warm);
        var set = requests.Of(Peak);
        var peak = CaseRunner.Measure("service", server, Peak, set, seconds);

        double rate = Times * peak.RequestsPerSecond;
        using var load = new OpenLoop(server.Port, set.Requests, Connections, rate);
        Thread.Sleep(TimeSpan.FromSeconds(Math.Max(1, seconds / 4)));   // until the queue is full
        var (clock, offered, missed, counts) = (Stopwatch.StartNew(), load.Offered, load.Missed, load.Mark());
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        load.Mark();
        double elapsed = clock.Elapsed.TotalSeconds;
        return new OverloadResult
        {
            Rows = set.Rows,
            Peak = peak.SequencesPerSecond,
            Wanted = rate * set.Rows,
            Offered = (load.Offered - offered) * set.Rows / elapsed,
            Goodput = counts.Answered * set.Rows / elapsed,
            P50 = counts.Latency.Percentile(0.50),
            P99 = counts.Latency.Percentile(0.99),
            RefusedShare = counts.Refused / Math.Max(1.0, counts.Answered + counts.Refused + counts.Errors),
            Refused = counts.Refused,
            RefusedWithHint = counts.RefusedWithHint,
            Errors = counts.Errors,
            NotSent = load.Missed - missed,
        };
    }
}
