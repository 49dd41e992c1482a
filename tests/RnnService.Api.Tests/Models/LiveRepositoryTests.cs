using System.Runtime.CompilerServices;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Models;

/// <summary>What changes on disk while the server answers.</summary>
public sealed class LiveRepositoryTests
{
    [Fact]
    public async Task NewVersion_MovedIn_IsLoadedAndBecomesTheDefault()
    {
        await using var server = await LiveServer.StartAsync();
        server.Folder.Swap("m", 3, LiveServer.Gru);
        await server.UntilAsync("m", 3, "ready");
        Assert.Equal("3", (await server.Client.PredictAsync(LiveServer.Body)).Json.GetProperty("version").GetString());
        Assert.Equal("1", (await server.Client.PostAsync("/models/m/versions/1/predict", LiveServer.Body)).Json.GetProperty("version").GetString());
        Assert.Equal("3", (await server.Client.GetAsync("/models/m")).Json.GetProperty("default_version").GetString());
    }

    [Fact]
    public async Task NewModel_MovedIn_IsServed()
    {
        await using var server = await LiveServer.StartAsync();
        server.Folder.Swap("late", 1, LiveServer.Gru);
        await server.UntilAsync("late", 1, "ready");
        Assert.True(LiveServer.Same(await server.PredictAsync("/models/other/predict"), await server.PredictAsync("/models/late/predict")));
    }

    [Fact]
    public async Task ChangedFolder_IsSwappedIn()
    {
        await using var server = await LiveServer.StartAsync();
        var gru = await server.PredictAsync("/models/other/predict");
        Assert.False(LiveServer.Same(gru, await server.PredictAsync()));
        server.Folder.Swap("m", 1, LiveServer.Gru);
        await Wait.UntilAsync(async () => LiveServer.Same(gru, await server.PredictAsync()), () => "The changed folder is not loaded.");
        Assert.Equal("ready", await server.StateAsync("m", 1));
    }

    [Fact]
    public async Task PartialCopy_IsNotTouchedUntilItIsComplete()
    {
        await using var server = await LiveServer.StartAsync("--Models:StableMilliseconds", "3000");
        var graph = await File.ReadAllBytesAsync(ModelFolder.Export(LiveServer.Gru), TestContext.Current.CancellationToken);
        long failures = await server.CounterAsync("rnn_model_load_failures_total");
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(server.Folder.Root, "m", "2")).FullName, "model.onnx");
        int written = graph.Length / 2;
        await File.WriteAllBytesAsync(path, graph[..written], TestContext.Current.CancellationToken);
        for (int i = 0; i < 20; i++)   // a slow copy, which goes on between the looks
        {
            await server.ScansAsync(2);
            Assert.Null(await server.StateAsync("m", 2));
            await File.WriteAllBytesAsync(path, graph[..++written], TestContext.Current.CancellationToken);
        }
        await File.WriteAllBytesAsync(path, graph, TestContext.Current.CancellationToken);
        await server.UntilAsync("m", 2, "ready");
        Assert.Equal(failures, await server.CounterAsync("rnn_model_load_failures_total"));
    }

    [Fact]
    public async Task BrokenNewVersion_IsReportedAndTheOldServes()
    {
        await using var server = await LiveServer.StartAsync();
        server.Folder.Swap("m", 2, "This is no model."u8.ToArray());
        await server.UntilAsync("m", 2, "failed");
        Assert.Contains("model.onnx cannot be loaded", await server.ReasonAsync("m", 2), StringComparison.Ordinal);
        Assert.Equal("1", (await server.Client.PredictAsync(LiveServer.Body)).Json.GetProperty("version").GetString());
        (await server.Client.GetAsync("/health/ready")).AssertOk();

        long failures = await server.CounterAsync("rnn_model_load_failures_total");
        await server.ScansAsync(10);
        Assert.Equal(failures, await server.CounterAsync("rnn_model_load_failures_total"));   // not tried again while it is the same
        server.Folder.Swap("m", 2, LiveServer.Gru);
        await server.UntilAsync("m", 2, "ready");
    }

    [Fact]
    public async Task BrokenChange_IsReportedAndTheOldContentServes()
    {
        await using var server = await LiveServer.StartAsync();
        var before = await server.PredictAsync();
        server.Folder.Swap("m", 1, "This is no model."u8.ToArray());
        await Wait.UntilAsync(async () => await server.ReasonAsync("m", 1) is not null, () => "The change is not reported.");
        Assert.Contains("refused", await server.ReasonAsync("m", 1), StringComparison.Ordinal);
        Assert.Contains("model.onnx cannot be loaded", await server.ReasonAsync("m", 1), StringComparison.Ordinal);
        Assert.Equal("ready", await server.StateAsync("m", 1));
        Assert.True(LiveServer.Same(before, await server.PredictAsync()));
        (await server.Client.GetAsync("/health/ready")).AssertOk();
        server.Folder.Swap("m", 1, LiveServer.Gru);
        await Wait.UntilAsync(async () => await server.ReasonAsync("m", 1) is null, () => "The mended folder is not loaded.");
        Assert.True(LiveServer.Same(await server.PredictAsync("/models/other/predict"), await server.PredictAsync()));
    }

    [Fact]
    public async Task RemovedVersion_GoesAndTheOneBeforeServes()
    {
        await using var server = await LiveServer.StartAsync();
        server.Folder.Swap("m", 2, LiveServer.Gru);
        await server.UntilAsync("m", 2, "ready");
        Directory.Delete(Path.Combine(server.Folder.Root, "m", "2"), recursive: true);
        await server.UntilAsync("m", 2, null);
        Assert.Equal("1", (await server.Client.PredictAsync(LiveServer.Body)).Json.GetProperty("version").GetString());
        (await server.Client.PostAsync("/models/m/versions/2/predict", LiveServer.Body)).AssertProblem(404);

        Directory.Delete(Path.Combine(server.Folder.Root, "m"), recursive: true);
        await server.UntilAsync("m", 1, null);
        (await server.Client.PredictAsync(LiveServer.Body)).AssertProblem(404, "no model \"m\"");
        (await server.Client.PostAsync("/models/other/predict", LiveServer.Body)).AssertOk();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RootGoneOrEmpty_LeavesEverythingServing(bool gone)
    {
        await using var server = await LiveServer.StartAsync();
        var away = $"{server.Folder.Root}-away";
        Directory.Move(server.Folder.Root, away);
        if (!gone)
            Directory.CreateDirectory(server.Folder.Root);
        await server.ScansAsync(20);
        (await server.Client.PredictAsync(LiveServer.Body)).AssertOk();
        (await server.Client.PostAsync("/models/m/load", "")).AssertProblem(404);
        if (!gone)
            Directory.Delete(server.Folder.Root);
        Directory.Move(away, server.Folder.Root);
        server.Folder.Swap("m", 2, LiveServer.Gru);
        await server.UntilAsync("m", 2, "ready");
    }

    [Fact]
    public async Task ScanOff_TakesChangesOnRequestOnly()
    {
        await using var server = await LiveServer.StartAsync("--Models:ScanMilliseconds", "0");
        server.Folder.Swap("m", 2, LiveServer.Gru);
        Assert.Null(await server.StateAsync("m", 2));
        (await server.Client.PostAsync("/models/m/load", "")).AssertOk();
        Assert.Equal("ready", await server.StateAsync("m", 2));
        Assert.Equal(0, await server.CounterAsync("rnn_repository_scans_total"));
    }

    [Fact]
    public async Task SwappedModel_ThatAnsweredOnManyThreads_IsNotKeptAlive()
    {
        await using var server = await LiveServer.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => server.PredictAsync()));
        var old = Weakly(server);
        server.Folder.Swap("m", 1, LiveServer.Gru);
        (await server.Client.PostAsync("/models/m/load", "")).AssertOk();
        await Wait.UntilAsync(
            async () =>
            {
                await server.PredictAsync();   // connections and pools let go of their last request with the next
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return !old.IsAlive;
            },
            () => "Something holds on to the model.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Weakly(LiveServer server) => new(server.Repository.Look("m", null).Model);
}
