using System.Collections.Concurrent;
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

    private readonly ConcurrentQueue<AnswerWriter> _writers = [];   // a bag would keep its writers, and with them the model, reachable from every thread for ever

    public LoadedModel Model { get; } = model;

    public JsonEncodedText Name { get; } = JsonEncodedText.Encode(model.Name);

    public JsonEncodedText Version { get; } = JsonEncodedText.Encode(model.Version.ToString(CultureInfo.InvariantCulture));

    /// <summary>Label of each node of the tree.</summary>
    public JsonEncodedText[] Labels { get; } = [.. Enumerable.Range(0, model.Classifier!.Tree.Count).Select(n => JsonEncodedText.Encode(model.Classifier!.Tree.Label(n)))];

    /// <summary>Name of each level.</summary>
    public JsonEncodedText[] Levels { get; } = [.. model.Classifier!.Tree.Levels.Select(l => JsonEncodedText.Encode(l))];

    public static AnswerFormat Of(LoadedModel model) => Formats.GetValue(model, static m => new AnswerFormat(m));

    public AnswerWriter Rent() => _writers.TryDequeue(out var writer) ? writer : new AnswerWriter(this);

    /// <summary>Keeps a writer for the next request, but not one that a giant answer has blown up.</summary>
    public void Return(AnswerWriter writer)
    {
        if (writer.Capacity <= LargestKept)
            _writers.Enqueue(writer);
    }
}
