using System.Globalization;
using System.Text.RegularExpressions;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Observability;

public sealed partial class MetricsTests
{
    [Fact]
    public async Task Get_Metrics_CountsWhatWasAsked()
    {
        await using var server = await Server.StartAsync(RepositoryRoot.Models);
        await server.Client.WaitUntilReadyAsync();
        var before = await ReadAsync(server.Client);
        (await server.Client.PredictAsync("""{"inputs":[{"ids":[2,3,4]},{"ids":[5]}]}""")).AssertOk();
        (await server.Client.PredictAsync("""{"inputs":[]}""")).AssertProblem(400);

        // an answer is counted just after it has been sent
        Dictionary<string, double> after = [];
        await Wait.UntilAsync(
            async () => (after = await ReadAsync(server.Client)).GetValueOrDefault("rnn_http_requests_total{status=\"400\"}") == 1 && Grown("rnn_sequences_answered_total") == 2,
            () => string.Join('\n', after));
        Assert.Equal(2, Grown("rnn_sequences_admitted_total"));
        Assert.Equal(4, Grown("rnn_tokens_total"));
        Assert.True(Grown("rnn_batches_total") is 1 or 2);
        Assert.True(Grown("rnn_padded_tokens_total") >= 4);
        Assert.Equal(0, after[Of("rnn_sequences_failed_total")]);
        Assert.Equal(1, after["rnn_http_requests_total{status=\"400\"}"]);
        Assert.True(after["rnn_http_request_duration_seconds_bucket{le=\"+Inf\"}"] >= after["rnn_http_request_duration_seconds_bucket{le=\"30\"}"]);
        Assert.True(after["process_resident_memory_bytes"] > 0);

        double Grown(string name) => after[Of(name)] - before[Of(name)];
    }

    [Fact]
    public async Task Get_Metrics_IsTheTextFormat()
    {
        await using var server = await Server.StartAsync(RepositoryRoot.Models);
        var reply = await server.Client.GetAsync("/metrics");
        Assert.Equal(200, reply.Status);
        Assert.StartsWith("text/plain; version=0.0.4", reply.ContentType, StringComparison.Ordinal);
        Assert.All(reply.Text.TrimEnd('\n').Split('\n'), line => Assert.Matches(Line(), line));
        Assert.EndsWith("\n", reply.Text, StringComparison.Ordinal);
    }

    private static string Of(string name) => $"{name}{{model=\"questions\",version=\"1\"}}";

    private static async Task<Dictionary<string, double>> ReadAsync(ServiceClient client) =>
        (await client.GetAsync("/metrics")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#')
            .ToDictionary(l => l[..l.LastIndexOf(' ')], l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    [GeneratedRegex("""^(# HELP \w+ .+|# TYPE \w+ (counter|gauge|histogram)|\w+(\{\w+="([^"\\]|\\.)*"(,\w+="([^"\\]|\\.)*")*\})? [-+.\deE]+)$""")]
    private static partial Regex Line();
}
