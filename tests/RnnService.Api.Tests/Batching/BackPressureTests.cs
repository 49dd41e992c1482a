using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Batching;

public sealed class BackPressureTests
{
    [Fact]
    public async Task Predict_QueueFull_Is429WithRetryAfterAndTheRestIsAnswered()
    {
        await using var server = await Server.StartAsync(RepositoryRoot.Models, "--Batching:Workers", "1", "--Batching:QueueSequences", "64");
        await server.Client.WaitUntilReadyAsync();
        var body = Body(sequences: 32, length: 400);
        var replies = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => server.Client.PredictAsync(body)));
        Assert.Contains(replies, r => r.Status == 200);
        var refused = replies.Where(r => r.Status != 200).ToArray();
        Assert.NotEmpty(refused);
        Assert.All(refused, r =>
        {
            r.AssertProblem(429, "Retry-After");
            Assert.InRange(int.Parse(r.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 600);
        });
        Assert.All(replies.Where(r => r.Status == 200), r => Assert.Equal(32, r.Predictions.Length));
        Assert.Equal(200, (await server.Client.PredictAsync(Body(1, 3))).Status);
    }

    [Fact]
    public async Task Predict_TimeoutShorterThanTheRun_Is504()
    {
        await using var server = await Server.StartAsync(RepositoryRoot.Models, "--Batching:Workers", "1", "--Limits:SequenceLength", "512");
        await server.Client.WaitUntilReadyAsync();
        var reply = await server.Client.PredictAsync(Body(1000, 500, ",\"timeout_ms\":1"));
        reply.AssertProblem(504, "timeout_ms");
        Assert.Equal(200, (await server.Client.PredictAsync(Body(1, 3))).Status);
    }

    private static string Body(int sequences, int length, string more = "")
    {
        var ids = $"{{\"ids\":[{string.Join(',', Enumerable.Repeat(7, length))}]}}";
        return $"{{\"inputs\":[{string.Join(',', Enumerable.Repeat(ids, sequences))}]{more}}}";
    }
}
