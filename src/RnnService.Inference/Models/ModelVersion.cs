namespace RnnService.Inference.Models;

/// <summary>State of a version in the repository. A version that has been unloaded has none: it is not listed any more.</summary>
public enum ModelState
{
    Loading,
    Ready,
    Failed,
    Unloading,
}

/// <summary>A version as the repository knows it at one moment. Immutable.</summary>
/// <param name="Name">Name of the model.</param>
/// <param name="Version">The version, at least 1.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Reason">Why it failed; of a ready one, why its changed folder was refused.</param>
/// <param name="Model">The model, when ready, or unloading and still in use. Running it takes a lease: <see cref="ModelRepository.Find"/>.</param>
public sealed record ModelVersion(string Name, int Version, ModelState State, string? Reason = null, LoadedModel? Model = null)
{
    /// <summary>The content of the folder that was loaded, or refused, last; null before the first time.</summary>
    internal FolderFingerprint? Content { get; init; }
}

/// <summary>What a name and a version stand for right now.</summary>
public enum LookupResult
{
    Found,
    NoSuchModel,
    NoSuchVersion,
    StillLoading,
    Failed,
}

/// <param name="Result">Whether there is a model to use.</param>
/// <param name="Model">The model, when found.</param>
/// <param name="Detail">For a caller, when not found: what is wrong and what to do.</param>
public readonly record struct ModelLookup(LookupResult Result, LoadedModel? Model, string? Detail = null);

/// <summary>What the repository has done since the start.</summary>
/// <param name="Loads">Versions that were loaded.</param>
/// <param name="FailedLoads">Versions that could not be loaded.</param>
/// <param name="Unloads">Versions that were taken out of use: removed, unloaded on request, or replaced.</param>
/// <param name="Scans">Looks at the repository's folder.</param>
public readonly record struct RepositoryCounters(long Loads, long FailedLoads, long Unloads, long Scans);
