using System.Collections.Concurrent;
using System.Text;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Predict;

/// <summary>Bodies that are no JSON, or are meant to hurt: always 4xx with a problem document, never 500.</summary>
public sealed class HostileBodyTests(SharedServer server)
{
    private readonly ServiceClient _client = server.Client;

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t ")]
    [InlineData("{")]
    [InlineData("inputs=Who")]
    [InlineData("{'inputs':['Who ?']}")]
    [InlineData("""{"inputs":["Who ?"],}""")]
    [InlineData("""{"inputs":["Who ?",]}""")]
    [InlineData("""{"inputs":["Who ?"]} x""")]
    [InlineData("""{"inputs":["Who ?"]}{"inputs":["Who ?"]}""")]
    [InlineData("""{"inputs":["Who ?"]/* why */}""")]
    [InlineData("""{"inputs":[{"ids":[NaN]}]}""")]
    [InlineData("""{"inputs":[{"ids":[Infinity]}]}""")]
    [InlineData("""{"inputs":[{"ids":[-Infinity]}]}""")]
    [InlineData("""{"inputs":[{"ids":[01]}]}""")]
    [InlineData("""{"inputs":["Who ?"],"threshold":NaN}""")]
    [InlineData("""{"inputs":["Who ?"],"top_k":Infinity}""")]
    [InlineData("{\"inputs\":[\"Who\n?\"]}")]
    [InlineData("{\"inputs\":[\"Who\0?\"]}")]
    [InlineData("""{"inputs":["\x"]}""")]
    [InlineData("""{"inputs":["\u12"]}""")]
    public async Task Post_NoJson_PointsAtTheWhole(string body) =>
        Assert.Equal([""], (await _client.PredictAsync(body)).AssertProblem(400, "JSON"));

    [Theory]
    [InlineData("{\"inputs\":[\"", 0xff, "\"]}")]
    [InlineData("{\"inputs\":[\"", 0xc3, "\"]}")]
    [InlineData("{\"inputs\":[{\"tokens\":[\"", 0x80, "\"]}]}")]
    [InlineData("{\"inputs\":[{\"text\":\"a\",\"id\":\"", 0xfe, "\"}]}")]
    [InlineData("{\"inputs\":[\"a\"],\"", 0xff, "\":1}")]
    public async Task Post_InvalidUtf8_SaysSo(string before, byte bad, string after) =>
        Assert.Equal([""], (await _client.PostAsync("/predict", [.. Encoding.UTF8.GetBytes(before), bad, .. Encoding.UTF8.GetBytes(after)])).AssertProblem(400, "UTF-8"));

    [Fact]
    public async Task Post_SurrogatesAsUtf8_AreInvalidUtf8() =>
        (await _client.PostAsync("/predict", [.. "{\"inputs\":[\""u8, 0xed, 0xa0, 0xbd, .. "\"]}"u8])).AssertProblem(400, "UTF-8");

    [Fact]
    public async Task Post_OtherEncoding_IsRefused() =>
        (await _client.PostAsync("/predict", Encoding.Unicode.GetBytes("""{"inputs":["Who ?"]}"""))).AssertProblem(400);

    [Theory]
    [InlineData("{0}")]
    [InlineData("{{\"inputs\":{0}")]
    [InlineData("{{\"inputs\":[\"a\"],\"extra\":{0}")]
    [InlineData("{{\"inputs\":[{{\"tokens\":{0}")]
    public async Task Post_10000OpenBrackets_IsRefused(string format)
    {
        (await _client.PredictAsync(string.Format(null, format, new string('[', 10_000)))).AssertProblem(400);
        (await _client.PredictAsync(string.Format(null, format, string.Concat(Enumerable.Repeat("{\"a\":", 10_000))))).AssertProblem(400);
        (await _client.PredictAsync(string.Format(null, format, new string('[', 10_000) + new string(']', 10_000)))).AssertProblem(400);
    }

    [Fact]
    public async Task Post_BodyCutAnywhere_IsRefused()
    {
        var whole = """{"model":"questions","inputs":["When ?",{"id":"q\u00e9","text":"Whó"},{"tokens":["What","?"]},{"ids":[12,7]}],"version":"1","top_k":3,"decoding":"best_path","threshold":0.5,"timeout_ms":20000}"""u8.ToArray();
        (await _client.PostAsync("/predict", whole)).AssertOk();
        for (int length = 0; length < whole.Length; length++)
            (await _client.PostAsync("/predict", whole[..length])).AssertProblem(400);
    }

    [Fact]
    public async Task Post_RandomlyChangedBodies_AreNeverTheServersFault()
    {
        var bodies = Mutations.Make(seed: 42, count: 3000);
        var statuses = new ConcurrentDictionary<int, int>();
        await Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (body, _) =>
        {
            var reply = await _client.PostAsync("/predict", body);
            statuses.AddOrUpdate(reply.Status, 1, (_, n) => n + 1);
            Assert.True(reply.Status is 200 or 400 or 404 or 413, $"{reply.Status} for {Convert.ToBase64String(body)}: {reply.Text}");
            if (reply.Status == 200)
                reply.AssertOk();
            else
                reply.AssertProblem(reply.Status);
        });
        Assert.True(statuses.GetValueOrDefault(200) > 50, "Too few bodies are still valid to say anything.");
        Assert.True(statuses.GetValueOrDefault(400) > 1000, "Too few bodies are invalid to say anything.");
    }
}
