using System.Buffers;
using System.Text.Json;
using RnnService.Core.Taxonomy;

namespace RnnService.Api.Predict;

/// <summary>Decodes the logits of a request and writes its answer as JSON into a buffer of its own. One request at a time.</summary>
internal sealed class AnswerWriter : IDisposable
{
    private static readonly JsonEncodedText ModelField = JsonEncodedText.Encode("model");
    private static readonly JsonEncodedText VersionField = JsonEncodedText.Encode("version");
    private static readonly JsonEncodedText Predictions = JsonEncodedText.Encode("predictions");
    private static readonly JsonEncodedText Id = JsonEncodedText.Encode("id");
    private static readonly JsonEncodedText Label = JsonEncodedText.Encode("label");
    private static readonly JsonEncodedText Probability = JsonEncodedText.Encode("probability");
    private static readonly JsonEncodedText PathField = JsonEncodedText.Encode("path");
    private static readonly JsonEncodedText Levels = JsonEncodedText.Encode("levels");
    private static readonly JsonEncodedText Name = JsonEncodedText.Encode("name");
    private static readonly JsonEncodedText Consistent = JsonEncodedText.Encode("consistent");
    private static readonly JsonEncodedText StoppedAt = JsonEncodedText.Encode("stopped_at");
    private static readonly JsonEncodedText Alternatives = JsonEncodedText.Encode("alternatives");

    private readonly AnswerFormat _format;
    private readonly HierarchyDecoder _decoder;
    private readonly LabelTree _tree;
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly Utf8JsonWriter _json;

    public AnswerWriter(AnswerFormat format)
    {
        _format = format;
        _tree = format.Model.Classifier!.Tree;
        _decoder = new HierarchyDecoder(format.Model.Classifier!.Scores);
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true });
    }

    /// <summary>The answer, valid until the next <see cref="Write"/>.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    /// <summary>Size of the buffer, in bytes.</summary>
    public int Capacity => _buffer.Capacity;

    /// <returns>False when the model's logits are not numbers, so that there is no answer.</returns>
    public bool Write(PredictRequest request)
    {
        _buffer.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString(ModelField, _format.Name);
        _json.WriteString(VersionField, _format.Version);
        _json.WriteStartArray(Predictions);
        for (int i = 0; i < request.Count; i++)
        {
            if (!TryDecode(request, i))
                return false;
            WritePrediction(request, request.Id(i));
        }
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Flush();
        return true;
    }

    /// <summary>Decodes an item: the mean of its windows.</summary>
    private bool TryDecode(PredictRequest request, int item)
    {
        var (first, end) = request.SequencesOf(item);
        _decoder.Begin(request.Decoding);
        for (int i = first; i < end; i++)
        {
            var row = request.Sequences.Numbers(i);
            request.Classifier.ToLogits(row);
            if (!_decoder.TryAdd(row))
                return false;
        }
        _decoder.Finish(request.Threshold, request.TopK);
        return true;
    }

    private void WritePrediction(PredictRequest request, byte[]? id)
    {
        var path = _decoder.Path;
        var probability = _decoder.PathProbability;
        _json.WriteStartObject();
        if (id is not null)
        {
            _json.WritePropertyName(Id);
            _json.WriteRawValue(id, skipInputValidation: true);
        }
        _json.WriteString(Label, _format.Labels[path[^1]]);
        _json.WriteNumber(Probability, Round(probability[^1]));
        WriteLabels(path);
        _json.WriteStartArray(Levels);
        for (int i = 0; i < path.Length; i++)
        {
            _json.WriteStartObject();
            _json.WriteString(Name, _format.Levels[_tree.Level(path[i])]);
            _json.WriteString(Label, _format.Labels[path[i]]);
            _json.WriteNumber(Probability, Round(probability[i]));
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
        if (request.Decoding == Decoding.Independent && _tree.IsHierarchy)
            _json.WriteBoolean(Consistent, _decoder.Consistent);
        if (_decoder.Stopped)
            _json.WriteString(StoppedAt, _format.Levels[_tree.Level(path[^1])]);
        if (request.TopK > 1)
            WriteAlternatives();
        _json.WriteEndObject();
    }

    private void WriteLabels(ReadOnlySpan<int> path)
    {
        _json.WriteStartArray(PathField);
        foreach (int node in path)
            _json.WriteStringValue(_format.Labels[node]);
        _json.WriteEndArray();
    }

    private void WriteAlternatives()
    {
        Span<int> path = stackalloc int[_tree.Levels.Count];
        _json.WriteStartArray(Alternatives);
        foreach (int leaf in _decoder.RankedLeaves)
        {
            _json.WriteStartObject();
            WriteLabels(_tree.PathTo(leaf, path));
            _json.WriteNumber(Probability, Round(_decoder.Probability(leaf)));
            _json.WriteEndObject();
        }
        _json.WriteEndArray();
    }

    /// <summary>Logits are single precision, so what stands beyond that in a probability is noise that only makes answers longer.</summary>
    private static float Round(double probability) => (float)probability;

    public void Dispose() => _json.Dispose();
}
