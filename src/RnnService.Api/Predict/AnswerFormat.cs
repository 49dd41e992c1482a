using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using RnnService.Inference.Models;

namespace RnnService.Api.Predict;

/// <summary>What the answers of one model have in common: its names as JSON, encoded once, and a pool of writers.</summary>
internal sealed class AnswerFormat(LoadedModel model)
{
    private static readonly ConditionalWeakTable<LoadedModel, AnswerFormat> Formats = [];

    private const int LargestKept = 1 << 20;

    // The writer used last is the one whose memory is still at hand. A ConcurrentBag would keep its writers, and with them the model, reachable from every thread for ever.
    private readonly Stack<AnswerWriter> _writers = [];

    public LoadedModel Model { get; } = model;

    public JsonEncodedText Name { get; } = JsonEncodedText.Encode(model.Name);

    public JsonEncodedText Version { get; } = JsonEncodedText.Encode(model.Version.ToString(CultureInfo.InvariantCulture));

    /// <summary>Label of each node of the tree.</summary>
    public JsonEncodedText[] Labels { get; } = [.. Enumerable.Range(0, model.Classifier!.Tree.Count).Select(n => JsonEncodedText.Encode(model.Classifier!.Tree.Label(n)))];

    /// <summary>Name of each level.</summary>
    public JsonEncodedText[] Levels { get; } = [.. model.Classifier!.Tree.Levels.Select(l => JsonEncodedText.Encode(l))];

    public static AnswerFormat Of(LoadedModel model) => Formats.GetValue(model, static m => new AnswerFormat(m));

    public AnswerWriter Rent()
    {
        lock (_writers)
        {
            if (_writers.TryPop(out var writer))
                return writer;
        }
        return new AnswerWriter(this);
    }

    /// <summary>Keeps a writer for the next request, but not one that a giant answer has blown up.</summary>
    public void Return(AnswerWriter writer)
    {
        if (writer.Capacity > LargestKept)
            return;
        lock (_writers)
            _writers.Push(writer);
    }
}
