using RnnService.Core.Taxonomy;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Api.Predict;

/// <summary>A request that has been read and found valid: the model, its sequences as ids, and how the caller wants the answer.</summary>
/// <param name="model">The model, taken into use; disposing the request ends the use.</param>
internal sealed class PredictRequest(LoadedModel model) : IDisposable
{
    public LoadedModel Model { get; } = model;

    public SequenceRequest Sequences { get; } = new();

    /// <summary>For each sequence the caller's id as the JSON string it was sent as; null when no item has one.</summary>
    public List<byte[]?>? Ids { get; private set; }

    public int TopK { get; set; } = 1;

    public Decoding Decoding { get; set; } = model.Decoding;

    public double Threshold { get; set; } = model.Threshold;

    public int? TimeoutMilliseconds { get; set; }

    /// <summary>Remembers the id of the sequence that is finished next.</summary>
    public void SetId(byte[] id)
    {
        Ids ??= [];
        while (Ids.Count < Sequences.Count)
            Ids.Add(null);
        Ids.Add(id);
    }

    public byte[]? Id(int sequence) => sequence < Ids?.Count ? Ids[sequence] : null;

    public void Dispose()
    {
        Sequences.Dispose();
        Model.Release();
    }
}
