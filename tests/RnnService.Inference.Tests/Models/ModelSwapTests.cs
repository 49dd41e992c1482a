using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RnnService.Core.Batching;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Models;

/// <summary>What a swap means for those who hold the old model, and for its memory.</summary>
public sealed partial class ModelSwapTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Find_ModelSwappedBeforeTheRun_IsAnsweredByTheOldOne()
    {
        using var folders = new ModelFolders();
        Put(folders, "good_lstm.onnx");
        await using var running = await RunningRepository.StartAsync(folders.Root, ("Models:ScanMilliseconds", "0"));
        var old = running.Repository.Find("m", null).Model!;
        var before = await Engine.ProbabilitiesAsync(old.Classifier!, [[8, 25]]);
        Put(folders, "good_gru_forward.onnx");
        await running.Repository.LoadAsync("m", TestContext.Current.CancellationToken);
        var current = running.Repository.Find("m", null).Model!;
        Assert.NotSame(old, current);
        Assert.Equal(before, await Engine.ProbabilitiesAsync(old.Classifier!, [[8, 25]]));
        Assert.NotEqual(before, await Engine.ProbabilitiesAsync(current.Classifier!, [[8, 25]]));

        Assert.False(old.Gone.IsCompleted);
        old.Release();
        await old.Gone.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.False(old.TryAcquire());
        current.Release();
        Assert.False(current.Gone.IsCompleted);
    }

    [Fact]
    public async Task Unload_WhileInUse_IsUnloadingUntilTheLastUseEnds()
    {
        using var folders = new ModelFolders();
        Put(folders, "good_lstm.onnx");
        await using var running = await RunningRepository.StartAsync(folders.Root);
        var model = running.Repository.Find("m", null).Model!;
        Assert.True(await running.Repository.UnloadAsync("m", TestContext.Current.CancellationToken));
        Assert.Equal(ModelState.Unloading, running.Only("m").State);
        Assert.Equal(["m"], running.Repository.Unloaded);
        Assert.Null(running.Repository.Find("m", null).Model);
        Assert.NotEmpty(await Engine.ProbabilitiesAsync(model.Classifier!, [[8, 25]]));
        model.Release();
        await UntilAsync(() => running.Repository.Versions("m").Count == 0);
        Assert.False(await running.Repository.UnloadAsync("nobody", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Swap_OldModel_IsNotKeptAlive()
    {
        using var folders = new ModelFolders();
        Put(folders, "good_lstm.onnx");
        await using var running = await RunningRepository.StartAsync(folders.Root, ("Models:ScanMilliseconds", "0"));
        var old = await UseAsync(running);
        Put(folders, "good_gru_forward.onnx");
        await running.Repository.LoadAsync("m", TestContext.Current.CancellationToken);
        await UntilAsync(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return !old.IsAlive;
        });
    }

    [Fact]
    public async Task Load_FolderChangesMeanwhile_ThrowsAwayWhatWasLoaded()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no named pipes in the file system.");
        using var folders = new ModelFolders();
        Put(folders, "good_lstm.onnx");
        await using var running = await RunningRepository.StartAsync(folders.Root, ("Models:ScanMilliseconds", "0"));
        var manifest = Path.Combine(folders.Root, "m", "1", "model.json");
        Assert.Equal(0, MakePipe(manifest, 0b110_000_000));
        var load = running.Repository.LoadAsync("m", TestContext.Current.CancellationToken);
        var pipe = await Task.Run(() => new FileStream(manifest, FileMode.Open, FileAccess.Write), TestContext.Current.CancellationToken);   // the loader reads
        await using (pipe)
        {
            var whole = Path.Combine(folders.Root, "m", "whole.json");
            await File.WriteAllTextAsync(whole, """{"description":"whole"}""", TestContext.Current.CancellationToken);
            File.Move(whole, manifest, overwrite: true);
            await pipe.WriteAsync("""{"description":"half"}"""u8.ToArray(), TestContext.Current.CancellationToken);
        }
        var version = Assert.Single(await load);
        Assert.Equal("whole", version.Model!.Description);
        Assert.Equal(2, running.Repository.Counters.Loads);   // at the start, and once here
    }

    [Fact]
    public async Task Find_FolderSwappedAllTheTime_AlwaysFindsAModelThatRuns()
    {
        using var folders = new ModelFolders();
        Put(folders, "good_lstm.onnx");
        await using var running = await RunningRepository.StartAsync(folders.Root, ("Models:ScanMilliseconds", "0"));
        using var end = new CancellationTokenSource();
        var users = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                var model = running.Repository.Find("m", null).Model;
                Assert.NotNull(model);
                await Engine.ProbabilitiesAsync(model.Classifier!, [[8, 25]]);
                model.Release();
            }
        })).ToArray();
        for (int i = 0; i < 10; i++)
        {
            Put(folders, i % 2 == 0 ? "good_gru_forward.onnx" : "good_lstm.onnx");
            Assert.Equal(ModelState.Ready, Assert.Single(await running.Repository.LoadAsync("m", TestContext.Current.CancellationToken)).State);
        }
        await end.CancelAsync();
        await Task.WhenAll(users);
        Assert.Equal(11, running.Repository.Counters.Loads);
        Assert.Equal(10, running.Repository.Counters.Unloads);
    }

    [Fact]
    public async Task Load_ExternalData_IsNotReadFromTheFolderAnyMore()
    {
        using var folders = new ModelFolders();
        var folder = Directory.CreateDirectory(Path.Combine(folders.Root, "m", "1", "weights")).Parent!.FullName;
        var golden = RepositoryRoot.Combine("tests", "golden", "bare", "lstm_external_files");
        foreach (var file in Directory.EnumerateFiles(golden, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(folder, Path.GetRelativePath(golden, file)));
        await using var running = await RunningRepository.StartAsync(folders.Root, ("Models:ScanMilliseconds", "0"));
        var model = running.Only("m").Model!.Classifier!;
        var before = await NumbersAsync(model);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "weights")))
            await File.WriteAllBytesAsync(file, [], TestContext.Current.CancellationToken);   // in place, and cut short: mapped pages of it are gone
        Assert.Equal(before, await NumbersAsync(model));
        Assert.Equal(ModelState.Ready, Assert.Single(await running.Repository.LoadAsync("m", TestContext.Current.CancellationToken)).State);
        Assert.Contains("refused", running.Only("m").Reason, StringComparison.Ordinal);
        Assert.Equal(before, await NumbersAsync(model));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> UseAsync(RunningRepository running)
    {
        var model = running.Repository.Find("m", null).Model!;
        await Engine.ProbabilitiesAsync(model.Classifier!, [[8, 25]]);
        model.Release();
        return new WeakReference(model);
    }

    /// <summary>What a model that takes features answers to two time steps.</summary>
    private static async Task<float[]> NumbersAsync(Classifier model)
    {
        using var request = model.NewRequest();
        var sequences = (Sequences<float>)request.Sequences;
        for (int i = 0; i < 2 * model.Width; i++)
            sequences.Add(i);
        sequences.Finish();
        Assert.Equal(RunOutcome.Done, await model.RunAsync(request, Patience, TestContext.Current.CancellationToken));
        return request.Numbers(0).ToArray();
    }

    private static void Put(ModelFolders folders, string export)
    {
        var folder = Directory.CreateDirectory(Path.Combine(folders.Root, "m", "1")).FullName;
        File.Copy(RepositoryRoot.Combine("tests", "golden", "exports", export), Path.Combine(folder, "model.onnx"), overwrite: true);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(10, patience.Token);
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MakePipe(string path, uint mode);
}
