using System.Text.Json;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Models;

/// <summary>Models that are loading, failed, bare, or there in several versions.</summary>
public sealed class ModelStateTests
{
    private const string Body = """{"inputs":[{"ids":[12,7]}]}""";

    [Fact]
    public async Task Server_WhileAModelLoads_Answers503ForItAndIsNotReady()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no named pipes in the file system.");
        using var folder = new ModelFolder();
        folder.Add("questions");
        folder.AddSlow("slow");
        await using var server = await Server.StartAsync(folder.Root);
        try
        {
            await Wait.UntilAsync(async () => State(await server.Client.GetAsync("/models/questions")) == "ready", () => "The other model does not load.");
            Assert.Equal("loading", State(await server.Client.GetAsync("/models/slow")));
            Assert.Equal("loading", State(await server.Client.GetAsync("/models/slow/versions/1")));
            foreach (var reply in new[]
            {
                await server.Client.PostAsync("/models/slow/predict", Body),
                await server.Client.PostAsync("/models/slow/versions/1/predict", Body),
                await server.Client.PredictAsync("""{"inputs":["Who ?"],"model":"slow"}"""),
                await server.Client.GetAsync("/models/slow/labels"),
                await server.Client.GetAsync("/health/ready"),
            })
            {
                reply.AssertProblem(503, "loading");
                Assert.InRange(int.Parse(reply.Header("Retry-After")!, null), 1, 60);
            }
            (await server.Client.GetAsync("/health/live")).AssertOk();
            (await server.Client.PredictAsync(Body)).AssertOk();
        }
        finally
        {
            folder.Release("slow");
        }
        await server.Client.WaitUntilReadyAsync();
        (await server.Client.PostAsync("/models/slow/predict", """{"inputs":["Who ?"]}""")).AssertOk();
    }

    [Fact]
    public async Task Server_WithAFailedModel_Says503WithTheReasonAndServesTheOthers()
    {
        using var folder = new ModelFolder();
        folder.Add("questions");
        folder.AddBroken("broken");
        await using var server = await Server.StartAsync(folder.Root);
        await Wait.UntilAsync(async () => State(await server.Client.GetAsync("/models/broken")) == "failed" && State(await server.Client.GetAsync("/models/questions")) == "ready", () => "Not every model has a final state.");
        var reason = (await server.Client.GetAsync("/models/broken/versions/1")).Json.GetProperty("reason").GetString();
        Assert.Contains("model.onnx cannot be loaded", reason, StringComparison.Ordinal);
        foreach (var reply in new[]
        {
            await server.Client.PostAsync("/models/broken/predict", Body),
            await server.Client.GetAsync("/models/broken/labels"),
        })
        {
            reply.AssertProblem(503, "model.onnx cannot be loaded");
            Assert.NotNull(reply.Header("Retry-After"));
        }
        (await server.Client.PredictAsync(Body)).AssertOk();
        await server.Client.WaitUntilReadyAsync();
    }

    [Fact]
    public async Task Server_WithSeveralVersions_TakesTheNewestReadyOne()
    {
        using var folder = new ModelFolder();
        folder.Add("m", 2);
        folder.Add("m", 10);
        folder.AddBroken("m", 11);
        await using var server = await Server.StartAsync(folder.Root, "--Models:Default", "m");
        await Wait.UntilAsync(async () => (await server.Client.GetAsync("/models/m")).Json.GetProperty("versions").EnumerateArray().All(v => v.GetProperty("state").GetString() != "loading"), () => "They do not load.");
        Assert.Equal("10", (await server.Client.PredictAsync(Body)).Json.GetProperty("version").GetString());
        Assert.Equal("2", (await server.Client.PostAsync("/models/m/versions/2/predict", Body)).Json.GetProperty("version").GetString());
        (await server.Client.PostAsync("/models/m/versions/11/predict", Body)).AssertProblem(503);
        var model = (await server.Client.GetAsync("/models/m")).Json;
        Assert.Equal("10", model.GetProperty("default_version").GetString());
        Assert.Equal(["ready", "ready", "failed"], model.GetProperty("versions").EnumerateArray().Select(v => v.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task Server_WithABareGraph_ServesIdsAndLabelsByIndex()
    {
        using var folder = new ModelFolder();
        folder.Add("bare", 1, "model.onnx");
        await using var server = await Server.StartAsync(folder.Root, "--Models:Default", "bare");
        await server.Client.WaitUntilReadyAsync();
        var entry = GoldenFile.Entries[0];
        var reply = await server.Client.PredictAsync($$"""{"inputs":[{"ids":{{JsonSerializer.Serialize(entry.Ids)}}}],"top_k":2,"decoding":"best_path"}""");
        var prediction = Assert.Single(reply.Predictions);
        int coarse = Array.IndexOf(entry.Coarse, entry.Coarse.Max()), fine = Array.IndexOf(entry.Fine, entry.Fine.Max());
        Assert.Equal([$"coarse:{coarse}", $"fine:{fine}"], prediction.GetProperty("path").EnumerateArray().Select(l => l.GetString()));
        Assert.Equal(["coarse", "fine"], prediction.GetProperty("levels").EnumerateArray().Select(l => l.GetProperty("name").GetString()));
        Assert.Equal(entry.Coarse[coarse], prediction.GetProperty("levels")[0].GetProperty("probability").GetDouble(), 1e-5);
        (await server.Client.PredictAsync("""{"inputs":["Who ?"]}""")).AssertProblem(400, "no tokenizer");
        (await server.Client.PredictAsync("""{"inputs":[{"tokens":["Who"]}]}""")).AssertProblem(400, "no tokenizer");
        Assert.Equal(["/inputs/0/ids/0"], (await server.Client.PredictAsync("""{"inputs":[{"ids":[2000000000]}]}""")).AssertProblem(400, "0 to "));
        (await server.Client.GetAsync("/models/bare/labels")).AssertProblem(404, "labels.json");
    }

    [Fact]
    public async Task Server_WithoutTheDefaultModel_Says404()
    {
        using var folder = new ModelFolder();
        folder.Add("other");
        await using var server = await Server.StartAsync(folder.Root);
        await server.Client.WaitUntilReadyAsync();
        (await server.Client.PredictAsync(Body)).AssertProblem(404, "\"questions\"");
        (await server.Client.PostAsync("/models/other/predict", Body)).AssertOk();
    }

    private static string? State(Reply reply) => reply.Json.GetProperty("state").GetString();
}
