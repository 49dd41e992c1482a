using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace RnnService.Inference.Models;

/// <summary>
/// Loads every version in the background, so that the server listens, and says "loading", from the first moment; then follows what changes on disk.
/// It polls: notifications of the file system do not reach across network file systems and container mounts.
/// </summary>
internal sealed partial class ModelLoading(ModelRepository repository, VersionLoading loading, IOptions<ModelsOptions> options, ILogger<ModelLoading> logger) : BackgroundService
{
    private readonly FolderWatch _watch = new(TimeSpan.FromMilliseconds(options.Value.StableMilliseconds), TimeProvider.System);
    private bool _rootMissing;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await FollowAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the host takes it for a fault where it is disposed without being stopped
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        foreach (var folder in loading.AtStart.OrderBy(f => f.Name != repository.DefaultName))
            await loading.InTurnAsync(() => LoadAtStart(folder), stop).ConfigureAwait(false);
        repository.StartIsOver();
        if (options.Value.ScanMilliseconds == 0)
            return;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.ScanMilliseconds));
        while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            await loading.InTurnAsync(() => Scan(stop), stop).ConfigureAwait(false);
    }

    private void LoadAtStart(ModelFolder folder)
    {
        // unless a request was quicker
        if (loading.Table.Find(folder.Name, folder.Version) is { State: ModelState.Loading })
            loading.Load(folder);
    }

    private void Scan(CancellationToken stop)
    {
        try
        {
            var found = RepositoryFolder.Read(loading.Root);
            // A volume that is not mounted is an empty folder, and no operator empties a service by its last model.
            if (found.Versions.Count == 0 && found.Unreadable.Count == 0)
                throw new IOException("It holds no model.");
            if (_rootMissing)
                LogRootBack(logger, loading.Root);
            _rootMissing = false;
            Follow(found, stop);
        }
        catch (Exception e)
        {
            // whatever a file system throws: what is loaded must go on serving
            if (!_rootMissing)
                LogRootMissing(logger, loading.Root, e.Message);
            _rootMissing = true;
        }
        repository.CountScan();
    }

    private void Follow(RepositoryFolder found, CancellationToken stop)
    {
        foreach (var folder in found.Versions)
        {
            if (!stop.IsCancellationRequested && !loading.Table.Unloaded.Contains(folder.Name))
                Follow(folder);
        }
        foreach (var version in loading.Table.Models.Values.SelectMany(v => v))
        {
            bool gone = version.State != ModelState.Unloading && !found.Unreadable.Contains(version.Name)
                && !found.Versions.Any(f => f.Name == version.Name && f.Version == version.Version);
            if (!gone || !_watch.IsStable(version.Name, version.Version, null))
                continue;
            _watch.Forget(version.Name, version.Version);
            LogRemoved(logger, version.Name, version.Version);
            loading.Table.Remove(version.Name, version.Version);
        }
    }

    private void Follow(ModelFolder folder)
    {
        var known = loading.Table.Find(folder.Name, folder.Version);
        var content = FolderFingerprint.TryTake(folder.Path);
        if (content is null || (known is { State: not ModelState.Unloading } && known.Content == content))
            _watch.Forget(folder.Name, folder.Version);
        else if (_watch.IsStable(folder.Name, folder.Version, content))
        {
            _watch.Forget(folder.Name, folder.Version);
            loading.TryLoad(folder);
        }
    }

    [LoggerMessage(EventId = 15, Level = LogLevel.Information, Message = "The folder of model {Model} version {Version} is gone; the version is unloaded")]
    private static partial void LogRemoved(ILogger logger, string model, int version);

    [LoggerMessage(EventId = 16, Level = LogLevel.Warning, Message = "The model repository {Root} cannot be read; everything that is loaded goes on serving: {Reason}")]
    private static partial void LogRootMissing(ILogger logger, string root, string reason);

    [LoggerMessage(EventId = 17, Level = LogLevel.Information, Message = "The model repository {Root} can be read again")]
    private static partial void LogRootBack(ILogger logger, string root);
}
