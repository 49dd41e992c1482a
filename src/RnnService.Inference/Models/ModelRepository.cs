using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace RnnService.Inference.Models;

/// <summary>The models and where they stand. Lookups never wait; what loads and unloads happens beside them.</summary>
public sealed partial class ModelRepository
{
    private const string DefaultUnlessStated = "questions";

    private readonly VersionLoading _loading;
    private readonly VersionTable _table;
    private readonly EngineHealth _health;
    private readonly ILogger<ModelRepository> _logger;
    private readonly ModelsOptions _options;
    private volatile bool _started;
    private long _scans;

    internal ModelRepository(IOptions<ModelsOptions> options, VersionLoading loading, EngineHealth health, ILogger<ModelRepository> logger)
    {
        _options = options.Value;
        _loading = loading;
        _table = loading.Table;
        _health = health;
        _logger = logger;
    }

    /// <summary>Name of the model that a request means when it names none.</summary>
    public string DefaultName => _options.Default ?? DefaultUnlessStated;

    /// <summary>Whether requests can be sent here: see <see cref="NotReadyBecause"/>.</summary>
    public bool Ready => NotReadyBecause is null;

    /// <summary>Whether the engine's own code has broken down, so that nothing will be answered any more.</summary>
    public bool BrokenDown => _health.BrokenDown;

    /// <summary>
    /// What keeps the service from being ready; null when it is. Ready is when every version found at the start has been tried, every required model
    /// has a ready version, at least one model has, and nothing has broken down.
    /// </summary>
    public string? NotReadyBecause
    {
        get
        {
            if (BrokenDown)
                return "The engine has broken down and the process is ending; its log says why.";
            var models = _table.Models;
            if (!_started)
                return $"Not every model has been loaded yet: {States(models.Values.SelectMany(v => v).Where(v => v.State != ModelState.Ready))}.";
            foreach (var name in _options.Required)
            {
                var versions = models.GetValueOrDefault(name, []);
                if (versions.All(v => v.State != ModelState.Ready))
                    return $"The required model \"{name}\" is not ready: {(versions.Length == 0 ? "unloaded" : States(versions))}.";
            }
            if (models.Values.Any(versions => versions.Any(v => v.State == ModelState.Ready)))
                return null;
            return models.Count == 0 ? "No model is ready: all were unloaded." : $"No model is ready: {States(models.Values.SelectMany(v => v))}.";
        }
    }

    /// <summary>What has been done since the start.</summary>
    public RepositoryCounters Counters => new(_loading.Loads, _loading.FailedLoads, _table.Unloads, Interlocked.Read(ref _scans));

    /// <summary>All models by name, each with its versions, oldest first. What was unloaded is not among them.</summary>
    public IEnumerable<KeyValuePair<string, IReadOnlyList<ModelVersion>>> All =>
        _table.Models.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, (IReadOnlyList<ModelVersion>)m.Value));

    /// <summary>Names of the models that were unloaded on request and stay so until they are loaded on request, in order.</summary>
    public IEnumerable<string> Unloaded => _table.Unloaded.Order(StringComparer.Ordinal);

    /// <summary>The versions of a model, oldest first; empty when there is no such model.</summary>
    public IReadOnlyList<ModelVersion> Versions(string name) => _table.Models.GetValueOrDefault(name, []);

    /// <summary>Finds the model to use and takes it into use: whoever gets one calls <see cref="LoadedModel.Release"/> after the last use, until which it answers even if it is replaced.</summary>
    /// <param name="name">Name of the model; null is the default model.</param>
    /// <param name="version">The version as a caller wrote it; null is the newest ready one.</param>
    public ModelLookup Find(string? name, string? version)
    {
        // a model that cannot be taken into use any more has left the table before
        while (true)
        {
            var lookup = Look(name, version);
            if (lookup.Model is null || lookup.Model.TryAcquire())
                return lookup;
        }
    }

    /// <summary>Finds a model as <see cref="Find"/> does, to read its properties only: it is not taken into use, and must not be run.</summary>
    public ModelLookup Look(string? name, string? version)
    {
        name ??= DefaultName;
        var versions = _table.Models.GetValueOrDefault(name, []);
        if (_table.Unloaded.Contains(name))
            return new(LookupResult.NoSuchModel, null, $"Model \"{name}\" was unloaded on request. POST /models/{name}/load loads it again.");
        if (versions.Length == 0)
            return new(LookupResult.NoSuchModel, null, $"There is no model \"{name}\". GET /models lists those there are.");
        if (version is null)
            return Newest(name, versions);
        foreach (var candidate in versions)
        {
            if (int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && candidate.Version == number)
                return Of(candidate);
        }
        return new(LookupResult.NoSuchVersion, null, $"Model \"{name}\" has no version \"{version}\"; it has {string.Join(", ", versions.Select(v => v.Version))}.");
    }

    /// <summary>Reads a model's folder now and loads what is new, changed, failed or unloaded in it; returns when all versions have been tried.</summary>
    /// <param name="name">Name of the model.</param>
    /// <param name="cancel">Ends the wait for the turn. Loading itself goes on to its end.</param>
    /// <returns>All versions, oldest first; empty when the repository has no such folder.</returns>
    public async Task<ModelVersion[]> LoadAsync(string name, CancellationToken cancel)
    {
        ModelVersion[] versions = [];
        await _loading.InTurnAsync(
            () =>
            {
                if (_loading.LoadModel(name))
                    versions = _table.Models.GetValueOrDefault(name, []);
            },
            cancel).ConfigureAwait(false);
        return versions;
    }

    /// <summary>Takes all versions of a model out of use, whatever changes on disk, until it is loaded on request or the server starts again. Requests that run are answered.</summary>
    /// <returns>False when there is no such model.</returns>
    public Task<bool> UnloadAsync(string name, CancellationToken cancel) =>
        cancel.IsCancellationRequested ? Task.FromCanceled<bool>(cancel) : Task.FromResult(Unload(name).Count > 0);

    /// <summary>As <see cref="UnloadAsync"/>.</summary>
    /// <returns>The versions as they were left, unloading; empty when there is no such model.</returns>
    public IReadOnlyList<ModelVersion> Unload(string name)
    {
        var versions = _table.Unload(name);
        if (versions.Count > 0)
            LogUnloaded(_logger, name);
        return versions;
    }

    /// <summary>Every version that was there at the start has been tried.</summary>
    internal void StartIsOver() => _started = true;

    internal bool Started => _started;

    internal void CountScan() => Interlocked.Increment(ref _scans);

    private static ModelLookup Newest(string name, ModelVersion[] versions)
    {
        for (int i = versions.Length - 1; i >= 0; i--)
        {
            if (versions[i].State == ModelState.Ready)
                return new(LookupResult.Found, versions[i].Model);
        }
        foreach (var version in versions)
        {
            if (version.State == ModelState.Loading)
                return new(LookupResult.StillLoading, null, $"Model \"{name}\" is loading. Try again shortly.");
        }
        return Of(versions[^1]);
    }

    private static ModelLookup Of(ModelVersion version) => version.State switch
    {
        ModelState.Ready => new(LookupResult.Found, version.Model),
        ModelState.Loading => new(LookupResult.StillLoading, null, $"Version {version.Version} of model \"{version.Name}\" is loading. Try again shortly."),
        ModelState.Unloading => new(LookupResult.NoSuchVersion, null, $"Version {version.Version} of model \"{version.Name}\" has been removed from the repository. GET /models/{version.Name} lists the versions there are."),
        _ => new(LookupResult.Failed, null, $"Version {version.Version} of model \"{version.Name}\" cannot be used: {version.Reason} GET /models/{version.Name} shows its state."),
    };

    private static string States(IEnumerable<ModelVersion> versions) =>
        string.Join("; ", versions.Select(v => $"{v.Name}/{v.Version} {(v.State == ModelState.Failed ? $"failed: {v.Reason}" : v.State.ToString().ToLowerInvariant())}"));

    [LoggerMessage(EventId = 18, Level = LogLevel.Information, Message = "Model {Model} was unloaded on request")]
    private static partial void LogUnloaded(ILogger logger, string model);
}
