using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core.Tensors;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;
using RnnService.Inference.Tensors;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Onnx;

/// <summary>Raw tensors through a model, which runs them with everybody's sequences where that changes nothing: the answer is always the graph's own for those tensors.</summary>
public sealed class SharedTensorsTests(SharedTensorsTests.Exports exports) : IClassFixture<SharedTensorsTests.Exports>
{
    private const double Tolerance = 1e-5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>A model, rows and time steps of the request, and whether its sequences join those of others.</summary>
    public static TheoryData<string, int, int> Requests
    {
        get
        {
            var data = new TheoryData<string, int, int>();
            foreach (var name in Exports.Names)
            {
                foreach (var (rows, time) in new[] { (1, 1), (1, 5), (2, 2), (3, 7), (8, 12), (2, 20) })
                    data.Add(name, rows, time);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task TensorsAreAnsweredAsTheGraphAnswersThem(string name, int rows, int time)
    {
        foreach (bool full in new[] { true, false })
        {
            var inputs = Inputs(name, rows, time, full, new Random(rows * 31 + time));
            await AssertAsDirectAsync(name, inputs, []);
        }
    }

    [Fact]
    public async Task ARequestThatJoinsOthersIsCountedByTheBatcher()
    {
        var model = exports.Model("good_lstm");
        long before = model.Classifier!.Counters.Answered;

        await AssertAsDirectAsync("good_lstm", Inputs("good_lstm", 3, 7, full: false, new Random(3)), ["fine"]);

        Assert.Equal(3, model.Classifier.Counters.Answered - before);
    }

    [Theory]
    [InlineData("lstm_packed_with_states", 3)]   // all outputs, states among them
    [InlineData("lstm_states_opset_7", 2)]       // states that are not zero
    [InlineData("rnn_relu_three_layers_bool_mask", 2)]   // a mask with a gap
    public async Task WhatOthersCannotShareRunsAsItIs(string name, int rows)
    {
        var model = exports.Model(name);
        var inputs = Inputs(name, rows, 6, full: true, new Random(9));
        if (name == "lstm_states_opset_7")
            inputs[1] = Floats("h0", [2, rows, 5], i => 0.1f * i);
        if (name == "rnn_relu_three_layers_bool_mask")
            inputs[1] = new Tensor("mask", Datatype.Bool, [rows, 6], new byte[] { 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1 });
        long before = model.Classifier!.Counters.Admitted;

        await AssertAsDirectAsync(name, inputs, []);

        Assert.Equal(before, model.Classifier.Counters.Admitted);
    }

    [Fact]
    public async Task AStateThatIsNotZeroIsNotAnsweredAsZero()
    {
        var inputs = Inputs("lstm_states_opset_7", 1, 4, full: true, new Random(2));
        using var zero = await InferAsync("lstm_states_opset_7", inputs, ["logits"]);
        inputs[1] = Floats("h0", [2, 1, 5], _ => 0.7f);

        using var other = await InferAsync("lstm_states_opset_7", inputs, ["logits"]);

        Assert.Contains(Numbers(zero.Outputs[0]).Zip(Numbers(other.Outputs[0])), p => Math.Abs(p.First - p.Second) > 1e-3);
    }

    [Theory]
    [InlineData(-1000L)]
    [InlineData(1_000_000L)]
    [InlineData(long.MaxValue)]
    public async Task AnIdThatTheGraphCannotLookUpFailsAloneAndSaysWhy(long id)
    {
        var wrong = Inputs("good_lstm", 2, 3, full: true, new Random(4));
        wrong[0] = new Tensor(wrong[0].Name, Datatype.Int64, [2, 3], Bytes<long>([1, 2, 3, 4, id, 5]));
        var right = Inputs("good_lstm", 2, 3, full: true, new Random(5));

        var all = Enumerable.Range(0, 20).Select(i => Task.Run(async () =>
        {
            if (i % 2 == 0)
            {
                await AssertAsDirectAsync("good_lstm", right, []);
                return;
            }
            using var answer = await InferAsync("good_lstm", wrong, []);
            Assert.Equal(RunOutcome.Failed, answer.Outcome);
            Assert.Contains("The graph failed on these inputs", answer.Detail, StringComparison.Ordinal);
        }));
        await Task.WhenAll(all);
    }

    [Fact]
    public async Task ManyRequestsAtOnceAreAnsweredEachAsAlone()
    {
        var random = new Random(13);
        var requests = Enumerable.Range(0, 120).Select(_ => Exports.Names[random.Next(Exports.Names.Length)])
            .Select(name => (Name: name, Inputs: Inputs(name, random.Next(1, 6), random.Next(1, 15), random.Next(2) == 0, random))).ToArray();

        await Task.WhenAll(requests.Select(r => Task.Run(() => AssertAsDirectAsync(r.Name, r.Inputs, []))));
    }

    private async Task AssertAsDirectAsync(string name, Tensor[] inputs, string[] outputs)
    {
        using var answer = await InferAsync(name, inputs, outputs);
        using var direct = await exports.Direct(name).RunAsync(inputs, outputs, Patience, TestContext.Current.CancellationToken);
        Assert.True(direct.Outcome == RunOutcome.Done, direct.Detail);
        Assert.True(answer.Outcome == RunOutcome.Done, answer.Detail);
        Assert.Equal(direct.Outputs.Select(o => (o.Name, o.Type)), answer.Outputs.Select(o => (o.Name, o.Type)));
        Assert.Equal(exports.Rows(name, inputs), answer.BatchSize);
        for (int o = 0; o < direct.Outputs.Count; o++)
        {
            Assert.Equal(direct.Outputs[o].Shape, answer.Outputs[o].Shape);
            var (expected, actual) = (Numbers(direct.Outputs[o]), Numbers(answer.Outputs[o]));
            Assert.Equal(expected.Length, actual.Length);
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], direct.Outputs[o].Type == Datatype.Fp16 ? 1e-2 : Tolerance);
        }
    }

    private ValueTask<TensorAnswer> InferAsync(string name, Tensor[] inputs, string[] outputs) =>
        exports.Model(name).InferAsync(inputs, outputs, Patience, TestContext.Current.CancellationToken);

    /// <summary>Tensors for every input of a model, as its roles ask for them; lengths and masks of whole rows, or of some that end before.</summary>
    private Tensor[] Inputs(string name, int rows, int time, bool full, Random random)
    {
        var model = exports.Model(name);
        bool timeMajor = model.Classifier!.Mode.TimeMajor;
        int[] lengths = [.. Enumerable.Range(0, rows).Select(r => full || r == 0 ? time : random.Next(1, time + 1))];
        int vocabulary = model.Classifier.VocabularySize ?? 20;
        return [.. model.TensorInputs.Select(input =>
        {
            var role = model.Graph.Inputs.Single(r => r.Name == input.Name);
            long[] shape = [.. input.Shape];
            switch (role.Role)
            {
                case "sequence":
                    (shape[timeMajor ? 1 : 0], shape[timeMajor ? 0 : 1]) = (rows, time);
                    return Make(input.Name, input.Datatype!.Value, shape, _ => input.Datatype is Datatype.Int32 or Datatype.Int64 ? random.Next(1, vocabulary) : random.NextDouble() - 0.5);
                case "lengths":
                    return Make(input.Name, input.Datatype!.Value, [rows], i => lengths[i]);
                case "mask":
                    bool padding = role.Detail == "marks the padding";
                    return Make(input.Name, input.Datatype!.Value, [rows, time], i => i % time < lengths[i / time] != padding ? 1 : 0);
                default:
                    for (int d = 0; d < shape.Length; d++)
                        shape[d] = shape[d] >= 0 ? shape[d] : shape.Length == 2 && d == 1 ? time : rows;
                    return Make(input.Name, input.Datatype!.Value, shape, _ => 0);
            }
        })];
    }

    private static Tensor Make(string name, Datatype type, long[] shape, Func<int, double> value)
    {
        double[] values = [.. Enumerable.Range(0, (int)Tensor.CountOf(shape)).Select(value)];
        return new Tensor(name, type, shape, type switch
        {
            Datatype.Int64 => Bytes<long>([.. values.Select(v => (long)v)]),
            Datatype.Int32 => Bytes<int>([.. values.Select(v => (int)v)]),
            Datatype.Fp64 => Bytes<double>(values),
            Datatype.Fp16 => Bytes<Half>([.. values.Select(v => (Half)v)]),
            Datatype.Bool => values.Select(v => (byte)v).ToArray(),
            _ => Bytes<float>([.. values.Select(v => (float)v)]),
        });
    }

    private static Tensor Floats(string name, long[] shape, Func<int, float> value) => Make(name, Datatype.Fp32, shape, i => value(i));

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static double[] Numbers(Tensor tensor) => tensor.Type switch
    {
        Datatype.Fp16 => [.. MemoryMarshal.Cast<byte, Half>(tensor.Data.Span).ToArray().Select(h => (double)h)],
        Datatype.Fp64 => MemoryMarshal.Cast<byte, double>(tensor.Data.Span).ToArray(),
        _ => [.. MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray().Select(f => (double)f)],
    };

    /// <summary>Some exports as models, and the same graphs in sessions of their own.</summary>
    public sealed class Exports : IAsyncLifetime
    {
        public static readonly string[] Names =
        [
            "good_lstm", "lstm_last_state", "gru_two_layers_lengths_int32", "rnn_tanh_time_major_features", "rnn_relu_three_layers_bool_mask", "lstm_int_mask_and_token_types", "gru_float_mask",
            "lstm_attention_padding_mask", "lstm_binary_sigmoid", "lstm_states_opset_7", "gru_state_time_major", "lstm_packed_with_states", "gru_float16_features", "lstm_float64_features",
            "gru_ids_float32", "mean_of_embeddings_opset_7", "convolution", "keras_masked_embedding", "transformer_time_major", "rnn_reverse_lengths", "dynamo_gru_function",
        ];

        private readonly string _root = Directory.CreateTempSubdirectory("rnn-tensors-").FullName;
        private readonly Dictionary<string, (InferenceSession Session, TensorSession Tensors)> _direct = [];
        private RunningRepository? _running;

        public LoadedModel Model(string name) => _running!.Only(name).Model ?? throw new InvalidOperationException(_running.Only(name).Reason);

        public int Rows(string name, IReadOnlyList<Tensor> inputs) =>
            (int)inputs.First(t => Model(name).Graph.Inputs.Any(r => r.Name == t.Name && r.Role == "sequence")).Shape[Model(name).Classifier!.Mode.TimeMajor ? 1 : 0];

        internal TensorSession Direct(string name) => _direct[name].Tensors;

        public async ValueTask InitializeAsync()
        {
            foreach (var name in Names)
            {
                var bare = RepositoryRoot.Combine("tests", "golden", "bare", name, "model.onnx");
                var graph = File.Exists(bare) ? bare : RepositoryRoot.Combine("tests", "golden", "exports", $"{name}.onnx");
                File.Copy(graph, Path.Combine(Directory.CreateDirectory(Path.Combine(_root, name, "1")).FullName, "model.onnx"));
                using var options = new SessionOptions { IntraOpNumThreads = 1 };
                var session = new InferenceSession(graph, options);
                _direct[name] = (session, new TensorSession(session, new ModelStatistics(0), new BatchingSettings { Workers = 2, QueueSequences = 1024 }));
            }
            _running = await RunningRepository.StartAsync(_root);
        }

        public async ValueTask DisposeAsync()
        {
            await _running!.DisposeAsync();
            foreach (var (session, tensors) in _direct.Values)
            {
                tensors.Dispose();
                session.Dispose();
            }
            Directory.Delete(_root, recursive: true);
        }
    }
}
