using System.Diagnostics;
using System.Text;
using System.Text.Json;
using RnnService.Benchmarks.Load;
using RnnService.Benchmarks.Peers;
using RnnService.Benchmarks.Report;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Commands;

/// <summary>Measures one server in one case.</summary>
internal static class CaseRunner
{
    private const int LeastAnswers = 4;         // a connection
    private const double LongestStretch = 4;    // of the time asked for

    /// <summary>Lets the server compile, calibrate and fill its pools: one sequence and many a request, half of the time each.</summary>
    public static void WarmUp(ServerProcess server, Requests requests, double seconds)
    {
        foreach (int rows in new[] { 1, 32 })
        {
            using var load = new ClosedLoop(server.Port, requests.Of(LengthMix.Questions, rows).Requests, 16);
            Thread.Sleep(TimeSpan.FromSeconds(seconds / 2));
        }
    }

    public static Measurement Measure(string peer, ServerProcess server, LoadCase load, RequestSet set, double seconds)
    {
        CheckAnswer(server, set);
        using var loop = new ClosedLoop(server.Port, set.Requests, load.Connections);
        Thread.Sleep(TimeSpan.FromSeconds(Math.Min(1, seconds / 4)));   // the case's own warm-up

        var metrics = ServiceMetrics.Read(server.Port);
        var (clock, cpu, own, busy, counts) = (Stopwatch.StartNew(), server.Cpu, Environment.CpuUsage.TotalTime, ProcessorUse.BusySeconds(), loop.Mark());
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        // a slow server must not be judged by a handful of answers
        while (counts.Answered < LeastAnswers * load.Connections && clock.Elapsed.TotalSeconds < LongestStretch * seconds)
            Thread.Sleep(50);
        loop.Mark();
        double elapsed = clock.Elapsed.TotalSeconds;
        double serverSeconds = (server.Cpu - cpu).TotalSeconds;
        double ownSeconds = (Environment.CpuUsage.TotalTime - own).TotalSeconds;
        double busySeconds = ProcessorUse.BusySeconds() - busy;
        var after = ServiceMetrics.Read(server.Port);

        bool batches = after.Sum("rnn_batches_total") is not null;
        long sequences = counts.Answered * load.Rows;
        return new Measurement
        {
            Case = load,
            Peer = peer,
            RequestsPerSecond = counts.Answered / elapsed,
            P50 = counts.Latency.Percentile(0.50),
            P99 = counts.Latency.Percentile(0.99),
            CpuMicroseconds = 1e6 * serverSeconds / Math.Max(1, sequences),
            Padding = batches ? Grown("rnn_tokens_total") / Grown("rnn_padded_tokens_total") : set.Padding,
            BatchRows = batches ? Grown("rnn_sequences_answered_total") / Grown("rnn_batches_total") : load.Rows,
            ResidentBytes = server.ResidentBytes,
            AllocatedBytes = (after.AllocatedBytes - metrics.AllocatedBytes) / Math.Max(1, counts.Answered) ?? double.NaN,
            GeneratorCores = ownSeconds / elapsed,
            OtherCores = Math.Max(0, busySeconds - serverSeconds - ownSeconds) / elapsed,
            Errors = counts.Errors + counts.Refused,
        };

        double Grown(string name) => (after.Sum(name) ?? double.NaN) - (metrics.Sum(name) ?? double.NaN);
    }

    /// <summary>A server that answers fast and wrong must not win: one answer is looked at before each case.</summary>
    private static void CheckAnswer(ServerProcess server, RequestSet set)
    {
        var closing = Encoding.ASCII.GetString(set.Requests[0].Span).Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal);
        var (status, body) = PlainHttp.Exchange(server.Port, Encoding.ASCII.GetBytes(closing));
        int predictions = 0;
        if (status == 200)
        {
            using var answer = JsonDocument.Parse(body);
            predictions = answer.RootElement.GetProperty("predictions").GetArrayLength();
        }
        if (predictions != set.Rows)
            throw new InvalidOperationException($"Asked for {set.Rows} prediction(s), got status {status} and {predictions}: {body}");
    }
}
