using System.Collections.Frozen;

namespace RnnService.Inference.Models;

/// <summary>
/// The versions, and the steps from state to state. Readers take one immutable snapshot and never wait; each step swaps in a new one.
/// The table holds one use of every model in it. A model that leaves is disposed when its last use ends.
/// </summary>
internal sealed class VersionTable : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _change = new();
    private readonly HashSet<LoadedModel> _leaving = [];
    private readonly Dictionary<string, ModelVersion[]> _unloaded = new(StringComparer.Ordinal);
    private volatile FrozenDictionary<string, ModelVersion[]> _models;
    private volatile FrozenSet<string> _unloadedNames = [];
    private long _unloads;
    private bool _closed;

    /// <summary>Lists these as loading.</summary>
    public VersionTable(IEnumerable<ModelFolder> folders) =>
        _models = folders.GroupBy(f => f.Name).ToFrozenDictionary(g => g.Key, g => g.Select(f => new ModelVersion(f.Name, f.Version, ModelState.Loading)).ToArray(), StringComparer.Ordinal);

    /// <summary>The versions of each model, oldest first, as they are now.</summary>
    public FrozenDictionary<string, ModelVersion[]> Models => _models;

    /// <summary>Models that were unloaded on request and stay so.</summary>
    public FrozenSet<string> Unloaded => _unloadedNames;

    /// <summary>Models that were taken out of use.</summary>
    public long Unloads => Interlocked.Read(ref _unloads);

    public ModelVersion? Find(string name, int version) => _models.GetValueOrDefault(name, []).FirstOrDefault(v => v.Version == version);

    /// <summary>A version is about to be loaded. One that serves goes on serving and is not shown as loading.</summary>
    /// <returns>False when the model has been unloaded on request and must not come back.</returns>
    public bool Begin(ModelFolder folder)
    {
        lock (_change)
        {
            if (_unloaded.ContainsKey(folder.Name))
                return false;
            if (Find(folder.Name, folder.Version) is not { State: ModelState.Ready })
                Put(folder.Name, folder.Version, new ModelVersion(folder.Name, folder.Version, ModelState.Loading));
            return true;
        }
    }

    /// <summary>Puts a model to use, in place of the one that served under its name and version.</summary>
    /// <returns>False when it is not wanted any more; then it stays the caller's.</returns>
    public bool Complete(ModelFolder folder, LoadedModel model, FolderFingerprint content)
    {
        LoadedModel? old;
        lock (_change)
        {
            if (_closed || _unloaded.ContainsKey(folder.Name))
                return false;
            // one that is unloading has been retired already
            old = Find(folder.Name, folder.Version) is { State: ModelState.Ready } current ? current.Model : null;
            Put(folder.Name, folder.Version, new ModelVersion(folder.Name, folder.Version, ModelState.Ready, Model: model) { Content = content });
        }
        Retire(old);
        return true;
    }

    /// <summary>A version could not be loaded: one that serves goes on serving its old content, and says why.</summary>
    public void Refuse(ModelFolder folder, string reason, FolderFingerprint? content)
    {
        lock (_change)
        {
            if (_unloaded.ContainsKey(folder.Name))
                return;
            var refused = Find(folder.Name, folder.Version) is { State: ModelState.Ready } current
                ? current with { Reason = $"The folder has changed and was refused; what was loaded before still serves. {reason}" }
                : new ModelVersion(folder.Name, folder.Version, ModelState.Failed, reason);
            Put(folder.Name, folder.Version, refused with { Content = content });
        }
    }

    /// <summary>Takes a version out of use: unloading until its last use ends, then gone.</summary>
    public void Remove(string name, int version)
    {
        LoadedModel? leaving;
        lock (_change)
            leaving = Leave(name, version);
        Retire(leaving);
    }

    /// <summary>Takes all versions of a model out of use, until <see cref="Admit"/>.</summary>
    /// <returns>The versions as they were left; empty when there is no such model.</returns>
    public IReadOnlyList<ModelVersion> Unload(string name)
    {
        List<LoadedModel?> leaving = [];
        ModelVersion[] left;
        lock (_change)
        {
            if (_unloaded.TryGetValue(name, out var before))
                return before;
            var versions = _models.GetValueOrDefault(name, []);
            if (versions.Length == 0)
                return [];
            left = [.. versions.Select(v => new ModelVersion(name, v.Version, ModelState.Unloading))];
            _unloaded.Add(name, left);
            _unloadedNames = _unloaded.Keys.ToFrozenSet(StringComparer.Ordinal);
            foreach (var version in versions)
                leaving.Add(Leave(name, version.Version));
        }
        leaving.ForEach(Retire);
        return left;
    }

    /// <summary>Ends <see cref="Unload"/>: the model may be loaded again.</summary>
    public void Admit(string name)
    {
        lock (_change)
        {
            _unloaded.Remove(name);
            _unloadedNames = _unloaded.Keys.ToFrozenSet(StringComparer.Ordinal);
        }
    }

    /// <returns>The model to retire, once the lock is given up.</returns>
    private LoadedModel? Leave(string name, int version)
    {
        if (Find(name, version) is not { State: not ModelState.Unloading } current)
            return null;
        Put(name, version, current.Model is null ? null : new ModelVersion(name, version, ModelState.Unloading, Model: current.Model));
        return current.Model;
    }

    /// <summary>Ends the table's own use. Only after a snapshot without the model is out, so that whoever cannot acquire it finds another.</summary>
    private void Retire(LoadedModel? model)
    {
        if (model is null)
            return;
        Interlocked.Increment(ref _unloads);
        lock (_change)
            _leaving.Add(model);
        model.Release();
        _ = ForgetAsync(model);
    }

    private async Task ForgetAsync(LoadedModel model)
    {
        await model.Gone.ConfigureAwait(false);
        lock (_change)
        {
            _leaving.Remove(model);
            if (Find(model.Name, model.Version)?.Model == model)
                Put(model.Name, model.Version, null);
        }
        NativeHeap.Trim();
    }

    /// <summary>Swaps in a snapshot with another state of one version; null takes it off.</summary>
    private void Put(string name, int version, ModelVersion? state)
    {
        ModelVersion[] versions = [.. _models.GetValueOrDefault(name, []).Where(v => v.Version != version).Append(state).OfType<ModelVersion>().OrderBy(v => v.Version)];
        var models = new Dictionary<string, ModelVersion[]>(_models, StringComparer.Ordinal);
        if (versions.Length > 0)
            models[name] = versions;
        else
            models.Remove(name);
        _models = models.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Disposes all models, those included that are still in use: nobody can be waiting for them once the host has stopped.</summary>
    public void Dispose()
    {
        LoadedModel[] models;
        lock (_change)
        {
            _closed = true;
            models = [.. _leaving.Concat(_models.Values.SelectMany(v => v).Select(v => v.Model).OfType<LoadedModel>()).Distinct()];
        }
        foreach (var model in models)
            model.Dispose();
        Task.WaitAll([.. models.Select(m => m.Gone)], Patience);
    }
}
