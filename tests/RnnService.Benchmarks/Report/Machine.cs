using System.Runtime.InteropServices;

namespace RnnService.Benchmarks.Report;

/// <summary>What the figures hold for.</summary>
internal static class Machine
{
    /// <summary>Names and values.</summary>
    /// <param name="onnxRuntime">Version of the native library.</param>
    public static IEnumerable<(string Name, string Value)> Facts(string onnxRuntime)
    {
        yield return ("Date", $"{DateTime.UtcNow:yyyy-MM-dd}");
        yield return ("Processor", $"{Processor()}, {Environment.ProcessorCount} logical");
        yield return ("Memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30):F0} GiB");
        yield return ("System", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}");
        yield return (".NET", RuntimeInformation.FrameworkDescription);
        yield return ("ONNX Runtime", onnxRuntime);
    }

    private static string Processor()
    {
        const string cpuInfo = "/proc/cpuinfo";
        var line = File.Exists(cpuInfo) ? File.ReadLines(cpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? "unknown" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
