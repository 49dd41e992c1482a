using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace RnnService.Benchmarks.Micro;

/// <summary><c>micro</c>: what the single parts of a request cost, in time and in bytes. Runs in this process, so that nothing is built anew.</summary>
internal static class MicroCommand
{
    /// <param name="arguments">BenchmarkDotNet's own, such as <c>--filter *Planner*</c>; none runs all.</param>
    public static int Run(string[] arguments)
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddExporter(MarkdownExporter.GitHub)
            .AddLogger(ConsoleLogger.Default)
            .WithOptions(ConfigOptions.JoinSummary);
        Type[] parts = [typeof(BodyReading), typeof(Tokenizing), typeof(Planning), typeof(Decoding), typeof(AnswerWriting)];
        var summaries = BenchmarkSwitcher.FromTypes(parts).Run(arguments.Contains("--filter") ? arguments : [.. arguments, "--filter", "*"], config);
        return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(r => !r.Success)) ? 1 : 0;
    }
}
