using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Observability;

public sealed class RequestIdTests(SharedServer server)
{
    private readonly ServiceClient _client = server.Client;

    [Theory]
    [InlineData("/predict", 405)]
    [InlineData("/models", 200)]
    [InlineData("/nothing", 404)]
    public async Task Send_WithId_GetsItBack(string path, int status)
    {
        var reply = await _client.SendAsync(HttpMethod.Get, path, null, "X-Request-Id", "my-id/7:~");
        Assert.Equal((status, "my-id/7:~"), (reply.Status, reply.Header("X-Request-Id")));
    }

    [Fact]
    public async Task Post_WithId_GetsItBackWithTheAnswerAndWithAProblem()
    {
        foreach (var body in new[] { """{"inputs":["Who ?"]}""", """{"inputs":[]}""" })
        {
            using var content = ServiceClient.Json(new StringContent(body));
            Assert.Equal("a1", (await _client.SendAsync(HttpMethod.Post, "/predict", content, "X-Request-Id", "a1")).Header("X-Request-Id"));
        }
    }

    [Fact]
    public async Task Send_WithoutId_GetsANewOneEachTime()
    {
        var ids = new HashSet<string?>();
        for (int i = 0; i < 5; i++)
            ids.Add((await _client.GetAsync("/models")).Header("X-Request-Id"));
        Assert.Equal(5, ids.Count);
        Assert.DoesNotContain(null, ids);
    }

    [Fact]
    public async Task Send_WithIdThatDoesNotBelongIntoALog_GetsAnother()
    {
        foreach (var bad in new[] { new string('x', 129), "two words", "a\tb" })
            Assert.NotEqual(bad, (await _client.SendAsync(HttpMethod.Get, "/models", null, "X-Request-Id", bad)).Header("X-Request-Id"));
    }
}
