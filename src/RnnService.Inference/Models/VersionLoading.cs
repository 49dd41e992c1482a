using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace RnnService.Inference.Models;

/// <summary>
/// Brings folders into the <see cref="VersionTable"/>: loads, probes and warms a model beside what serves, and swaps it in only if the folder
/// is still what it was before. One model at a time, whoever asks, so that loading takes no more than its share from serving.
/// </summary>
internal sealed partial class VersionLoading : IDisposable
{
    private const int Attempts = 3;

    private readonly ModelLoader _loader;
    private readonly ILogger<VersionLoading> _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private long _loads;
    private long _failedLoads;

    public VersionLoading(IOptions<ModelsOptions> options, ModelLoader loader, ILogger<VersionLoading> logger)
    {
        _loader = loader;
        _logger = logger;
        Root = options.Value.FindRoot()!;
        AtStart = RepositoryFolder.Read(Root).Versions;
        Table = new VersionTable(AtStart);
    }

    /// <summary>The repository's folder, which stays the same if another of its possible places comes to life later.</summary>
    public string Root { get; }

    public IReadOnlyList<ModelFolder> AtStart { get; }

    public VersionTable Table { get; }

    /// <summary>Versions that were loaded.</summary>
    public long Loads => Interlocked.Read(ref _loads);

    /// <summary>Versions that could not be loaded.</summary>
    public long FailedLoads => Interlocked.Read(ref _failedLoads);

    /// <summary>Does something that loads, when nothing else does; waiting can be cancelled, loading cannot.</summary>
    public async Task InTurnAsync(Action work, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await Task.Run(work, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Loads a folder whether it has been stable for a while or not. What goes wrong becomes the version's state.</summary>
    public void Load(ModelFolder folder)
    {
        for (int i = 0; i < Attempts; i++)
        {
            if (TryLoad(folder))
                return;
        }
        Refuse(folder, "The folder cannot be read, or changed each time while it was being loaded. It is tried again once it stays the same; let the server read it, and finish writing to it.", null, null);
    }

    /// <summary>Loads a folder once. What goes wrong becomes the version's state.</summary>
    /// <returns>False when the folder changed meanwhile: nothing is known of it then, and nothing has changed.</returns>
    public bool TryLoad(ModelFolder folder)
    {
        var content = FolderFingerprint.TryTake(folder.Path);
        if (!Table.Begin(folder))
            return true;
        long started = Stopwatch.GetTimestamp();
        LoadedModel? model = null;
        Exception? fault = null;
        try
        {
            using var copy = PrivateCopy.Of(folder);
            model = _loader.Load(copy.Folder);
        }
        catch (Exception e)
        {
            // whatever a file that somebody brought can throw must not keep the other models from serving
            fault = e;
        }
        bool unchanged = content is not null && content == FolderFingerprint.TryTake(folder.Path);
        if (!unchanged)
            LogChanged(_logger, folder.Name, folder.Version);
        else if (fault is not null)
            Refuse(folder, fault.Message, content, fault is ModelLoadException ? fault.InnerException : fault);
        else if (Table.Complete(folder, model!, content!))
        {
            Interlocked.Increment(ref _loads);
            var mode = model!.Classifier?.Mode;
            LogLoaded(_logger, folder.Name, folder.Version, Stopwatch.GetElapsedTime(started).TotalMilliseconds, mode?.Name ?? "tensors only", mode?.Reason ?? string.Join(" ", model.WhyNoClassifier));
            if (mode?.Remedy is { } remedy)
                LogSlowMode(_logger, folder.Name, folder.Version, mode.Name, remedy);
            if (model.Classifier is null && model.Graph.LooksLikeClassifier)
                LogNoPredictions(_logger, folder.Name, folder.Version, string.Join(" ", model.WhyNoClassifier));
            model = null;   // it is the table's
        }
        model?.Dispose();
        NativeHeap.Trim();   // what parsing, probing and a refused model have left
        return unchanged;
    }

    /// <summary>Brings all versions of a model to what its folder holds now, failed and unloaded ones too.</summary>
    /// <returns>False when the repository has no such folder, or cannot be read.</returns>
    public bool LoadModel(string name)
    {
        var folders = ReadModel(name);
        if (folders.Count == 0)
            return false;
        Table.Admit(name);
        foreach (var version in Table.Models.GetValueOrDefault(name, []).Where(v => folders.All(f => f.Version != v.Version)))
            Table.Remove(name, version.Version);
        foreach (var folder in folders)
        {
            if (Table.Find(name, folder.Version) is not { State: ModelState.Ready } current || current.Content is null || current.Content != FolderFingerprint.TryTake(folder.Path))
                Load(folder);
        }
        return true;
    }

    private IReadOnlyList<ModelFolder> ReadModel(string name)
    {
        try
        {
            return [.. RepositoryFolder.Read(Root).Versions.Where(f => f.Name == name)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(_logger, name, Root, e.Message);
            return [];
        }
    }

    private void Refuse(ModelFolder folder, string reason, FolderFingerprint? content, Exception? cause)
    {
        Interlocked.Increment(ref _failedLoads);
        Table.Refuse(folder, reason, content);
        if (Table.Find(folder.Name, folder.Version) is { State: ModelState.Ready })
            LogRefused(_logger, cause, folder.Name, folder.Version, reason);
        else
            LogFailed(_logger, cause, folder.Name, folder.Version, reason);
    }

    /// <summary>The turn is not disposed: it holds nothing, and a load that goes on while the host is disposed gives it back.</summary>
    public void Dispose() => Table.Dispose();

    [LoggerMessage(EventId = 10, Level = LogLevel.Information, Message = "Model {Model} version {Version} is ready after {Milliseconds:F0} ms, mode {Mode}: {Reason}")]
    private static partial void LogLoaded(ILogger logger, string model, int version, double milliseconds, string mode, string reason);

    [LoggerMessage(EventId = 11, Level = LogLevel.Error, Message = "Model {Model} version {Version} failed to load: {Reason}")]
    private static partial void LogFailed(ILogger logger, Exception? exception, string model, int version, string reason);

    [LoggerMessage(EventId = 12, Level = LogLevel.Warning, Message = "Model {Model} version {Version} could be faster than in mode {Mode}: {Remedy}")]
    private static partial void LogSlowMode(ILogger logger, string model, int version, string mode, string remedy);

    [LoggerMessage(EventId = 22, Level = LogLevel.Warning, Message = "Model {Model} version {Version} answers raw tensors only, and no predictions: {Reason}")]
    private static partial void LogNoPredictions(ILogger logger, string model, int version, string reason);

    [LoggerMessage(EventId = 13, Level = LogLevel.Error, Message = "The changed folder of model {Model} version {Version} failed to load; what was loaded before still serves: {Reason}")]
    private static partial void LogRefused(ILogger logger, Exception? exception, string model, int version, string reason);

    [LoggerMessage(EventId = 14, Level = LogLevel.Warning, Message = "The folder of model {Model} version {Version} changed while it was being loaded; what was loaded is thrown away")]
    private static partial void LogChanged(ILogger logger, string model, int version);

    [LoggerMessage(EventId = 19, Level = LogLevel.Warning, Message = "Model {Model} cannot be loaded on request, since the model repository {Root} cannot be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string model, string root, string reason);
}
