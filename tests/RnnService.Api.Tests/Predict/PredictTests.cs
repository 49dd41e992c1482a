using System.Text.Json;
using System.Text.RegularExpressions;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Predict;

public sealed partial class PredictTests(SharedServer server)
{
    private const double Tolerance = 1e-5;
    private readonly ServiceClient _client = server.Client;

    [Theory]
    [InlineData("/predict", "")]
    [InlineData("/models/questions/predict", "")]
    [InlineData("/models/questions/versions/1/predict", "")]
    [InlineData("/predict", "\"model\":\"questions\",\"version\":\"1\",")]
    [InlineData("/models/questions/versions/1/predict", "\"version\":\"1\",\"model\":\"questions\",")]
    public async Task Post_EachForm_AnswersAlike(string path, string before)
    {
        var entry = GoldenFile.Entries[0];
        var reply = await _client.PostAsync(path, $$"""{{{before}}"inputs":[{{JsonSerializer.Serialize(entry.Text)}}]}""");
        var prediction = Assert.Single(reply.Predictions);
        Assert.Equal("questions", reply.Json.GetProperty("model").GetString());
        Assert.Equal("1", reply.Json.GetProperty("version").GetString());
        Assert.Equal(entry.Coarse.Max(), prediction.GetProperty("levels")[0].GetProperty("probability").GetDouble(), Tolerance);
    }

    [Fact]
    public async Task Post_ModelAfterInputs_IsReadToo()
    {
        var reply = await _client.PredictAsync("""{"inputs":[{"text":"Who ?"},{"ids":[12,7]}],"version":"1","top_k":2,"model":"questions"}""");
        Assert.Equal(2, reply.Predictions.Length);
        (await _client.PredictAsync("""{"inputs":["Who ?"],"model":"answers"}""")).AssertProblem(404, "\"answers\"");
        (await _client.PredictAsync("""{"inputs":["Who ?"],"version":"9"}""")).AssertProblem(404, "\"9\"");
    }

    [Fact]
    public async Task Post_StringTextTokensAndIds_AreTheSameSequence()
    {
        foreach (var entry in GoldenFile.Entries)
        {
            string text = JsonSerializer.Serialize(entry.Text), tokens = JsonSerializer.Serialize(entry.Tokens), ids = JsonSerializer.Serialize(entry.Ids);
            var predictions = (await _client.PredictAsync($$"""{"inputs":[{{text}},{"text":{{text}}},{"tokens":{{tokens}}},{"ids":{{ids}}}]}""")).Predictions;
            Assert.Equal(4, predictions.Length);
            Assert.All(predictions, p => AssertSame(predictions[0], p));
        }
    }

    [Fact]
    public async Task Post_ManyLengthsTogether_AnswersEachAsAlone()
    {
        var texts = GoldenFile.Entries.Select(e => JsonSerializer.Serialize(e.Text)).ToArray();
        var together = (await _client.PredictAsync($$"""{"inputs":[{{string.Join(',', texts)}}],"top_k":50}""")).Predictions;
        Assert.Equal(texts.Length, together.Length);
        for (int i = 0; i < texts.Length; i++)
            AssertSame(Assert.Single((await _client.PredictAsync($$"""{"inputs":[{{texts[i]}}],"top_k":50}""")).Predictions), together[i]);
    }

    [Fact]
    public async Task Post_ManyRequestsAtOnce_AnswersEachAsAlone()
    {
        var bodies = GoldenFile.Entries.Select(e => $$"""{"inputs":[{{JsonSerializer.Serialize(e.Text)}}],"top_k":50}""").ToArray();
        var replies = await Task.WhenAll(bodies.Select(_client.PredictAsync));
        for (int i = 0; i < bodies.Length; i++)
            AssertSame(Assert.Single((await _client.PredictAsync(bodies[i])).Predictions), Assert.Single(replies[i].Predictions));
    }

    [Theory]
    [InlineData("\"q2\"", "q2")]
    [InlineData("\"\"", "")]
    [InlineData("\"a\\\"b\\\\c\\/d\\n\"", "a\"b\\c/d\n")]
    [InlineData("\"\\u00e9\\ud83d\\ude00\"", "é😀")]
    [InlineData("\"é😀 </script>\"", "é😀 </script>")]
    public async Task Post_Id_IsEchoed(string json, string id)
    {
        var predictions = (await _client.PredictAsync($$"""{"inputs":["Who ?",{"id":{{json}},"text":"Who ?"},{"text":"Who ?"},{"text":"Who ?","id":{{json}}}]}""")).Predictions;
        Assert.Equal([null, id, null, id], predictions.Select(Id));
    }

    [Fact]
    public async Task Post_NullInOptionalFields_IsAsIfLeftOut()
    {
        var reply = await _client.PredictAsync("""{"model":null,"version":null,"inputs":[{"id":null,"text":"Who ?"}],"top_k":null,"decoding":null,"threshold":null,"timeout_ms":null}""");
        var prediction = Assert.Single(reply.Predictions);
        Assert.Null(Id(prediction));
        AssertSame(Assert.Single((await _client.PredictAsync("""{"inputs":["Who ?"]}""")).Predictions), prediction);
    }

    [Fact]
    public async Task Post_WithoutTopK_HasNoAlternativesAndNothingElseUnasked()
    {
        foreach (var prediction in (await _client.PredictAsync("""{"inputs":["Who ?"],"top_k":1}""")).Predictions)
            Assert.Equal(["label", "probability", "path", "levels"], prediction.EnumerateObject().Select(p => p.Name));
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(2147483647, 0)]
    public async Task Post_TopK_ListsTheMostProbableLeavesFalling(int topK, int count)
    {
        count = count == 0 ? GoldenFile.Entries[0].Fine.Length : count;
        foreach (var prediction in (await _client.PredictAsync(AllTexts($"\"top_k\":{topK}"))).Predictions)
        {
            var alternatives = prediction.GetProperty("alternatives").EnumerateArray().ToArray();
            Assert.Equal(count, alternatives.Length);
            var probabilities = alternatives.Select(Probability).ToArray();
            Assert.Equal(probabilities.OrderDescending(), probabilities);
            Assert.True(probabilities.Sum() <= 1 + Tolerance);
            Assert.Equal(count, alternatives.Select(a => a.GetProperty("path").GetRawText()).Distinct().Count());
            Assert.Equal(prediction.GetProperty("path").GetRawText(), alternatives[0].GetProperty("path").GetRawText());
            Assert.Equal(Probability(prediction), probabilities[0], Tolerance);
        }
    }

    [Fact]
    public async Task Post_Body4MbSmaller_IsRead()
    {
        var text = string.Concat(Enumerable.Repeat("a ", 300));
        var item = $$"""{"text":"{{text}}"}{{new string(' ', 30_000)}}""";
        var reply = await _client.PredictAsync($$"""{"inputs":[{{string.Join(',', Enumerable.Repeat(item, 120))}}]}""");
        Assert.Equal(120, reply.Predictions.Length);
    }

    [Fact]
    public async Task Post_ChunkedBody_IsRead()
    {
        using var content = ServiceClient.Json(new StreamContent(new SlowStream("""{"inputs":["Who ?"]}"""u8.ToArray())));
        Assert.Single((await _client.SendAsync(HttpMethod.Post, "/predict", content, "Transfer-Encoding", "chunked")).Predictions);
    }

    [Fact]
    public async Task Post_Answer_HasTimingsAndItsBatch()
    {
        var reply = await _client.PredictAsync("""{"inputs":["Who ?","When did CNN begin broadcasting ?"]}""");
        reply.AssertOk();
        Assert.Matches(ServerTiming(), reply.Header("Server-Timing"));
    }

    private static string AllTexts(string options) =>
        $$"""{"inputs":[{{string.Join(',', GoldenFile.Entries.Select(e => JsonSerializer.Serialize(e.Text)))}}],{{options}}}""";

    private static string? Id(JsonElement prediction) => prediction.TryGetProperty("id", out var id) ? id.GetString() : null;

    private static double Probability(JsonElement element) => element.GetProperty("probability").GetDouble();

    /// <summary>The same labels in the same order with the same probabilities; alternatives that are as good as equal may change places.</summary>
    private static void AssertSame(JsonElement expected, JsonElement actual)
    {
        Assert.Equal(expected.GetProperty("path").GetRawText(), actual.GetProperty("path").GetRawText());
        Assert.Equal(expected.GetProperty("levels").EnumerateArray().Select(Probability), actual.GetProperty("levels").EnumerateArray().Select(Probability), Close);
        if (!expected.TryGetProperty("alternatives", out var alternatives))
            return;
        var others = actual.GetProperty("alternatives").EnumerateArray().ToDictionary(a => a.GetProperty("path").GetRawText(), Probability);
        foreach (var alternative in alternatives.EnumerateArray())
            Assert.Equal(Probability(alternative), others[alternative.GetProperty("path").GetRawText()], Tolerance);
    }

    private static bool Close(double a, double b) => Math.Abs(a - b) <= Tolerance;

    [GeneratedRegex(@"^queue;dur=\d+(\.\d+)?, batch;desc=""[1-9]\d*x[1-9]\d*"", infer;dur=\d+(\.\d+)?, decode;dur=\d+(\.\d+)?$")]
    private static partial Regex ServerTiming();

    /// <summary>Gives one byte a read, and no length.</summary>
    private sealed class SlowStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
