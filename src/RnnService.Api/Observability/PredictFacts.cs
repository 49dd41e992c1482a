using RnnService.Inference.Models;

namespace RnnService.Api.Observability;

/// <summary>What a prediction request leaves for the request log: never anything of an input's content.</summary>
internal sealed class PredictFacts
{
    public required LoadedModel Model { get; init; }

    public required int Sequences { get; init; }

    public TimeSpan Queue { get; init; }

    public TimeSpan Infer { get; init; }

    public TimeSpan Decode { get; set; }
}
