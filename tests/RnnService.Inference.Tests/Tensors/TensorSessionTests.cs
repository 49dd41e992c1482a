using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core.Tensors;
using RnnService.Inference.Batching;
using RnnService.Inference.Tensors;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Tensors;

public sealed class TensorSessionTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    public static TheoryData<Datatype> AllTypes => [.. Enum.GetValues<Datatype>()];

    [Theory]
    [MemberData(nameof(AllTypes))]
    public async Task EveryDatatypeComesBackByteForByte(Datatype type)
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", type.Name(), -1, 3)], [new("y", type.Name(), -1, 3)]));
        var sent = new Tensor("x", type, [2, 3], Sample(type, 6));

        using var answer = await graph.RunAsync([sent]);

        var got = AssertDone(answer);
        Assert.Equal("y", got.Name);
        Assert.Equal(type, got.Type);
        Assert.Equal([2, 3], got.Shape);
        Assert.Equal(sent.Data.ToArray(), got.Data.ToArray());
        Assert.Equal(2, answer.BatchSize);
    }

    [Theory]
    [MemberData(nameof(AllTypes))]
    public async Task ATensorWithoutElementsComesBackWithItsShape(Datatype type)
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", type.Name(), -1, 3)], [new("y", type.Name(), -1, 3)]));

        using var answer = await graph.RunAsync([new Tensor("x", type, [0, 3], default)]);

        var got = AssertDone(answer);
        Assert.Equal([0, 3], got.Shape);
        Assert.Equal(0, got.Data.Length);
    }

    [Theory]
    [MemberData(nameof(AllTypes))]
    public async Task AScalarComesBackAsAScalar(Datatype type)
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", type.Name(), [])], [new("y", type.Name(), [])]));
        var sent = new Tensor("x", type, [], Sample(type, 1));

        using var answer = await graph.RunAsync([sent]);

        var got = AssertDone(answer);
        Assert.Empty(got.Shape);
        Assert.Equal(sent.Data.ToArray(), got.Data.ToArray());
    }

    [Fact]
    public async Task AShapeThatTheGraphDoesNotTellMayBeAny()
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", "FP32", null)], [new("y", "FP32", null)]));

        using var answer = await graph.RunAsync([new Tensor("x", Datatype.Fp32, [1, 2, 3], new byte[24])]);

        Assert.Equal([1, 2, 3], AssertDone(answer).Shape);
    }

    [Fact]
    public async Task StringsMayHoldAnyBytes()
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", "BYTES", -1)], [new("y", "BYTES", -1)]));
        byte[] data = [3, 0, 0, 0, 0xFF, 0, 0xFE, 0, 0, 0, 0, 1, 0, 0, 0, 0];

        using var answer = await graph.RunAsync([new Tensor("x", Datatype.Bytes, [3], data)]);

        Assert.Equal(data, AssertDone(answer).Data.ToArray());
    }

    [Fact]
    public async Task OnlyTheOutputsThatAreAskedForComeBackInThatOrder()
    {
        using var graph = new Graph(OnnxGraphs.Of(
            [new("Identity", ["x"], ["a"]), new("Neg", ["x"], ["b"]), new("Abs", ["x"], ["c"])],
            [new("x", "FP32", -1)], [new("a", "FP32", -1), new("b", "FP32", -1), new("c", "FP32", -1)]));
        var input = new Tensor("x", Datatype.Fp32, [1], Bytes(-2f));

        using var answer = await graph.Session.RunAsync([input], ["c", "b"], Long, TestContext.Current.CancellationToken);

        Assert.Equal(["c", "b"], answer.Outputs.Select(o => o.Name));
        Assert.All(answer.Outputs, o => Assert.Equal(Bytes(2f), o.Data.ToArray()));
    }

    public static TheoryData<string, Tensor[], string[], string> Misfits => new()
    {
        { "unknown input", [X([2]), new Tensor("z", Datatype.Fp32, [2], new byte[8])], [], "inputs[1]: the graph has no input \"z\"; it takes \"x\" FP32 [-1]" },
        { "input missing", [X([2])], [], "\"y\" is missing" },
        { "input twice", [X([2]), X([2])], [], "\"x\" is given twice" },
        { "datatype", [new Tensor("x", Datatype.Int32, [2], new byte[8]), Y()], [], "datatype is INT32 and the graph takes FP32" },
        { "rank", [X([2, 1]), Y()], [], "the shape is [2, 1] with 2 dimension(s) and the graph takes [-1] with 1" },
        { "fixed dimension", [X([2]), new Tensor("y", Datatype.Fp32, [2], new byte[8])], [], "dimension 0 must be 1" },
        { "negative", [X([-1]), Y()], [], "negative" },
        { "too few bytes", [X([3], 8), Y()], [], "takes 12 bytes, and there are 8" },
        { "too many bytes", [X([1], 8), Y()], [], "takes 4 bytes, and there are 8" },
        { "uncountable", [new Tensor("x", Datatype.Fp32, [long.MaxValue], default), Y()], [], "bytes, and there are 0" },
        { "unknown output", [X([2]), Y()], ["s", "q"], "outputs[1]: the graph has no output \"q\"; it answers \"s\" FP32 [-1]" },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public async Task WhatDoesNotFitTheGraphIsRefusedWithBothSides(string what, Tensor[] inputs, string[] outputs, string part)
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Add", [new("x", "FP32", -1), new("y", "FP32", 1)], [new("s", "FP32", -1)]));

        using var answer = await graph.Session.RunAsync(inputs, outputs, Long, TestContext.Current.CancellationToken);

        Assert.True(answer.Outcome == RunOutcome.Rejected, what);
        Assert.Contains(part, answer.Detail, StringComparison.Ordinal);
        Assert.Equal(0, graph.Statistics.Snapshot().ExecutionCount);
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0 }, "runs over the end")]
    [InlineData(new byte[] { 2, 0, 0, 0, 65 }, "runs over the end")]
    [InlineData(new byte[] { 255, 255, 255, 255, 65 }, "runs over the end")]
    [InlineData(new byte[] { 1, 0, 0, 0, 65, 0, 0, 0, 0 }, "has 1 element(s), and there are 2")]
    [InlineData(new byte[0], "has 1 element(s), and there are 0")]
    public async Task StringsWhoseLengthsDoNotAddUpAreRefused(byte[] data, string part)
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", "BYTES", -1)], [new("y", "BYTES", -1)]));

        using var answer = await graph.RunAsync([new Tensor("x", Datatype.Bytes, [1], data)]);

        Assert.Equal(RunOutcome.Rejected, answer.Outcome);
        Assert.Contains(part, answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABooleanIsZeroOrOne()
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", "BOOL", -1)], [new("y", "BOOL", -1)]));

        using var answer = await graph.RunAsync([new Tensor("x", Datatype.Bool, [3], new byte[] { 0, 1, 2 })]);

        Assert.Equal(RunOutcome.Rejected, answer.Outcome);
        Assert.Contains("element 2 of BOOL is the byte 2", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AGraphThatFailsSaysSoWithoutPathsOrCodes()
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Add", [new("x", "FP32", -1), new("y", "FP32", -2)], [new("s", "FP32", -3)]));

        using var answer = await graph.RunAsync([X([2]), new Tensor("y", Datatype.Fp32, [3], new byte[12])]);

        Assert.Equal(RunOutcome.Failed, answer.Outcome);
        Assert.Contains("Add", answer.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("ErrorCode", answer.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(".cc:", answer.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(".h:", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunThatTakesTooLongIsNotAwaitedAndIsStopped()
    {
        using var graph = new Graph(Slow(nodes: 400), workers: 1);

        using var answer = await graph.Session.RunAsync([Size(1500)], [], TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);

        Assert.Equal(RunOutcome.TimedOut, answer.Outcome);
        // the only worker comes free long before 400 products of such matrices could be made
        using var next = await graph.Session.RunAsync([Size(1)], [], Long, TestContext.Current.CancellationToken);
        Assert.Equal(RunOutcome.Done, next.Outcome);
    }

    [Fact]
    public async Task ACallerWhoGoesAwayStopsTheRun()
    {
        using var graph = new Graph(Slow(nodes: 400), workers: 1);
        using var gone = new CancellationTokenSource();

        var run = Task.Run(async () => await graph.Session.RunAsync([Size(1500)], [], Long, gone.Token), TestContext.Current.CancellationToken);
        await gone.CancelAsync();
        using var answer = await run;

        Assert.Equal(RunOutcome.Abandoned, answer.Outcome);
    }

    [Fact]
    public async Task AFullQueueRefusesAndClosingEndsWhatWaits()
    {
        var graph = new Graph(Slow(nodes: 4000), workers: 1, queue: 1);
        Assert.Equal(TimeSpan.Zero, graph.Session.ExpectedWait);
        var runs = Enumerable.Range(0, 3).Select(_ => Task.Run(async () => await graph.Session.RunAsync([Size(1500)], [], Long, CancellationToken.None))).ToArray();

        var refused = await await Task.WhenAny(runs);
        Assert.Equal(RunOutcome.QueueFull, refused.Outcome);
        Assert.True(graph.Session.ExpectedWait > TimeSpan.Zero, "One waits, so the next would wait too.");

        graph.Dispose();
        var outcomes = (await Task.WhenAll(runs)).Select(a => a.Outcome).Order();
        Assert.Equal([RunOutcome.QueueFull, RunOutcome.Unavailable, RunOutcome.Unavailable], outcomes);
        Assert.Equal(RunOutcome.Unavailable, (await graph.Session.RunAsync([Size(1)], [], Long, CancellationToken.None)).Outcome);
    }

    [Fact]
    public async Task RunsAreCountedByBatchSize()
    {
        using var graph = new Graph(OnnxGraphs.OfNode("Identity", [new("x", "FP32", -1)], [new("y", "FP32", -1)]));

        foreach (int rows in new[] { 4, 2, 4 })
            (await graph.RunAsync([X([rows])])).Dispose();

        var figures = graph.Statistics.Snapshot();
        Assert.Equal(3, figures.ExecutionCount);
        Assert.Equal([(2, 1L), (4, 2L)], figures.Batches.Select(b => (b.BatchSize, b.Infer.Count)));
        Assert.True(figures.LastInference > 0);
    }

    /// <summary>Products of n x n matrices, one after the other, n being both elements of the input.</summary>
    private static byte[] Slow(int nodes) => OnnxGraphs.Of(
        [
            new("ConstantOfShape", ["n"], ["m0"]),
            .. Enumerable.Range(0, nodes).Select(i => new OnnxGraphs.Node("MatMul", [$"m{i}", "m0"], [$"m{i + 1}"])),
            new("ReduceMax", [$"m{nodes}"], ["y"]),
        ],
        [new("n", "INT64", 2)], [new("y", "FP32", null)]);

    private static Tensor Size(long n) => new("n", Datatype.Int64, [2], MemoryMarshal.AsBytes([n, n]).ToArray());

    private static Tensor X(long[] shape, int? bytes = null) => new("x", Datatype.Fp32, shape, new byte[bytes ?? (4 * Math.Abs(shape.Aggregate(1L, (a, b) => a * b)))]);

    private static Tensor Y() => new("y", Datatype.Fp32, [1], new byte[4]);

    private static byte[] Bytes(float value) => MemoryMarshal.AsBytes([value]).ToArray();

    private static byte[] Sample(Datatype type, int count)
    {
        var random = new Random(1);
        if (type == Datatype.Bytes)
            return [.. Enumerable.Range(0, count).SelectMany(i => (byte[])[(byte)i, 0, 0, 0, .. Enumerable.Repeat((byte)(65 + i), i)])];
        var bytes = new byte[count * type.Size()];
        random.NextBytes(bytes);
        if (type == Datatype.Bool)
            bytes = [.. bytes.Select(b => (byte)(b & 1))];
        return bytes;
    }

    private static Tensor AssertDone(TensorAnswer answer)
    {
        Assert.True(answer.Outcome == RunOutcome.Done, $"{answer.Outcome}: {answer.Detail}");
        return Assert.Single(answer.Outputs);
    }

    private sealed class Graph : IDisposable
    {
        private readonly InferenceSession _session;

        public Graph(byte[] model, int workers = 2, int queue = 8)
        {
            using var options = new SessionOptions { IntraOpNumThreads = 1 };
            _session = new InferenceSession(model, options);
            Session = new TensorSession(_session, Statistics, new BatchingSettings { Workers = workers, QueueSequences = queue });
        }

        public ModelStatistics Statistics { get; } = new(0);

        public TensorSession Session { get; }

        public ValueTask<TensorAnswer> RunAsync(Tensor[] inputs) => Session.RunAsync(inputs, [], Long, TestContext.Current.CancellationToken);

        public void Dispose()
        {
            Session.Dispose();
            _session.Dispose();
        }
    }
}
