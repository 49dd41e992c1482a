using RnnService.Api.Errors;
using RnnService.Inference.Models;

namespace RnnService.Api.OpenInference;

/// <summary>A model in use: it is not disposed before the lease.</summary>
internal readonly struct ModelLease(LoadedModel model) : IDisposable
{
    public LoadedModel Model { get; } = model;

    /// <summary>Takes the model that an address means.</summary>
    /// <returns>The lease, or why there is none.</returns>
    public static (ModelLease Lease, Problem? Problem) Take(ModelRepository repository, HttpContext context)
    {
        var lookup = repository.Find((string?)context.GetRouteValue("model"), (string?)context.GetRouteValue("version"));
        return lookup.Model is null ? (default, WhyNot(lookup)) : (new ModelLease(lookup.Model), null);
    }

    private static Problem WhyNot(ModelLookup lookup) => lookup.Result switch
    {
        LookupResult.NoSuchModel or LookupResult.NoSuchVersion => Problem.NotFound("", lookup.Detail!),
        LookupResult.StillLoading => Problem.Unavailable(lookup.Detail!, 1),
        _ => Problem.Unavailable(lookup.Detail!, 30),
    };

    public void Dispose() => Model?.Release();
}
