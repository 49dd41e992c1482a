using System.Text.Json;
using System.Text.Unicode;
using RnnService.Api.Configuration;
using RnnService.Api.Errors;
using RnnService.Core;
using RnnService.Core.Taxonomy;
using RnnService.Inference.Models;

namespace RnnService.Api.Predict;

/// <summary>
/// Reads the body of a prediction request in one pass, from UTF-8 straight to token ids, and collects every fault with its JSON Pointer.
/// Written by hand because the model, and with it the meaning of an item, is named in the same body, and because no object per item is wanted.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "The request goes to the caller, who disposes it.")]
internal ref struct PredictRequestReader
{
    private const string FieldNames = "model, version, inputs, top_k, decoding, threshold, timeout_ms";

    private const int LongestName = 256;

    private readonly ModelRepository _repository;
    private readonly LimitsOptions _limits;
    private readonly RequestFaults _faults;
    private readonly bool _modelInAddress;
    private readonly bool _versionInAddress;
    private Utf8JsonReader _json;
    private string? _model;
    private string? _version;
    private Options _options;
    private PredictRequest? _request;

    private PredictRequestReader(ReadOnlySpan<byte> body, string? model, string? version, ModelRepository repository, LimitsOptions limits)
    {
        _json = new Utf8JsonReader(body);
        _model = model;
        _version = version;
        _modelInAddress = model is not null;
        _versionInAddress = version is not null;
        _repository = repository;
        _limits = limits;
        _faults = new RequestFaults();
    }

    /// <summary>Reads a body.</summary>
    /// <param name="body">The whole body.</param>
    /// <param name="model">The model that the address names; null when the body or the default decides.</param>
    /// <param name="version">The version that the address names.</param>
    /// <param name="repository">Where models are looked up.</param>
    /// <param name="limits">What one request may ask for.</param>
    /// <param name="problem">Why the body is refused; null when it is not.</param>
    /// <returns>The request, which the caller disposes; null when there is a problem.</returns>
    public static PredictRequest? Read(ReadOnlySpan<byte> body, string? model, string? version, ModelRepository repository, LimitsOptions limits, out Problem? problem)
    {
        var reader = new PredictRequestReader(body, model, version, repository, limits);
        try
        {
            problem = Utf8.IsValid(body) ? reader.ReadDocument() : Malformed("The body is not valid UTF-8. Send JSON in UTF-8.");
        }
        catch (JsonException e)
        {
            problem = Malformed($"The body is not valid JSON: {WithoutPath(e)} Send one JSON object with the field \"inputs\".");
        }
        catch
        {
            reader._request?.Dispose();   // a model that is never given back is never unloaded
            throw;
        }
        if (problem is null)
            return reader._request;
        reader._request?.Dispose();
        return null;
    }

    private Problem? ReadDocument()
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
            return Malformed("The body must be a JSON object with the field \"inputs\".");
        var seen = Fields.None;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var field = FieldOf(ref _json);
            if (field == Fields.None)
            {
                var name = SafeName(ref _json);
                _faults.Add(JsonPointer.Of(name), $"Unknown field \"{name}\". A request may have {FieldNames}.");
                Skip();
                continue;
            }
            if ((seen & field) != 0)
                _faults.Add(JsonPointer.Of(_json.GetString()!), $"The field \"{_json.GetString()}\" occurs twice; send it once.");
            seen |= field;
            _json.Read();
            if (ReadField(field, ref seen) is { } problem)
                return problem;
        }
        _json.Read();   // throws on anything after the object
        if ((seen & Fields.Inputs) == 0)
            _faults.Add("/inputs", "The field \"inputs\" is missing; it lists 1 or more sequences.");
        if (_faults.Any)
            return _faults.ToProblem();
        _options.ApplyTo(_request!);
        return null;
    }

    private Problem? ReadField(Fields field, ref Fields seen)
    {
        switch (field)
        {
            case Fields.Model:
                ReadName("/model", "name of a model", ref _model);
                break;
            case Fields.Version:
                ReadName("/version", "version of the model, for example \"1\"", ref _version);
                break;
            case Fields.Inputs:
                return ReadInputs(ref seen);
            case Fields.TopK:
                _options.TopK = ReadCount("/top_k", "how many alternatives are wanted");
                break;
            case Fields.Timeout:
                _options.Timeout = ReadCount("/timeout_ms", "how long the answer may take, in milliseconds");
                break;
            case Fields.Threshold:
                ReadThreshold();
                break;
            default:
                ReadDecoding();
                break;
        }
        return null;
    }

    /// <summary>The items can only be read once the model is known: what stands behind them is looked at first.</summary>
    private Problem? ReadInputs(ref Fields seen)
    {
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            _faults.Add("/inputs", $"\"inputs\" must be an array of sequences, not {Kind(_json.TokenType)}.");
            Skip();
            return null;
        }
        if ((seen & Fields.Model) == 0 || (seen & Fields.Version) == 0)
            LookAhead();
        var lookup = _repository.Find(_model, _version);
        if (lookup.Model is null)
        {
            return lookup.Result switch
            {
                LookupResult.NoSuchModel => Problem.NotFound(_modelInAddress ? "" : "/model", lookup.Detail!),
                LookupResult.NoSuchVersion => Problem.NotFound(_versionInAddress ? "" : "/version", lookup.Detail!),
                LookupResult.StillLoading => Problem.Unavailable(lookup.Detail!, 1),
                _ => Problem.Unavailable(lookup.Detail!, 30),
            };
        }
        if (Refusal(lookup.Model) is { } refusal)
        {
            lookup.Model.Release();
            return refusal;
        }
        _request?.Dispose();
        _request = new PredictRequest(lookup.Model);
        InputReader.ReadAll(ref _json, _request, _limits, _faults);
        return null;
    }

    /// <summary>Why the model takes no request, or not now.</summary>
    private static Problem? Refusal(LoadedModel model) => model.Classifier switch
    {
        null => Problem.Invalid([.. model.WhyNoClassifier.Select(f => new Fault("", $"Model \"{model.Name}\" cannot answer predictions, only raw tensors at /v2/models/{model.Name}/infer: {f.Detail}"))]),
        { IsRefusing: true } busy => Problem.QueueFull(busy.ExpectedWait),
        _ => null,
    };

    private void LookAhead()
    {
        var ahead = _json;
        ahead.Skip();
        while (ahead.Read() && ahead.TokenType == JsonTokenType.PropertyName)
        {
            var field = FieldOf(ref ahead);
            ahead.Read();
            if (ahead.TokenType == JsonTokenType.String && field == Fields.Model)
                _model ??= SafeName(ref ahead);
            else if (ahead.TokenType == JsonTokenType.String && field == Fields.Version)
                _version ??= SafeName(ref ahead);
            else
                ahead.Skip();
        }
    }

    private void ReadName(string pointer, string what, ref string? name)
    {
        if (_json.TokenType == JsonTokenType.Null)
            return;
        if (_json.TokenType != JsonTokenType.String)
        {
            _faults.Add(pointer, $"This is the {what}, a string, not {Kind(_json.TokenType)}.");
            Skip();
            return;
        }
        var value = SafeName(ref _json);
        if (name is not null && name != value)
            _faults.Add(pointer, $"Here it is \"{value}\", but the address, or the body in another place, says \"{name}\". Say it once, or make them the same.");
        name ??= value;
    }

    private int? ReadCount(string pointer, string what)
    {
        if (_json.TokenType == JsonTokenType.Null)
            return null;
        if (_json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out long count) && count >= 1)
            return (int)Math.Min(count, int.MaxValue);
        _faults.Add(pointer, $"This is {what}: an integer of at least 1.");
        Skip();
        return null;
    }

    private void ReadThreshold()
    {
        if (_json.TokenType == JsonTokenType.Null)
            return;
        if (_json.TokenType == JsonTokenType.Number && _json.TryGetDouble(out double threshold) && threshold is >= 0 and <= 1)
            _options.Threshold = threshold;
        else
        {
            _faults.Add("/threshold", "The threshold is a probability: a number from 0 to 1.");
            Skip();
        }
    }

    private void ReadDecoding()
    {
        if (_json.TokenType == JsonTokenType.Null)
            return;
        if (_json.TokenType == JsonTokenType.String && DecodingNames.Parse(SafeName(ref _json)) is { } decoding)
            _options.Decoding = decoding;
        else
        {
            _faults.Add("/decoding", $"Unknown decoding; use one of {DecodingNames.All}.");
            Skip();
        }
    }

    private void Skip() => _json.Skip();

    private static Problem Malformed(string detail) => Problem.Whole(400, "invalid-json", "The body cannot be read.", detail);

    /// <summary>The reader's message ends in a path that is always "$" here.</summary>
    private static string WithoutPath(JsonException e) => e.Message.Replace("Path: $ | ", "", StringComparison.Ordinal);

    /// <summary>What a caller should call a token of the wrong type.</summary>
    internal static string Kind(JsonTokenType type) => type switch
    {
        JsonTokenType.StartArray => "an array",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        _ => "null",
    };

    /// <summary>
    /// A string that may hold a lone surrogate, which .NET refuses to decode: it then stands for itself, escaped.
    /// What is longer than any name is cut, since names come back in texts.
    /// </summary>
    internal static string SafeName(ref Utf8JsonReader json)
    {
        string name;
        try
        {
            name = json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            name = System.Text.Encoding.UTF8.GetString(json.ValueSpan);
        }
        return name.Length > LongestName ? $"{name[..LongestName]}…" : name;
    }

    private static Fields FieldOf(ref Utf8JsonReader json)
    {
        var name = json.ValueIsEscaped ? System.Text.Encoding.UTF8.GetBytes(SafeName(ref json)) : json.ValueSpan;
        if (name.SequenceEqual("inputs"u8))
            return Fields.Inputs;
        if (name.SequenceEqual("model"u8))
            return Fields.Model;
        if (name.SequenceEqual("top_k"u8))
            return Fields.TopK;
        if (name.SequenceEqual("version"u8))
            return Fields.Version;
        if (name.SequenceEqual("decoding"u8))
            return Fields.Decoding;
        if (name.SequenceEqual("threshold"u8))
            return Fields.Threshold;
        return name.SequenceEqual("timeout_ms"u8) ? Fields.Timeout : Fields.None;
    }

    [Flags]
    private enum Fields
    {
        None = 0,
        Model = 1,
        Version = 2,
        Inputs = 4,
        TopK = 8,
        Decoding = 16,
        Threshold = 32,
        Timeout = 64,
    }

    private struct Options
    {
        public int? TopK;
        public int? Timeout;
        public double? Threshold;
        public Decoding? Decoding;

        public readonly void ApplyTo(PredictRequest request)
        {
            request.TopK = TopK ?? request.TopK;
            request.TimeoutMilliseconds = Timeout;
            request.Threshold = Threshold ?? request.Threshold;
            request.Decoding = request.Classifier.Tree.IsHierarchy ? Decoding ?? request.Decoding : Core.Taxonomy.Decoding.Independent;
        }
    }
}
