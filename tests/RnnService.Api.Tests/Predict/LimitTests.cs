using System.Net.Sockets;
using System.Text;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Predict;

/// <summary>What is over a limit gets 413 with the limit in the text, and costs the server little.</summary>
public sealed class LimitTests(SharedServer server)
{
    private const int BodyLimit = 4 * 1024 * 1024;
    private const int Million = 1_000_000;
    private readonly ServiceClient _client = server.Client;

    [Fact]
    public async Task Post_TooManySequences_NamesTheLimit() =>
        Assert.Equal(["/inputs"], (await _client.PredictAsync($$"""{"inputs":[{{string.Join(',', Enumerable.Repeat("\"a\"", 1025))}}]}""")).AssertProblem(413, "1024"));

    [Fact]
    public async Task Post_AsManySequencesAsAllowed_AreAnswered() =>
        Assert.Equal(1024, (await _client.PredictAsync($$"""{"inputs":[{{string.Join(',', Enumerable.Repeat("\"a\"", 1024))}}]}""")).Predictions.Length);

    [Theory]
    [InlineData(512, 200)]
    [InlineData(513, 413)]
    [InlineData(Million, 413)]
    public async Task Post_LongSequence_IsAnsweredUpToTheModelsLimit(int length, int status)
    {
        var items = new List<(string Item, string Pointer)>
        {
            ($"\"{Repeat("a ")}\"", "/inputs/1"),
            ($$"""{"text":"{{Repeat("a ")}}"}""", "/inputs/1/text"),
            ($$"""{"ids":[{{Repeat("1,")[..^1]}}]}""", "/inputs/1/ids"),
        };
        if (length < Million)   // a million quoted tokens do not fit into a body
            items.Add(($$"""{"tokens":[{{Repeat("\"a\",")[..^1]}}]}""", "/inputs/1/tokens"));
        foreach (var (item, pointer) in items)
        {
            var reply = await _client.PredictAsync($$"""{"inputs":["Who ?",{{item}}]}""");
            if (status == 200)
                reply.AssertOk();
            else
                Assert.Equal([pointer], reply.AssertProblem(413, "512"));
        }

        string Repeat(string part) => new StringBuilder(part.Length * length).Insert(0, part, length).ToString();
    }

    [Fact]
    public async Task Post_OverALimitAndInvalid_IsInvalidAndListsBoth()
    {
        var reply = await _client.PredictAsync($$"""{"inputs":[{"ids":[{{string.Join(',', Enumerable.Repeat("1", 600))}}]},""]}""");
        Assert.Equal(["/inputs/0/ids", "/inputs/1"], reply.AssertProblem(400, "512"));
    }

    [Fact]
    public async Task Post_BodyOverItsLimit_NamesTheLimit()
    {
        using var known = ServiceClient.Json(new ByteArrayContent(new byte[BodyLimit + 1]));
        Assert.Equal([""], (await _client.SendAsync(HttpMethod.Post, "/predict", known)).AssertProblem(413, $"{BodyLimit}"));
    }

    [Fact]
    public async Task Post_BodyAtItsLimit_IsRead()
    {
        var body = Encoding.UTF8.GetBytes("""{"inputs":["Who ?"]}""".PadRight(BodyLimit));
        (await _client.PostAsync("/predict", body)).AssertOk();
    }

    [Fact]
    public async Task Post_ChunkedBodyOverItsLimit_NamesTheLimit()
    {
        using var unknown = ServiceClient.Json(new ByteArrayContent(new byte[BodyLimit + 100_000]));
        Assert.Equal([""], (await _client.SendAsync(HttpMethod.Post, "/predict", unknown, "Transfer-Encoding", "chunked")).AssertProblem(413, $"{BodyLimit}"));
    }

    [Theory]
    [InlineData(true, 1 << 20)]
    [InlineData(false, 24 << 20)]
    public async Task Post_100MegabytesStreamed_IsAnsweredEarly(bool lengthIsKnown, int mostSent)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var connection = new TcpClient();
        await connection.ConnectAsync(_client.Address.Host, _client.Address.Port, cancel);
        var stream = connection.GetStream();
        var framing = lengthIsKnown ? "Content-Length: 104857600" : "Transfer-Encoding: chunked";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"), cancel);
        var answer = ReadStatusLineAsync(stream, cancel);
        var chunk = Encoding.ASCII.GetBytes($"4000\r\n{new string(' ', 0x4000)}\r\n");
        int sent = 0;
        while (!answer.IsCompleted && sent < 104_857_600)
        {
            if (lengthIsKnown)
                break;   // the headers alone must be enough
            try
            {
                await stream.WriteAsync(chunk, cancel);
                sent += chunk.Length;
            }
            catch (IOException)
            {
                break;   // the server has closed its side after answering
            }
        }
        Assert.StartsWith("HTTP/1.1 413", await answer, StringComparison.Ordinal);
        Assert.InRange(sent, 0, mostSent);
    }

    [Fact]
    public async Task Post_TimeoutShorterThanTheWork_Is504()
    {
        var longest = new StringBuilder().Insert(0, "1,", 511).Append('1');
        var body = $$"""{"inputs":[{{string.Join(',', Enumerable.Repeat($$"""{"ids":[{{longest}}]}""", 64))}}],"timeout_ms":1}""";
        Assert.Equal([""], (await _client.PredictAsync(body)).AssertProblem(504, "timeout_ms"));
    }

    [Fact]
    public async Task Post_ServersOwnTimeout_Is504WhateverTheCallerAllows()
    {
        await using var hasty = await Server.StartAsync(RepositoryRoot.Models, "--Limits:TimeoutMilliseconds", "1");
        await hasty.Client.WaitUntilReadyAsync();
        var longest = new StringBuilder().Insert(0, "1,", 511).Append('1');
        var body = $$"""{"inputs":[{{string.Join(',', Enumerable.Repeat($$"""{"ids":[{{longest}}]}""", 64))}}],"timeout_ms":60000}""";
        (await hasty.Client.PredictAsync(body)).AssertProblem(504, "1 ms");
    }

    private static async Task<string?> ReadStatusLineAsync(NetworkStream stream, CancellationToken cancel)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        return await reader.ReadLineAsync(cancel);
    }
}
