using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using RnnService.Benchmarks.Workload;
using RnnService.Inference.Onnx;

namespace RnnService.Benchmarks.Peers;

/// <summary>What the machine gives at most: the same sequences, sorted by length into batches, straight into ONNX Runtime. No HTTP, no JSON, no waiting.</summary>
internal static class Ceiling
{
    private const int Rows = 16;

    /// <summary>The child process: measures one mix and prints a <see cref="CeilingResult"/> as one line of JSON.</summary>
    public static int Run(Arguments arguments)
    {
        var mix = LengthMix.Parse(arguments.Text("--mix"));
        double seconds = arguments.Number("--seconds", 2, 0.1);
        var model = TestedModel.Find(arguments);
        arguments.RefuseOthers();
        NativeRuntime.Prepare();
        Console.WriteLine(JsonSerializer.Serialize(Measure(TokenSequences.Of(mix, model), model, seconds)));
        return 0;
    }

    private static CeilingResult Measure(int[][] sequences, TestedModel model, double seconds)
    {
        var batches = sequences.OrderBy(s => s.Length).Chunk(Rows).Select(c => new Batch(c)).ToArray();
        new Random(1).Shuffle(batches);   // a short run sees short and long ones
        int next = -1;
        long answered = 0;
        bool stop = false;
        var workers = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work)).ToArray();
        foreach (var worker in workers)
            worker.Start();
        Thread.Sleep(TimeSpan.FromSeconds(Math.Min(1, seconds / 2)));

        var (clock, cpu, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime, Interlocked.Read(ref answered));
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        var result = new CeilingResult(
            (Interlocked.Read(ref answered) - before) / clock.Elapsed.TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / Math.Max(1, Interlocked.Read(ref answered) - before),
            batches.Sum(b => (double)b.Tokens) / batches.Sum(b => (double)b.Ids.Length),
            Environment.WorkingSet,
            OrtEnv.Instance().GetVersionString());
        Volatile.Write(ref stop, true);
        foreach (var worker in workers)
            worker.Join();
        return result;

        void Work()
        {
            using var settings = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
            using var session = new InferenceSession(model.Graph, settings);
            using var options = new RunOptions();
            while (!Volatile.Read(ref stop))
            {
                var batch = batches[(uint)Interlocked.Increment(ref next) % batches.Length];
                batch.Run(session, options);
                Interlocked.Add(ref answered, batch.Lengths.Length);
            }
        }
    }

    /// <summary>Sequences, padded to the longest.</summary>
    private sealed class Batch
    {
        public Batch(int[][] sequences)
        {
            Lengths = [.. sequences.Select(s => (long)s.Length)];
            Time = (int)Lengths.Max();
            Ids = new long[sequences.Length * Time];
            for (int row = 0; row < sequences.Length; row++)
            {
                for (int t = 0; t < sequences[row].Length; t++)
                    Ids[row * Time + t] = sequences[row][t];
            }
        }

        public long[] Ids { get; }

        public long[] Lengths { get; }

        public long Tokens => Lengths.Sum();

        private int Time { get; }

        public void Run(InferenceSession session, RunOptions options)
        {
            using var ids = OrtValue.CreateTensorValueFromMemory(Ids, [Lengths.Length, Time]);
            using var lengths = OrtValue.CreateTensorValueFromMemory(Lengths, [Lengths.Length]);
            session.Run(options, [TestedModel.IdsInput, TestedModel.LengthsInput], [ids, lengths], TestedModel.Heads).Dispose();
        }
    }
}

/// <summary>What the ceiling's process found.</summary>
/// <param name="SequencesPerSecond">With one thread a processor.</param>
/// <param name="CpuMicroseconds">Processor time of a sequence, in microseconds.</param>
/// <param name="Padding">Tokens / padded tokens, 0 to 1.</param>
/// <param name="ResidentBytes">Resident memory.</param>
/// <param name="OnnxRuntime">Version of the native library.</param>
internal sealed record CeilingResult(double SequencesPerSecond, double CpuMicroseconds, double Padding, long ResidentBytes, string OnnxRuntime)
{
    /// <summary>Measures in a child process.</summary>
    public static CeilingResult Measure(LengthMix mix, TestedModel model, double seconds)
    {
        using var process = Process.Start(ChildProcess.OfThisProgram("ceiling", "--mix", mix.Name, "--seconds", $"{seconds}", "--models", model.Root))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<CeilingResult>(output.Result)!
            : throw new InvalidOperationException($"The ceiling ended with {process.ExitCode}: {errors}");
    }
}
