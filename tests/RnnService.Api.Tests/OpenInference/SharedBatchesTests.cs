using System.Text.Json;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.OpenInference;

/// <summary>Raw tensors and predictions of many callers run in the same batches, each answered as alone; and the statistics add up.</summary>
public sealed class SharedBatchesTests
{
    private const double Tolerance = 1e-5;
    private const int MostRows = 2;
    private const int Callers = 48;

    [Fact]
    public async Task TensorsAndPredictionsOfManyCallersShareBatchesAndTheStatisticsAddUp()
    {
        using var models = new ModelFolder();
        models.Add("questions");
        await using var server = await Server.StartAsync(models.Root, "--Batching:Workers", "1");
        await server.Client.WaitUntilReadyAsync();
        var fresh = await StatsAsync(server);
        Assert.Equal((0, 0), (Count(fresh, "inference_count"), Count(fresh, "execution_count")));

        long rows = 0, requests = 0;
        var random = new Random(17);
        await Wait.UntilAsync(
            async () =>
            {
                var calls = Enumerable.Range(0, Callers).Select(i => (Tensors: i % 2 == 0, Entries: random.GetItems([.. GoldenFile.Entries], random.Next(1, MostRows + 1)))).ToArray();
                await Task.WhenAll(calls.Select(c => Task.Run(() => c.Tensors ? InferAsync(server, c.Entries) : PredictAsync(server, c.Entries))));
                requests += calls.Length;
                rows += calls.Sum(c => c.Entries.Length);
                return Batches(await StatsAsync(server)).Any(b => b.Size > MostRows);
            },
            () => "No batch has the rows of several requests.");

        await Wait.UntilAsync(async () => Batches(await StatsAsync(server)).Sum(b => b.Size * b.Runs) == rows, () => "The batches do not add up to the rows that were answered.");
        var stats = await StatsAsync(server);
        Assert.Equal(rows, Count(stats, "inference_count"));
        Assert.Equal(Batches(stats).Sum(b => b.Runs), Count(stats, "execution_count"));
        Assert.True(Count(stats, "execution_count") < rows);
        Assert.Equal(requests, stats.GetProperty("inference_stats").GetProperty("success").GetProperty("count").GetInt64());
        Assert.Equal(0, stats.GetProperty("inference_stats").GetProperty("fail").GetProperty("count").GetInt64());
        Assert.True(stats.GetProperty("inference_stats").GetProperty("success").GetProperty("ns").GetInt64() >= stats.GetProperty("inference_stats").GetProperty("compute_infer").GetProperty("ns").GetInt64());
    }

    [Fact]
    public async Task AnIdThatTheGraphCannotLookUpIs400AndTheOthersAreAnswered()
    {
        using var models = new ModelFolder();
        models.Add("questions");
        await using var server = await Server.StartAsync(models.Root, "--Batching:Workers", "1");
        await server.Client.WaitUntilReadyAsync();
        var entries = GoldenFile.Entries.Take(2).ToArray();

        await Task.WhenAll(Enumerable.Range(0, 24).Select(i => Task.Run(async () =>
        {
            if (i % 3 > 0)
                await InferAsync(server, entries);
            else
            {
                (await server.Client.InferAsync("questions", """{"inputs":[{"name":"input_ids","shape":[1,2],"datatype":"INT64","data":[5,99999999]},{"name":"lengths","shape":[1],"datatype":"INT64","data":[2]}]}"""))
                    .AssertError(400, "The graph failed on these inputs");
            }
        })));

        var stats = await StatsAsync(server);
        Assert.Equal(16 * 2, Count(stats, "inference_count"));
        Assert.Equal((16, 8), (stats.GetProperty("inference_stats").GetProperty("success").GetProperty("count").GetInt64(), stats.GetProperty("inference_stats").GetProperty("fail").GetProperty("count").GetInt64()));
    }

    private static async Task InferAsync(Server server, GoldenEntry[] entries)
    {
        int time = entries.Max(e => e.Ids.Length);
        var ids = string.Join(',', entries.SelectMany(e => e.Ids.Concat(Enumerable.Repeat(0, time - e.Ids.Length))));
        var reply = await server.Client.InferAsync("questions", $$"""
            {"inputs":[{"name":"input_ids","shape":[{{entries.Length}},{{time}}],"datatype":"INT64","data":[{{ids}}]},
                       {"name":"lengths","shape":[{{entries.Length}}],"datatype":"INT64","data":[{{string.Join(',', entries.Select(e => e.Ids.Length))}}]}]}
            """);
        reply.AssertOk();
        var outputs = reply.Json.GetProperty("outputs").EnumerateArray().ToDictionary(o => o.GetProperty("name").GetString()!, o => o.GetProperty("data").EnumerateArray().Select(e => e.GetDouble()).ToArray());
        for (int row = 0; row < entries.Length; row++)
        {
            AssertSoftmax(entries[row].Coarse, outputs["coarse"], row);
            AssertSoftmax(entries[row].Fine, outputs["fine"], row);
        }
    }

    private static async Task PredictAsync(Server server, GoldenEntry[] entries)
    {
        var reply = await server.Client.PredictAsync($$"""{"inputs":[{{string.Join(',', entries.Select(e => JsonSerializer.Serialize(e.Text)))}}],"decoding":"independent"}""");
        foreach (var (prediction, entry) in reply.Predictions.Zip(entries))
        {
            double[] levels = [.. prediction.GetProperty("levels").EnumerateArray().Select(l => l.GetProperty("probability").GetDouble())];
            Assert.Equal(entry.Coarse.Max(), levels[0], Tolerance);
            Assert.Equal(entry.Fine.Max(), levels[1], Tolerance);
        }
    }

    private static void AssertSoftmax(double[] expected, double[] logits, int row)
    {
        double[] weights = [.. logits.AsSpan(row * expected.Length, expected.Length).ToArray().Select(Math.Exp)];
        double sum = weights.Sum();
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], weights[i] / sum, Tolerance);
    }

    private static async Task<JsonElement> StatsAsync(Server server) =>
        Assert.Single((await server.Client.GetAsync("/v2/models/questions/stats")).Json.GetProperty("model_stats").EnumerateArray().ToArray());

    private static long Count(JsonElement stats, string name) => stats.GetProperty(name).GetInt64();

    private static (long Size, long Runs)[] Batches(JsonElement stats) =>
        [.. stats.GetProperty("batch_stats").EnumerateArray().Select(b => (b.GetProperty("batch_size").GetInt64(), b.GetProperty("compute_infer").GetProperty("count").GetInt64()))];
}
