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

    [Fact]
    public void Load_MaskThatMarksPaddingOfABag_IsFound() => Assert.Contains("marks the padding", RoleIn(Inspect(MaskedMean([], "steps", "x")), "mask"), StringComparison.Ordinal);

    [Fact]
    public void Load_MaskThatMarksPaddingBehindABidirectionalNode_IsFoundSinceTheOtherWayAnswersNothing() =>
        Assert.Contains("marks the padding", RoleIn(Inspect(MaskedMean(Bidirectional, "steps", "both")), "mask"), StringComparison.Ordinal);

    [Fact]
    public void Load_MaskThatOnlyShiftsBehindABidirectionalNode_IsAskedFor()
    {
        Node[] nodes =
        [
            .. Bidirectional, new("Unsqueeze", ["steps", "two"], ["wide"]), new("Mul", ["both", "wide"], ["shift"]), new("Add", ["both", "shift"], ["shifted"]), new("ReduceSum", ["shifted", "one"], ["y"]) { Attributes = [("keepdims", 0)] },
        ];
        var graph = Of(nodes, MaskedInputs, [new("y", "FP32", -1, 8)], [.. Gru, Integers("one", 1), Integers("two", 2)]);
        Assert.Contains("mask_marks", Assert.Single(Inspect(graph).Faults).Detail, StringComparison.Ordinal);
        Assert.Empty(Inspect(graph, """{"mask_marks": "padding"}""").Faults);
    }

    [Fact]
    public void Load_FeaturesBesideTheSequence_AreNoMask()
    {
        Node[] nodes = [new("ReduceMean", ["x"], ["mean"]) { Attributes = [("keepdims", 1)] }, new("Squeeze", ["mean", "two"], ["flat"]), new("ReduceMean", ["flat"], ["all"]), new("Add", ["beside", "all"], ["y"])];
        var faults = Inspect(Of(nodes, [.. Features, new("beside", "FP32", -1, 5)], [new("y", "FP32", -1, 5)], Integers("two", 2))).Faults;
        Assert.Contains("\"beside\"", Assert.Single(faults).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NodeThatBeginsWhereAnotherEnded_HasTheSequenceStill()
    {
        Node[] nodes =
        [
            new("Transpose", ["x"], ["steps_first"]) { Lists = [("perm", [1, 0, 2])] },
            new("GRU", ["steps_first", "W", "R"], ["", "between"]) { Attributes = [("hidden_size", 4)], Texts = [("direction", "bidirectional")] },
            new("GRU", ["steps_first", "W", "R", "", "", "between"], ["", "last"]) { Attributes = [("hidden_size", 4)], Texts = [("direction", "bidirectional")] },
            new("ReduceSum", ["last", "zero"], ["state"]) { Attributes = [("keepdims", 0)] }, new("MatMul", ["state", "scores"], ["y"]),
        ];
        var inspected = Inspect(Of(nodes, Features, [new("y", "FP32", -1, 3)], [.. Gru, Integers("zero", 0), Weight.Random("scores", 4, 3)]));
        Assert.Contains("features [batch, time, 3 features]", RoleIn(inspected, "sequence"), StringComparison.Ordinal);
        Assert.NotNull(inspected.Model!.Classifier);
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(9)]
    public async Task Load_ConvolutionOverChannelsFirst_RunsAlongTheLastAxis(int time)
    {
        Node[] nodes = [new("Conv", ["x", "kernel"], ["y3"]), new("ReduceMean", ["y3"], ["y"]) { Lists = [("axes", [2])], Attributes = [("keepdims", 0)] }];
        var kernel = new Weight("kernel", [2, 3, 1]) { Floats = [1, 0, 0, 0, 0, 1] };
        var inspected = Inspect(Of(nodes, [new("x", "FP32", -1, 3, time)], [new("y", "FP32", -1, 2)], kernel));
        Assert.Equal("features [batch, 3 features, time]", RoleIn(inspected, "sequence"));
        var model = inspected.Model!.Classifier!;
        using var request = model.NewRequest();
        Engine.Add((RnnService.Core.Batching.Sequences<float>)request.Sequences, Enumerable.Range(0, 9).SelectMany(t => new float[] { t, -1, 2 }));
        var probability = (await Engine.RunAsync(model, request))[0];
        Assert.Equal(1 / (1 + Math.Exp(-2)), probability[0], 1e-6);   // means 4 and 2
    }

    [Fact]
    public void Load_FillOfATypeThatIsNotFed_IsRefusedByItsName()
    {
        Node[] nodes = [new("ReduceMean", ["x"], ["y"]) { Lists = [("axes", [1])], Attributes = [("keepdims", 0)] }, new("Identity", ["beside"], ["same"])];
        var graph = Of(nodes, [.. Features, new("beside", "BF16", -1)], [new("y", "FP32", -1, 3), new("same", "BF16", -1)]);
        Assert.Contains(Inspect(graph, """{"fill": {"beside": 1}}""").Faults, f => f.Detail.Contains("bfloat16", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_NegativeFillOfAByte_IsFedAsItIs()
    {
        Node[] nodes = [new("ReduceMean", ["x"], ["mean"]) { Lists = [("axes", [1])], Attributes = [("keepdims", 0)] }, new("Cast", ["beside"], ["number"]) { Attributes = [("to", 1)] }, new("Mul", ["mean", "number"], ["y"])];
        var model = Inspect(Of(nodes, [.. Features, new("beside", "INT8", 1)], [new("y", "FP32", -1, 3)]), """{"fill": {"beside": -1}}""").Model!.Classifier!;
        using var request = model.NewRequest();
        Engine.Add((RnnService.Core.Batching.Sequences<float>)request.Sequences, [1, 2, 3]);
        var probabilities = (await Engine.RunAsync(model, request))[0];
        Assert.True(probabilities[0] > probabilities[1] && probabilities[1] > probabilities[2]);
    }

    [Fact]
    public void Load_LogitsAndTheirSoftmax_AreOneHead()
    {
        Node[] nodes = [new("ReduceMean", ["x"], ["mean"]) { Lists = [("axes", [1])], Attributes = [("keepdims", 0)] }, new("Identity", ["mean"], ["logits"]), new("Softmax", ["logits"], ["probabilities"])];
        var inspected = Inspect(Of(nodes, Features, [new("logits", "FP32", -1, 3), new("probabilities", "FP32", -1, 3)]));
        Assert.Equal("logits", Assert.Single(inspected.Model!.Classifier!.Heads).Output);
        Assert.Contains("the same head", Assert.Single(inspected.Model.Graph.Ignored).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FeaturesBesideTheLogits_AreNoHead()
    {
        Node[] nodes =
        [
            new("ReduceMean", ["x"], ["features"]) { Lists = [("axes", [1])], Attributes = [("keepdims", 0)] }, new("MatMul", ["features", "W"], ["product"]), new("Add", ["product", "b"], ["logits"]),
            new("Softmax", ["logits"], ["shares"]), new("Concat", ["features", "shares"], ["both"]) { Attributes = [("axis", 1)] }, new("MatMul", ["both", "V"], ["fine"]),
        ];
        Value[] outputs = [new("features", "FP32", -1, 3), new("logits", "FP32", -1, 2), new("fine", "FP32", -1, 4)];
        var inspected = Inspect(Of(nodes, Features, outputs, Weight.Random("W", 3, 2), Weight.Random("b", 2), Weight.Random("V", 5, 4)));
        Assert.Equal(["logits", "fine"], inspected.Model!.Classifier!.Heads.Select(h => h.Output));
        Assert.Equal("features", Assert.Single(inspected.Model.Graph.Ignored).Output);
    }

    [Fact]
    public async Task RunAsync_Positions_AreFedFromZeroInEveryRow()
    {
        // a row sums id x position over its steps, so that positions fed otherwise would show
        Node[] nodes =
        [
            new("Mul", ["ids", "position_ids"], ["both"]), new("Cast", ["both"], ["numbers"]) { Attributes = [("to", 1)] }, new("ReduceSum", ["numbers", "one"], ["sum"]) { Attributes = [("keepdims", 1)] },
            new("Neg", ["sum"], ["less"]), new("Concat", ["sum", "less"], ["y"]) { Attributes = [("axis", 1)] },
        ];
        var inspected = Inspect(Of(nodes, [new("ids", "INT64", -1, -2), new("position_ids", "INT64", -1, -2)], [new("y", "FP32", -1, 2)], Integers("one", 1)));
        Assert.Contains("along time", RoleIn(inspected, "positions"), StringComparison.Ordinal);
        var classifier = inspected.Model!.Classifier!;
        using var request = classifier.NewRequest();
        Engine.Add((Core.Batching.Sequences<int>)request.Sequences, [5, 1, 2]);
        Engine.Add((Core.Batching.Sequences<int>)request.Sequences, [7, 3]);
        Assert.Equal(RunOutcome.Done, await classifier.RunAsync(request, TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.Equal([5f, -5f], request.Numbers(0).ToArray());
        Assert.Equal([3f, -3f], request.Numbers(1).ToArray());
    }

    [Fact]
    public void Load_LengthsAsFloat_AreKnownByTheirName()
    {
        Node[] nodes = [new("ReduceSum", ["x", "one"], ["sum"]) { Attributes = [("keepdims", 0)] }, new("Unsqueeze", ["lengths", "one"], ["count"]), new("Div", ["sum", "count"], ["y"])];
        var inspected = Inspect(Of(nodes, [.. Features, new("lengths", "FP32", -1)], [new("y", "FP32", -1, 3)], Integers("one", 1)));
        Assert.Equal("time steps of each sequence", RoleIn(inspected, "lengths"));
        Assert.Equal("ragged", inspected.Model!.Classifier!.Mode.Name);
    }

    [Fact]
    public void Load_NumberOfEachSequence_IsTakenForItsLengthOnlyWhereItHidesPadding()
    {
        Node[] nodes = [new("ReduceMean", ["x"], ["mean"]) { Lists = [("axes", [1])], Attributes = [("keepdims", 0)] }, new("Cast", ["age"], ["years"]) { Attributes = [("to", 1)] }, new("Unsqueeze", ["years", "one"], ["column"]), new("Add", ["mean", "column"], ["y"])];
        var graph = Of(nodes, [.. Features, new("age", "INT64", -1)], [new("y", "FP32", -1, 3)], Integers("one", 1));
        Assert.Contains("\"age\"", Assert.Single(Inspect(graph).Faults).Detail, StringComparison.Ordinal);
        Assert.Empty(Inspect(graph, """{"fill": {"age": 30}}""").Faults);
    }

    private static readonly Value[] MaskedInputs = [.. Features, new("steps", "FP32", -1, -2)];

    private static readonly Weight[] Gru = [Weight.Random("W", 2, 12, 3), Weight.Random("R", 2, 12, 4), Integers("rows", 0, 0, -1)];

    private static readonly Node[] Bidirectional =
    [
        new("Transpose", ["x"], ["steps_first"]) { Lists = [("perm", [1, 0, 2])] },
        new("GRU", ["steps_first", "W", "R"], ["states"]) { Attributes = [("hidden_size", 4)], Texts = [("direction", "bidirectional")] },
        new("Transpose", ["states"], ["rows_first"]) { Lists = [("perm", [2, 0, 1, 3])] },
        new("Reshape", ["rows_first", "rows"], ["both"]),
    ];

    /// <summary>The mean of the steps whose mask is 0.</summary>
    private static byte[] MaskedMean(Node[] before, string mask, string values) => Of(
        [
            .. before,
            new("Sub", ["unit", mask], ["kept"]), new("Unsqueeze", ["kept", "two"], ["wide"]), new("Mul", [values, "wide"], ["hidden"]),
            new("ReduceSum", ["hidden", "one"], ["sum"]) { Attributes = [("keepdims", 0)] }, new("ReduceSum", ["kept", "one"], ["count"]), new("Max", ["count", "unit"], ["some"]), new("Div", ["sum", "some"], ["y"]),
        ],
        MaskedInputs, [new("y", "FP32", -1, before.Length > 0 ? 8 : 3)], [.. Gru, Integers("one", 1), Integers("two", 2), new Weight("unit", [1]) { Floats = [1] }]);

    private static string RoleIn(InspectedModel inspected, string role)
    {
        Assert.Empty(inspected.Faults);
        return Assert.Single(inspected.Model!.Graph.Inputs, i => i.Role == role).Detail;
    }

    [Theory]
    [InlineData("Softmax")]
    [InlineData("LogSoftmax")]
    public void Load_SoftmaxOfOneNumber_IsRefusedSinceItIsAlwaysTheSame(string operation)
    {
        Node[] nodes = [new("ReduceMean", ["x"], ["mean"]) { Lists = [("axes", [1])], Attributes = [("keepdims", 0)] }, new("MatMul", ["mean", "scores"], ["score"]), new(operation, ["score"], ["y"]) { Attributes = [("axis", 1)] }];
        var faults = Inspect(Of(nodes, Features, [new("y", "FP32", -1, 1)], Weight.Random("scores", 3, 1))).Faults;
        Assert.Contains("softmax of one number", Assert.Single(faults).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_SigmoidsThatAreAllZero_HaveEqualShares()
    {
        Node[] nodes = [new("ReduceMean", ["x"], ["mean"]) { Lists = [("axes", [1])], Attributes = [("keepdims", 0)] }, new("Add", ["mean", "far"], ["score"]), new("Sigmoid", ["score"], ["y"])];
        var model = Inspect(Of(nodes, Features, [new("y", "FP32", -1, 3)], new Weight("far", [1]) { Floats = [-500] })).Model!.Classifier!;
        using var request = model.NewRequest();
        Engine.Add((RnnService.Core.Batching.Sequences<float>)request.Sequences, [1, 2, 3]);
        Engine.AssertClose([1 / 3.0, 1 / 3.0, 1 / 3.0], (await Engine.RunAsync(model, request))[0], 1e-6);
    }

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
