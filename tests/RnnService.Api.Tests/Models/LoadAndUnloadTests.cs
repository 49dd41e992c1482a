namespace RnnService.Api.Tests.Models;

public sealed class LoadAndUnloadTests
{
    [Fact]
    public async Task Unload_ReadyModel_StaysUnloadedUntilLoad()
    {
        await using var server = await LiveServer.StartAsync();
        var before = await server.PredictAsync();
        var unload = await server.Client.PostAsync("/models/m/unload", "");
        unload.AssertOk();
        Assert.Equal("unloading", unload.Json.GetProperty("state").GetString());
        Assert.Equal(["unloading"], unload.Json.GetProperty("versions").EnumerateArray().Select(v => v.GetProperty("state").GetString()));
        (await server.Client.PredictAsync(LiveServer.Body)).AssertProblem(404, "POST /models/m/load");
        await server.UntilAsync("m", 1, null);
        (await server.Client.GetAsync("/models/m")).AssertProblem(404, "unloaded on request");
        Assert.DoesNotContain((await server.Client.GetAsync("/models")).Json.GetProperty("models").EnumerateArray(), m => m.GetProperty("name").GetString() == "m");
        (await server.Client.PostAsync("/models/m/unload", "")).AssertOk();   // again does no harm

        server.Folder.Swap("m", 1, LiveServer.Gru);
        server.Folder.Swap("m", 2, LiveServer.Lstm);
        await server.ScansAsync(10);
        (await server.Client.PredictAsync(LiveServer.Body)).AssertProblem(404, "POST /models/m/load");
        (await server.Client.PostAsync("/models/other/predict", LiveServer.Body)).AssertOk();

        var load = await server.Client.PostAsync("/models/m/load", "");
        load.AssertOk();
        Assert.Equal("2", load.Json.GetProperty("default_version").GetString());
        Assert.Equal(["ready", "ready"], load.Json.GetProperty("versions").EnumerateArray().Select(v => v.GetProperty("state").GetString()));
        Assert.True(LiveServer.Same(before, await server.PredictAsync()));
    }

    [Fact]
    public async Task Load_ChangedFolder_IsTakenAtOnceAndAnUnchangedOneIsLeftAlone()
    {
        await using var server = await LiveServer.StartAsync("--Models:ScanMilliseconds", "0");
        long loads = await server.CounterAsync("rnn_model_loads_total");
        (await server.Client.PostAsync("/models/m/load", "")).AssertOk();
        Assert.Equal(loads, await server.CounterAsync("rnn_model_loads_total"));
        server.Folder.Swap("m", 1, LiveServer.Gru);
        (await server.Client.PostAsync("/models/m/load", "")).AssertOk();
        Assert.Equal(loads + 1, await server.CounterAsync("rnn_model_loads_total"));
        Assert.True(LiveServer.Same(await server.PredictAsync("/models/other/predict"), await server.PredictAsync()));
    }

    [Fact]
    public async Task Load_NoReadyVersion_Is503WithTheReasons()
    {
        await using var server = await LiveServer.StartAsync();
        server.Folder.Swap("broken", 1, "This is no model."u8.ToArray());
        server.Folder.Swap("broken", 2, []);
        var reply = await server.Client.PostAsync("/models/broken/load", "");
        reply.AssertProblem(503, "Version 1: ");
        reply.AssertProblem(503, "Version 2: ");
        reply.AssertProblem(503, "model.onnx cannot be loaded");
    }

    [Theory]
    [InlineData("load")]
    [InlineData("unload")]
    public async Task LoadOrUnload_OtherName_Is404(string action)
    {
        await using var server = await LiveServer.StartAsync();
        (await server.Client.PostAsync($"/models/nobody/{action}", "")).AssertProblem(404, "\"nobody\"");
        (await server.Client.PostAsync($"/models/..%2Fm/{action}", "")).AssertProblem(404);
        Assert.Equal(405, (await server.Client.GetAsync($"/models/m/{action}")).Status);
    }

    [Fact]
    public async Task LoadsAndUnloadsInTurmoil_EndInTheLastOnesState()
    {
        await using var server = await LiveServer.StartAsync();
        for (int i = 0; i < 10; i++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => server.Client.PostAsync($"/models/m/{(n % 2 == 0 ? "load" : "unload")}", "")));
            Assert.All(replies, r => Assert.Contains(r.Status, new[] { 200, 404, 503 }));   // 404, 503: unloaded again, or being unloaded, before the load could say what it had loaded
        }
        (await server.Client.PostAsync("/models/m/load", "")).AssertOk();
        Assert.Equal(6, (await server.PredictAsync()).Length);
        (await server.Client.PostAsync("/models/m/unload", "")).AssertOk();
        await server.UntilAsync("m", 1, null);
        (await server.Client.GetAsync("/models")).AssertOk();
    }
}
