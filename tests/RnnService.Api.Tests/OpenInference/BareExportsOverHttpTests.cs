using System.Globalization;
using System.Text.Json;

namespace RnnService.Api.Tests.OpenInference;

/// <summary>
/// Exports as people bring them, over HTTP: <c>/predict</c> answers PyTorch's probabilities under labels <c>head:index</c>, and <c>/v2</c> answers
/// the graph's own numbers for the tensors that the model's documents ask for.
/// </summary>
public sealed class BareExportsOverHttpTests(BareServer server) : IClassFixture<BareServer>
{
    public static TheoryData<string> Names => [.. BareServer.Golden.Keys.Order(StringComparer.Ordinal)];

    /// <summary>All but those that take one row only.</summary>
    public static TheoryData<string> NamesWithBatches =>
        [.. BareServer.Golden.Keys.Where(n => n is not ("gru_nothing_named" or "gru_unbatched" or "lstm_frozen_batch_one")).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task PredictAnswersGoldenProbabilitiesUnderHeadAndIndex(string name)
    {
        var golden = BareServer.Golden[name];
        foreach (var sequences in golden.Sequences.Select(s => new[] { s }).Append(golden.Sequences))
        {
            var reply = await server.Client.PostAsync($"/models/{name}/predict", $$"""{"inputs":[{{string.Join(',', sequences.Select(s => s.Item))}}],"top_k":100}""");

            Assert.Equal(sequences.Length, reply.Predictions.Length);
            for (int i = 0; i < sequences.Length; i++)
                AssertPrediction(golden, sequences[i], reply.Predictions[i]);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task InferOfEachSequenceAloneAnswersTheGraphsNumbers(string name)
    {
        var (request, heads) = await ReadAsync(name);
        foreach (var sequence in BareServer.Golden[name].Sequences)
        {
            int rows = Math.Max(1, request.FixedRows), time = request.FixedTime > 0 ? request.FixedTime : sequence.Length;
            var reply = await server.Client.InferAsync(name, request.Write([sequence], rows, time, heads.Keys));

            reply.AssertOk();
            AssertRaw(name, heads, reply.Json, Enumerable.Repeat(sequence, rows));
        }
    }

    [Theory]
    [MemberData(nameof(NamesWithBatches))]
    public async Task InferOfABatchAnswersEachRowAsAlone(string name)
    {
        var (request, heads) = await ReadAsync(name);
        Assert.NotEqual(1, request.FixedRows);
        // without lengths or a mask all rows of a batch are as long
        foreach (var batch in BareServer.Golden[name].Sequences.GroupBy(s => request.Ends ? 0 : s.Length).Select(g => g.ToArray()))
        {
            int rows = request.FixedRows > 0 ? request.FixedRows : batch.Length + 1, time = request.FixedTime > 0 ? request.FixedTime : batch.Max(s => s.Length);
            var reply = await server.Client.InferAsync(name, request.Write(batch, rows, time, heads.Keys));

            reply.AssertOk();
            AssertRaw(name, heads, reply.Json, Enumerable.Range(0, rows).Select(r => batch[r % batch.Length]));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task BinaryTensorsAnswerTheSameNumbers(string name)
    {
        var (request, heads) = await ReadAsync(name);
        var sequence = BareServer.Golden[name].Sequences[^1];
        int rows = Math.Max(1, request.FixedRows), time = request.FixedTime > 0 ? request.FixedTime : sequence.Length;
        var (json, data) = request.WriteBinary([sequence], rows, time, heads.Keys);

        var binary = await server.Client.SendAsync(HttpMethod.Post, $"/v2/models/{name}/infer", TensorRequests.Octets([.. System.Text.Encoding.UTF8.GetBytes(json), .. data]),
            "Inference-Header-Content-Length", System.Text.Encoding.UTF8.GetByteCount(json).ToString(CultureInfo.InvariantCulture));

        Assert.True(binary.Status == 200, binary.Text);
        int head = int.Parse(binary.Header("Inference-Header-Content-Length")!, CultureInfo.InvariantCulture);
        var answer = JsonSerializer.Deserialize<JsonElement>(binary.Bytes.AsSpan(0, head));
        var rest = binary.Bytes.AsMemory(head);
        foreach (var output in answer.GetProperty("outputs").EnumerateArray())
        {
            int size = output.GetProperty("parameters").GetProperty("binary_data_size").GetInt32();
            AssertHead(name, output.GetProperty("name").GetString()!, heads[output.GetProperty("name").GetString()!], Numbers(output.GetProperty("datatype").GetString()!, rest.Span[..size]), Enumerable.Repeat(sequence, rows));
            rest = rest[size..];
        }
        Assert.True(rest.IsEmpty);
    }

    [Fact]
    public async Task ManyRequestsOfAllModelsAtOnceAreAnsweredAsAlone()
    {
        var random = new Random(11);
        var work = new List<Func<Task>>();
        foreach (var (name, golden) in BareServer.Golden)
        {
            for (int i = 0; i < 6; i++)
            {
                var sequences = random.GetItems(golden.Sequences, 3);
                work.Add(async () =>
                {
                    var reply = await server.Client.PostAsync($"/models/{name}/predict", $$"""{"inputs":[{{string.Join(',', sequences.Select(s => s.Item))}}],"top_k":100}""");
                    for (int s = 0; s < sequences.Length; s++)
                        AssertPrediction(golden, sequences[s], reply.Predictions[s]);
                });
            }
            work.Add(() => InferOfEachSequenceAloneAnswersTheGraphsNumbers(name));
        }
        await Task.WhenAll(work.Select(w => Task.Run(w)));
    }

    [Theory]
    [InlineData("lstm_states_opset_7", "h0")]
    [InlineData("gru_state_time_major", "hidden")]
    public async Task AStateThatIsNotZeroChangesTheAnswer(string name, string state)
    {
        var (request, heads) = await ReadAsync(name);
        var sequence = BareServer.Golden[name].Sequences[2];
        var zeros = request.Write([sequence], 1, sequence.Length, heads.Keys);
        int at = zeros.IndexOf("\"data\":[", zeros.IndexOf($"\"name\":\"{state}\"", StringComparison.Ordinal), StringComparison.Ordinal);
        int end = zeros.IndexOf(']', at);
        var ones = zeros[..at] + zeros[at..end].Replace("[0", "[0.5", StringComparison.Ordinal).Replace(",0", ",0.5", StringComparison.Ordinal) + zeros[end..];

        var answers = new List<double[]>();
        foreach (var body in new[] { zeros, ones })
        {
            var reply = await server.Client.InferAsync(name, body);
            reply.AssertOk();
            answers.Add(Numbers(reply.Json.GetProperty("outputs")[0]));
        }
        Assert.Contains(answers[0].Zip(answers[1]), p => Math.Abs(p.First - p.Second) > 1e-3);
    }

    [Fact]
    public async Task OutputsThatAreStatesComeWithTheHead()
    {
        var (request, _) = await ReadAsync("lstm_packed_with_states");
        var sequence = BareServer.Golden["lstm_packed_with_states"].Sequences[3];

        var reply = await server.Client.InferAsync("lstm_packed_with_states", request.Write([sequence], 1, sequence.Length, ["c_n", "logits", "sequence_output"]));

        reply.AssertOk();
        var outputs = reply.Json.GetProperty("outputs").EnumerateArray().ToArray();
        Assert.Equal(["[2,1,5]", "[1,4]", $"[1,{sequence.Length},10]"], outputs.Select(o => o.GetProperty("shape").GetRawText()));
        AssertHead("lstm_packed_with_states", "logits", "logits", Numbers(outputs[1]), [sequence]);
    }

    [Fact]
    public async Task StatisticsOfAModelWithTimeFirstCountItsSequences()
    {
        var (request, heads) = await ReadAsync("gru_state_time_major");
        var sequence = BareServer.Golden["gru_state_time_major"].Sequences[^1];
        async Task<long> CountAsync() => (await server.Client.GetAsync("/v2/models/gru_state_time_major/stats")).Json.GetProperty("model_stats")[0].GetProperty("inference_count").GetInt64();
        long before = await CountAsync();

        // with a state among the outputs it runs as it is
        (await server.Client.InferAsync("gru_state_time_major", request.Write([sequence], 1, sequence.Length, [.. heads.Keys, "h_n"]))).AssertOk();

        Assert.Equal(1, await CountAsync() - before);
    }

    private async Task<(RawRequest Request, Dictionary<string, string> Activations)> ReadAsync(string name)
    {
        var model = (await server.Client.GetAsync($"/models/{name}/versions/1")).Json;
        var metadata = await server.Client.GetAsync($"/v2/models/{name}");
        metadata.AssertOk();
        var heads = model.GetProperty("heads").EnumerateArray().ToDictionary(h => h.GetProperty("output").GetString()!, h => h.GetProperty("activation").GetString()!);
        Assert.Equal(BareServer.Golden[name].Sequences[0].Heads.Keys, heads.Keys);
        return (new RawRequest(model, metadata.Json), heads);
    }

    private static void AssertRaw(string name, Dictionary<string, string> heads, JsonElement answer, IEnumerable<BareSequence> rows)
    {
        var outputs = answer.GetProperty("outputs").EnumerateArray().ToArray();
        Assert.Equal(heads.Keys, outputs.Select(o => o.GetProperty("name").GetString()));
        foreach (var output in outputs)
            AssertHead(name, output.GetProperty("name").GetString()!, heads[output.GetProperty("name").GetString()!], Numbers(output), rows);
    }

    private static void AssertHead(string name, string output, string activation, double[] numbers, IEnumerable<BareSequence> rows)
    {
        var expected = rows.Select(r => r.Heads[output]).ToArray();
        Assert.Equal(0, numbers.Length % expected.Length);
        int width = numbers.Length / expected.Length;
        for (int row = 0; row < expected.Length; row++)
        {
            var actual = Probabilities(activation, numbers.AsSpan(row * width, width), expected[row].Length);
            for (int i = 0; i < actual.Length; i++)
                Assert.Equal(expected[row][i], actual[i], BareServer.Golden[name].Tolerance);
        }
    }

    private static double[] Probabilities(string activation, ReadOnlySpan<double> numbers, int labels)
    {
        double[] weights = activation switch
        {
            "logits" when numbers.Length < labels => [1, Math.Exp(numbers[0])],
            "logits" or "log_softmax" => [.. numbers.ToArray().Select(Math.Exp)],
            _ when numbers.Length < labels => [1 - numbers[0], numbers[0]],
            _ => numbers.ToArray(),
        };
        Assert.Equal(labels, weights.Length);
        return [.. weights.Select(w => w / weights.Sum())];
    }

    /// <summary>With one head its labels are the alternatives; with several each head is a level that tells its best label.</summary>
    private static void AssertPrediction(BareExport golden, BareSequence sequence, JsonElement prediction)
    {
        var levels = prediction.GetProperty("levels").EnumerateArray().ToArray();
        Assert.Equal(sequence.Heads.Keys, levels.Select(l => l.GetProperty("name").GetString()));
        foreach (var (level, (output, probabilities)) in levels.Zip(sequence.Heads))
        {
            double told = level.GetProperty("probability").GetDouble();
            Assert.Equal(probabilities.Max(), told, golden.Tolerance);
            Assert.Equal(probabilities[Index(level.GetProperty("label").GetString()!, output)], told, golden.Tolerance);
        }
        if (sequence.Heads.Count > 1)
            return;
        var (only, all) = sequence.Heads.Single();
        var alternatives = prediction.GetProperty("alternatives").EnumerateArray().ToArray();
        Assert.Equal(all.Length, alternatives.Length);
        foreach (var alternative in alternatives)
            Assert.Equal(all[Index(alternative.GetProperty("path")[0].GetString()!, only)], alternative.GetProperty("probability").GetDouble(), golden.Tolerance);
    }

    private static int Index(string label, string output)
    {
        Assert.StartsWith($"{output}:", label, StringComparison.Ordinal);
        return int.Parse(label.AsSpan(output.Length + 1), CultureInfo.InvariantCulture);
    }

    private static double[] Numbers(JsonElement output) => [.. output.GetProperty("data").EnumerateArray().Select(e => e.GetDouble())];

    private static double[] Numbers(string type, ReadOnlySpan<byte> data) => type switch
    {
        "FP16" => [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(data).ToArray().Select(h => (double)h)],
        "FP32" => [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(data).ToArray().Select(f => (double)f)],
        _ => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(data).ToArray(),
    };
}
