namespace RnnService.Inference.Models;

/// <summary>State of a version in the repository.</summary>
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
/// <param name="Reason">Why it failed.</param>
/// <param name="Model">The model, when ready.</param>
public sealed record ModelVersion(string Name, int Version, ModelState State, string? Reason = null, LoadedModel? Model = null);

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
