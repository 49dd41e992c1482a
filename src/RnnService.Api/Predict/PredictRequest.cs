using RnnService.Core.Batching;
using RnnService.Core.Taxonomy;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Api.Predict;

/// <summary>A request that has been read and found valid: the model, its sequences as the graph takes them, and how the caller wants the answer.</summary>
/// <param name="model">The model, taken into use; disposing the request ends the use.</param>
internal sealed class PredictRequest(LoadedModel model) : IDisposable
{
    private Sequences<float>? _raw;
    private List<int>? _ends;

    public LoadedModel Model { get; } = model;

    /// <summary>What the model is to this request.</summary>
    public Classifier Classifier { get; } = model.Classifier!;

    /// <summary>What runs: a sequence an item, or several windows an item.</summary>
    public SequenceRequest Sequences { get; } = model.Classifier!.NewRequest();

    /// <summary>Number of items.</summary>
    public int Count { get; private set; }

    /// <summary>For each item the caller's id as the JSON string it was sent as; null when no item has one.</summary>
    public List<byte[]?>? Ids { get; private set; }

    public int TopK { get; set; } = 1;

    public Decoding Decoding { get; set; } = model.Classifier!.Decoding;

    public double Threshold { get; set; } = model.Classifier!.Threshold;

    public int? TimeoutMilliseconds { get; set; }

    /// <summary>Where the features of the open item are written before <see cref="TakeRaw"/>, NaN where they are missing.</summary>
    public Sequences<float> Raw => _raw ??= new Sequences<float>(Classifier.Features!.Channels);

    /// <summary>The open item's features are complete: makes of them what the graph takes, cut into windows where the model wants them.</summary>
    public void TakeRaw()
    {
        var raw = Raw;
        var features = Classifier.Features!;
        var target = (Sequences<float>)Sequences.Sequences;
        int steps = raw.OpenLength;
        if (Classifier.Windows is not { } windows || steps <= windows.Length)
            features.Apply(raw.Open[..(steps * features.Channels)], target.Append(steps * target.Width));
        else
        {
            using var whole = new Sequences<float>(target.Width);
            features.Apply(raw.Open[..(steps * features.Channels)], whole.Append(steps * target.Width));
            int count = windows.Count(steps);
            for (int i = 0; i < count; i++)
            {
                if (i > 0)
                    target.Finish();
                whole.Open.Slice(windows.Start(i, steps) * target.Width, windows.Length * target.Width).CopyTo(target.Append(windows.Length * target.Width));
            }
        }
        raw.DropOpen();
    }

    /// <summary>The open item's features are faulty: nothing is made of them.</summary>
    public void DropRaw() => _raw?.DropOpen();

    /// <summary>The open item is complete.</summary>
    public void FinishItem()
    {
        Sequences.Sequences.Finish();
        Count++;
        if (Classifier.Windows is not null)
            (_ends ??= []).Add(Sequences.Count);
    }

    /// <summary>The sequences of an item: from the first to before the second.</summary>
    public (int First, int End) SequencesOf(int item) => _ends is null ? (item, item + 1) : (item == 0 ? 0 : _ends[item - 1], _ends[item]);

    /// <summary>Remembers the id of the item that is finished next.</summary>
    public void SetId(byte[] id)
    {
        Ids ??= [];
        while (Ids.Count < Count)
            Ids.Add(null);
        Ids.Add(id);
    }

    public byte[]? Id(int item) => item < Ids?.Count ? Ids[item] : null;

    public void Dispose()
    {
        _raw?.Dispose();
        Sequences.Dispose();
        Model.Release();
    }
}
