using System.Diagnostics;
using System.Text;
using RnnService.Benchmarks.Load;
using RnnService.Benchmarks.Peers;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Commands;

/// <summary><c>swaps</c>: the model is replaced again and again under full load. Each request must be answered, and memory stay where it is.</summary>
internal static class SwapsCommand
{
    private const double MostGrowth = 1.05;
    private const int Block = 20;

    /// <returns>1 when resident memory grew by more than 5 % from the second 20 swaps to the last 20, or a request went wrong.</returns>
    public static int Run(Arguments arguments)
    {
        int swaps = (int)arguments.Number("--count", 200, 3 * Block) / Block * Block;
        int connections = (int)arguments.Number("--connections", 64, 1);
        var shipped = TestedModel.Find(arguments);
        arguments.RefuseOthers();
        SocketSettings.Apply();
        var root = Directory.CreateTempSubdirectory("rnn-swaps-");
        try
        {
            return Run(new TestedModel(root.FullName), shipped, swaps, connections);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static int Run(TestedModel model, TestedModel shipped, int swaps, int connections)
    {
        var folder = Directory.CreateDirectory(Path.GetDirectoryName(model.Graph)!).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(shipped.Graph)!))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        using var server = ServerProcess.Service(model);
        using var load = new ClosedLoop(server.Port, [.. new Requests(model).Of(LengthMix.Questions, 1).Requests], connections);

        var readings = new List<double>();   // averaged over blocks, since a collection makes single ones jump
        var resident = new List<double>();
        double errors = 0;
        var request = Encoding.ASCII.GetBytes($"POST /models/{TestedModel.Name}/load HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Console.WriteLine($"{"swaps",6}{"MiB",8}{"req/s",10}{"p99 ms",10}{"max ms",10}{"errors",9}{"s",8}");
        var counts = load.Mark();
        var clock = Stopwatch.StartNew();
        for (int i = 1; i <= swaps; i++)
        {
            File.SetLastWriteTimeUtc(model.Graph, DateTime.UtcNow);   // the same model, but the service cannot know that
            var (status, text) = PlainHttp.Exchange(server.Port, request);
            if (status != 200)
                throw new InvalidOperationException($"Swap {i}: {status} {text}");
            readings.Add(server.ResidentBytes);
            if (i % Block != 0)
                continue;
            resident.Add(readings.Average());
            readings.Clear();
            errors += counts.Errors + counts.Refused;
            Console.WriteLine($"{i,6}{resident[^1] / (1 << 20),8:F1}{counts.Answered / clock.Elapsed.TotalSeconds,10:F0}{counts.Latency.Percentile(0.99),10:F1}{counts.Latency.Percentile(1),10:F1}{counts.Errors + counts.Refused,9}{clock.Elapsed.TotalSeconds,8:F0}");
            counts = load.Mark();
            clock.Restart();
        }
        double done = ServiceMetrics.Read(server.Port).Sum("rnn_model_unloads_total") ?? 0;
        double growth = resident[^1] / resident[1];
        bool good = growth <= MostGrowth && errors == 0 && done == swaps;
        Console.WriteLine($"resident memory, last {Block} swaps / second {Block}: {growth:F3} (at most {MostGrowth}); swaps done: {done}; errors: {errors}; {(good ? "passed" : "FAILED")}");
        return good ? 0 : 1;
    }
}
