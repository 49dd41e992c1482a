using System.Text.Json;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Observability;

/// <summary>What a process writes about its requests.</summary>
public sealed class RequestLogTests
{
    private const string Secret = "Zanzibarquux";
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Fact]
    public async Task Log_AsJson_SaysEverythingAboutARequestButItsContent()
    {
        using var server = new ServerProcess(["--urls", "http://127.0.0.1:0"], "RequestLog__Format", "json", "RequestLog__PerSecond", "1000", "Serilog__MinimumLevel__Default", "Debug");
        using var client = new ServiceClient((await server.AddressAsync())!);
        await client.WaitUntilReadyAsync();
        Assert.Equal(200, await PostAsync(client, $$"""{"inputs":["Who is {{Secret}} ?",{"id":"{{Secret}}","tokens":["{{Secret}}"]}]}""", "good-1"));
        string[] bad =
        [
            $$"""{"inputs":["Who is {{Secret}} ?", {{Secret}}]}""",
            $$"""{"inputs":["{{Secret}}", {"text":"{{Secret}}","id":7}]}""",
            $$"""{"inputs":["{{Secret}}","{{Secret}}\ud83d"]}""",
            $$"""{"inputs":[{"{{Secret}}":1}],"{{Secret}}":2}""",
            $$"""{"inputs":["{{Secret}} """,
            $$"""{"inputs":["{{Secret}}"],"decoding":"{{Secret}}"}""",
        ];
        for (int i = 0; i < bad.Length; i++)
            Assert.Equal(400, await PostAsync(client, bad[i], $"bad-{i}"));

        await Wait.UntilAsync(() => server.Output.Any(l => l.Contains($"bad-{bad.Length - 1}", StringComparison.Ordinal)), () => "The last request is not in the log.");
        Assert.DoesNotContain(Secret, string.Join('\n', server.Output), StringComparison.OrdinalIgnoreCase);
        var line = JsonSerializer.Deserialize<JsonElement>(Assert.Single(server.Output, l => l.Contains("good-1", StringComparison.Ordinal)));
        var properties = line.GetProperty("Properties");
        Assert.Equal("POST", properties.GetProperty("Method").GetString());
        Assert.Equal("/predict", properties.GetProperty("Path").ToString());
        Assert.Equal(200, properties.GetProperty("Status").GetInt32());
        Assert.Equal("questions", properties.GetProperty("Model").GetString());
        Assert.Equal(1, properties.GetProperty("Version").GetInt32());
        Assert.Equal(2, properties.GetProperty("Sequences").GetInt32());
        Assert.Equal("good-1", properties.GetProperty("RequestId").GetString());
        Assert.Equal(Trace, properties.GetProperty("Trace").GetString());
        Assert.All(["Milliseconds", "QueueMilliseconds", "InferMilliseconds", "DecodeMilliseconds"], name => Assert.True(properties.GetProperty(name).GetDouble() >= 0));
    }

    [Fact]
    public async Task Log_OnAConsole_IsPlainLinesAndCountsWhatItLeavesOut()
    {
        using var server = new ServerProcess(["--urls", "http://127.0.0.1:0", "--RequestLog:Format", "console", "--RequestLog:PerSecond", "3"]);
        using var client = new ServiceClient((await server.AddressAsync())!);
        await client.WaitUntilReadyAsync();
        await Wait.UntilAsync(
            async () =>
            {
                for (int i = 0; i < 20; i++)
                    await PostAsync(client, """{"inputs":["Who ?"]}""", "many");
                return server.Output.Any(l => l.Contains("are not logged one by one", StringComparison.Ordinal));
            },
            () => "Nothing is left out.");
        Assert.Contains(server.Output, l => l.Contains("POST /predict 200 in ", StringComparison.Ordinal) && l.Contains("questions", StringComparison.Ordinal) && l.Contains("request many", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Output, l => l.StartsWith('{'));
    }

    private static async Task<int> PostAsync(ServiceClient client, string body, string id)
    {
        using var content = ServiceClient.Json(new StringContent(body));
        return (await client.SendAsync(HttpMethod.Post, "/predict", content, "X-Request-Id", id, "traceparent", $"00-{Trace}-00f067aa0ba902b7-01")).Status;
    }
}
