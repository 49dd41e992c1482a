using System.Diagnostics;
using RnnService.Benchmarks.Load;
using RnnService.Benchmarks.Peers;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Commands;

/// <summary><c>soak</c>: full load of mixed lengths and sizes for a long time. Memory that still grows after the second minute is a leak.</summary>
internal static class SoakCommand
{
    private const int Connections = 32;
    private const double MostGrowth = 1.05;

    /// <returns>1 when resident memory grew by more than 5 %, or a request went wrong.</returns>
    public static int Run(Arguments arguments)
    {
        int minutes = (int)arguments.Number("--minutes", 10, 3);
        double minute = arguments.Number("--every", 60, 1);   // seconds; shorter only to try the command itself
        var model = TestedModel.Find(arguments);
        arguments.RefuseOthers();
        SocketSettings.Apply();
        using var server = ServerProcess.Service(model);
        using var load = new ClosedLoop(server.Port, Mixed(new Requests(model)), Connections);

        var resident = new double[minutes];
        double errors = 0;
        Console.WriteLine($"{"minute",6}{"MiB",8}{"gen0",9}{"gen1",9}{"gen2",9}{"req/s",10}{"p99 ms",10}{"errors",9}");
        for (int i = 0; i < minutes; i++)
        {
            var counts = load.Mark();
            var clock = Stopwatch.StartNew();
            resident[i] = AverageResident(server, TimeSpan.FromSeconds(minute));
            double rate = counts.Answered / clock.Elapsed.TotalSeconds;
            var metrics = ServiceMetrics.Read(server.Port);
            errors += counts.Errors + counts.Refused;
            Console.WriteLine($"{i + 1,6}{resident[i] / (1 << 20),8:F1}{metrics.Collections(0),9}{metrics.Collections(1),9}{metrics.Collections(2),9}{rate,10:F0}{counts.Latency.Percentile(0.99),10:F1}{counts.Errors + counts.Refused,9}");
        }
        double growth = resident[^1] / resident[1];
        bool good = growth <= MostGrowth && errors == 0;
        Console.WriteLine($"resident memory, last minute / second minute: {growth:F3} (at most {MostGrowth}); errors: {errors}; {(good ? "passed" : "FAILED")}");
        return good ? 0 : 1;
    }

    /// <summary>Requests of every mix, of one sequence and of many, in turns.</summary>
    private static ReadOnlyMemory<byte>[] Mixed(Requests requests)
    {
        var sets = LengthMix.All.SelectMany(mix => new[] { requests.Of(mix, 1), requests.Of(mix, 32) }).Select(s => s.Requests).ToArray();
        return [.. Enumerable.Range(0, TokenSequences.Count).SelectMany(i => sets.Select(s => s[i % s.Length]))];
    }

    /// <summary>Bytes, averaged over a stretch of time, since a collection makes single readings jump.</summary>
    private static double AverageResident(ServerProcess server, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        var readings = new List<double>();
        while (clock.Elapsed < time)
        {
            Thread.Sleep(500);
            readings.Add(server.ResidentBytes);
        }
        return readings.Average();
    }
}
