using RnnService.Inference.Batching;
using RnnService.Inference.Models;
using static RnnService.TestData.OnnxGraphs;

namespace RnnService.Inference.Tests.Onnx;

/// <summary>Graphs that no exporter of ours writes: whatever they hold, they are loaded or refused, and what is served is what they mean.</summary>
public sealed class OddGraphTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rnn-odd-").FullName;
    private readonly List<InspectedModel> _inspected = [];

    private static readonly Value[] Features = [new("x", "FP32", -1, -2, 3)];

    [Fact]
    public void Load_AxisThatTheValueLacks_IsRefusedByOnnxRuntime() => AssertRefused(
        Of([new("Split", ["x"], ["y", "z"]) { Attributes = [("axis", 7)] }], Features, [new("y", "FP32", -1, -2, 3)]));

    [Fact]
    public void Load_SliceAlongAnAxisThatTheValueLacks_IsRefusedByOnnxRuntime() => AssertRefused(
        Of([new("Slice", ["x", "one", "two", "axis"], ["y"])], Features, [new("y", "FP32", -1, -2, 3)], Integers("one", 1), Integers("two", 2), Integers("axis", 9)));

    [Fact]
    public void Load_FunctionThatCallsItself_IsRefused() => AssertRefused(
        Of([new("Again", [Local("Again", "in", "between"), Local("Again", "between", "out")])], [Local("Again", "x", "y")], Features, [new("y", "FP32", -1, -2, 3)]));

    private static Node Local(string function, string input, string output) => new(function, [input], [output]) { Domain = "local" };

    private static Weight Integers(string name, params long[] values) => new(name, [values.Length]) { Integers = values };

    private void AssertRefused(byte[] graph)
    {
        var inspected = Inspect(graph);
        Assert.Null(inspected.Model);
        Assert.NotEmpty(inspected.Faults);
    }

    private InspectedModel Inspect(byte[] graph, string? manifest = null)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, $"model{_inspected.Count}", "1")).FullName;
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), graph);
        if (manifest is not null)
            File.WriteAllText(Path.Combine(folder, "model.json"), manifest);
        _inspected.Add(Inspection.Load(folder, new BatchingOptions()).Single());
        return _inspected[^1];
    }

    public void Dispose()
    {
        foreach (var inspected in _inspected)
            inspected.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
