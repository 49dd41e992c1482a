using System.Text.RegularExpressions;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core;

namespace RnnService.Inference.Onnx;

/// <summary>Opens a graph, and says what to do where ONNX Runtime only says what went wrong.</summary>
internal static partial class GraphLoad
{
    /// <returns>Null when a fault was added.</returns>
    public static (OnnxGraph Graph, InferenceSession Session)? Open(string path, List<Fault> faults, out Exception? cause)
    {
        cause = null;
        OnnxGraph? graph = null;
        try
        {
            graph = OnnxGraph.Read(path);
            var missing = graph.ExternalFiles.Where(f => !File.Exists(Path.Combine(Path.GetDirectoryName(path)!, f))).ToArray();
            if (missing.Length > 0)
            {
                faults.Add(new Fault("", $"{Name(path)} cannot be loaded: its weights are in {string.Join(", ", missing.Select(f => $"\"{f}\""))}, which was not found beside it. Copy the file from where the export wrote it, or export in one file."));
                return null;
            }
            // One thread a run: workers run batches side by side, and ONNX Runtime's own pool would spin for work. What fails is told once, by this server.
            using var settings = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            return (graph, new InferenceSession(path, settings));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException or OnnxRuntimeException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            cause = e;
            var (fault, remedy) = Explain(e.Message, graph);
            faults.Add(new Fault("", $"{Name(path)} cannot be loaded: {fault} {remedy}"));
            return null;
        }
    }

    private static string Name(string path) => Path.GetFileName(path);

    private static (string Fault, string Remedy) Explain(string message, OnnxGraph? graph)
    {
        if (graph is null)
            return ($"it is no complete ONNX file ({Sentence(message)}).", "Copy it again if the copy broke off, or export it again.");
        if (message.Contains("layout == 1", StringComparison.Ordinal))
            return ("a recurrent node has layout 1, [batch, time, features], which ONNX Runtime's CPU provider does not support.", "Transpose to [time, batch, features] around the node and export with layout 0, as PyTorch and tf2onnx do.");
        if (UnknownOperator().Match(message) is { Success: true } unknown)
            return ($"it uses the operator {unknown.Groups["name"].Value}, which is not a registered operator of ONNX Runtime.", "Export it with standard operators, or with another opset_version.");
        if (message.Contains("is under development", StringComparison.Ordinal))
            return ($"it says opset {graph.Opset}, which ONNX Runtime does not know yet.", "Export it with an older opset_version, such as 17.");
        return ($"{Sentence(message)}.", "Export it again, or copy it again if the copy broke off.");
    }

    /// <summary>The message without codes and places in somebody else's source.</summary>
    private static string Sentence(string message) => Noise().Replace(message, "").Trim().TrimEnd('.');

    [GeneratedRegex(@"(?<name>\S+?)\(-?\d+\) is not a registered function/op")]
    private static partial Regex UnknownOperator();

    [GeneratedRegex(@"\[ErrorCode:\w+\]\s*|Load model from \S+ failed:\s*|Exception during initialization:\s*|\S+\.(cc|h|cpp):\d+\s+(\S+\(.*?\)\s*(\[.*?\])?)?\s*")]
    private static partial Regex Noise();
}
