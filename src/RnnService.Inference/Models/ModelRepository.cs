using System.Collections.Frozen;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace RnnService.Inference.Models;

/// <summary>
/// The models and where they stand. Readers take one immutable snapshot and never wait; each change swaps in a new one.
/// </summary>
public sealed partial class ModelRepository : IDisposable
{
    private const string DefaultUnlessStated = "questions";

    private readonly ModelLoader _loader;
    private readonly EngineHealth _health;
    private readonly ILogger<ModelRepository> _logger;
    private readonly ModelsOptions _options;
    private readonly Lock _change = new();
    private volatile FrozenDictionary<string, ModelVersion[]> _models;

    internal ModelRepository(IOptions<ModelsOptions> options, ModelLoader loader, EngineHealth health, ILogger<ModelRepository> logger)
    {
        _options = options.Value;
        _loader = loader;
        _health = health;
        _logger = logger;
        Folders = ModelFolder.FindAll(_options.FindRoot()!);
        _models = Folders.GroupBy(f => f.Name).ToFrozenDictionary(g => g.Key, g => g.Select(f => new ModelVersion(f.Name, f.Version, ModelState.Loading)).ToArray(), StringComparer.Ordinal);
    }

    /// <summary>Name of the model that a request means when it names none.</summary>
    public string DefaultName => _options.Default ?? DefaultUnlessStated;

    /// <summary>Whether every version has loaded and warmed up, and nothing has broken down since.</summary>
    public bool Ready => !_health.BrokenDown && _models.Values.All(versions => versions.All(v => v.State == ModelState.Ready));

    /// <summary>Whether the engine's own code has broken down, so that nothing will be answered any more.</summary>
    public bool BrokenDown => _health.BrokenDown;

    internal IReadOnlyList<ModelFolder> Folders { get; }

    /// <summary>All models by name, each with its versions, oldest first.</summary>
    public IEnumerable<KeyValuePair<string, IReadOnlyList<ModelVersion>>> All =>
        _models.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, (IReadOnlyList<ModelVersion>)m.Value));

    /// <summary>The versions of a model, oldest first; empty when there is no such model.</summary>
    public IReadOnlyList<ModelVersion> Versions(string name) => _models.GetValueOrDefault(name, []);

    /// <summary>Finds the model to use.</summary>
    /// <param name="name">Name of the model; null is the default model.</param>
    /// <param name="version">The version as a caller wrote it; null is the newest ready one.</param>
    public ModelLookup Find(string? name, string? version)
    {
        name ??= DefaultName;
        var versions = _models.GetValueOrDefault(name, []);
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
        _ => new(LookupResult.Failed, null, $"Version {version.Version} of model \"{version.Name}\" cannot be used: {version.Reason ?? version.State.ToString()} GET /models/{version.Name} shows its state."),
    };

    /// <summary>Loads one version; what goes wrong becomes its state.</summary>
    internal void Load(ModelFolder folder)
    {
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        try
        {
            var model = _loader.Load(folder);
            Set(new ModelVersion(folder.Name, folder.Version, ModelState.Ready, Model: model));
            var mode = model.Classifier?.Mode;
            LogLoaded(_logger, folder.Name, folder.Version, System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalMilliseconds, mode?.Name ?? "tensors only", mode?.Reason ?? string.Join(" ", model.WhyNoClassifier));
            if (mode?.Remedy is { } remedy)
                LogSlowMode(_logger, folder.Name, folder.Version, mode.Name, remedy);
        }
        catch (Exception e)
        {
            // whatever a file that somebody brought can throw must not keep the other models from serving
            Set(new ModelVersion(folder.Name, folder.Version, ModelState.Failed, e.Message));
            LogFailed(_logger, e is ModelLoadException ? e.InnerException : e, folder.Name, folder.Version, e.Message);
        }
    }

    private void Set(ModelVersion changed)
    {
        lock (_change)
        {
            _models = _models.ToFrozenDictionary(
                m => m.Key,
                m => m.Key == changed.Name ? [.. m.Value.Select(v => v.Version == changed.Version ? changed : v)] : m.Value,
                StringComparer.Ordinal);
        }
    }

    public void Dispose()
    {
        foreach (var version in _models.Values.SelectMany(v => v))
            version.Model?.Dispose();
    }

    [LoggerMessage(EventId = 10, Level = LogLevel.Information, Message = "Model {Model} version {Version} is ready after {Milliseconds:F0} ms, mode {Mode}: {Reason}")]
    private static partial void LogLoaded(ILogger logger, string model, int version, double milliseconds, string mode, string reason);

    [LoggerMessage(EventId = 12, Level = LogLevel.Warning, Message = "Model {Model} version {Version} could be faster than in mode {Mode}: {Remedy}")]
    private static partial void LogSlowMode(ILogger logger, string model, int version, string mode, string remedy);

    [LoggerMessage(EventId = 11, Level = LogLevel.Error, Message = "Model {Model} version {Version} failed to load: {Reason}")]
    private static partial void LogFailed(ILogger logger, Exception? exception, string model, int version, string reason);
}
