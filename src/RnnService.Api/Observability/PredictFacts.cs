namespace RnnService.Api.Observability;

/// <summary>
/// What a prediction request leaves for the request log: never anything of an input's content, nor the model itself, which an idle connection would keep alive.
/// </summary>
internal sealed class PredictFacts
{
    public required string Model { get; init; }

    public required int Version { get; init; }

    public required int Sequences { get; init; }

    public TimeSpan Queue { get; init; }

    public TimeSpan Infer { get; init; }

    public TimeSpan Decode { get; set; }
}
