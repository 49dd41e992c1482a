using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Health;

public sealed class HealthTests(SharedServer server)
{
    [Theory]
    [InlineData("/health/live", "live")]
    [InlineData("/health/ready", "ready")]
    public async Task Get_WhenAllIsWell_Is200(string path, string status)
    {
        var reply = await server.Client.GetAsync(path);
        reply.AssertOk();
        Assert.Equal(status, reply.Json.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Get_AsSoonAsDrainingStarts_IsNotReadyAndTakesNoRequests()
    {
        await using var own = await Server.StartAsync(RepositoryRoot.Models);
        await own.Client.WaitUntilReadyAsync();
        Reply[] replies = [];
        own.App.Lifetime.ApplicationStopping.Register(() => replies = Task.Run(async () => new[]
        {
            await own.Client.GetAsync("/health/ready"),
            await own.Client.PredictAsync("""{"inputs":["Who ?"]}"""),
            await own.Client.GetAsync("/health/live"),
        }).GetAwaiter().GetResult());
        await own.App.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(3, replies.Length);
        replies[0].AssertProblem(503, "shutting down");
        replies[1].AssertProblem(503, "shutting down");
        Assert.NotNull(replies[0].Header("Retry-After"));
        Assert.NotNull(replies[1].Header("Retry-After"));
        replies[2].AssertOk();
    }
}
