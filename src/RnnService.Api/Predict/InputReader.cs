using System.Buffers;
using System.Text.Json;
using RnnService.Api.Configuration;
using RnnService.Core.Batching;
using RnnService.Core.Features;
using RnnService.Core.Text;
using RnnService.Inference.Models;
using RnnService.Inference.Onnx;

namespace RnnService.Api.Predict;

/// <summary>Reads the array <c>inputs</c>: each item becomes one sequence of ids, or faults.</summary>
internal static class InputReader
{
    private const int StackLimit = 512;

    /// <param name="json">Stands on the array's beginning, afterwards on its end.</param>
    /// <param name="request">Receives the sequences.</param>
    /// <param name="limits">What one request may ask for.</param>
    /// <param name="faults">Receives what is wrong.</param>
    public static void ReadAll(ref Utf8JsonReader json, PredictRequest request, LimitsOptions limits, RequestFaults faults)
    {
        var item = new Item(request, Math.Min(limits.SequenceLength, request.Classifier.LongestItem), limits.Sequences, faults);
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (item.Index == limits.Sequences)
            {
                faults.AddOverLimit("/inputs", $"There are more than {limits.Sequences} sequences, the limit of one request. Send the rest in another request.");
                SkipRest(ref json);
                return;
            }
            item.Read(ref json);
            item.Index++;
        }
        if (item.Index == 0)
            faults.Add("/inputs", "\"inputs\" is empty; send at least 1 sequence.");
    }

    /// <summary>From anywhere in an array to its end.</summary>
    private static void SkipRest(ref Utf8JsonReader json)
    {
        do
        {
            json.Skip();
        }
        while (json.Read() && json.TokenType != JsonTokenType.EndArray);
    }

    private ref struct Item(PredictRequest request, int maxLength, int maxSequences, RequestFaults faults)
    {
        private readonly Classifier _model = request.Classifier;
        private readonly Sequences _sequences = request.Sequences.Sequences;
        private readonly Sequences<int>? _ids = request.Sequences.Sequences as Sequences<int>;

        public int Index;

        public void Read(ref Utf8JsonReader json)
        {
            switch (json.TokenType)
            {
                case JsonTokenType.String:
                    ReadText(ref json, null);
                    break;
                case JsonTokenType.StartObject:
                    ReadObject(ref json);
                    break;
                default:
                    faults.Add(JsonPointer.Item(Index), $"An item is {Forms}, not {PredictRequestReader.Kind(json.TokenType)}.");
                    json.Skip();
                    break;
            }
            if (_sequences.OpenLength > 0 && _sequences.OpenLength < _model.MinLength)
                faults.Add(JsonPointer.Item(Index), $"The sequence has {_sequences.OpenLength} {Steps}, but the graph of model \"{request.Model.Name}\" needs {_model.MinLength} and cannot be padded. GET /models/{request.Model.Name} says how to export it better.");
            request.FinishItem();
        }

        private void ReadObject(ref Utf8JsonReader json)
        {
            var seen = Fields.None;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var field = FieldOf(ref json);
                var name = field == Fields.None ? PredictRequestReader.SafeName(ref json) : NameOf(field);
                if ((seen & field) != 0)
                    faults.Add(JsonPointer.Item(Index, name), $"The field \"{name}\" occurs twice; send it once.");
                else if ((field & Fields.Forms) != 0 && (seen & Fields.Forms) != 0)
                    faults.Add(JsonPointer.Item(Index), $"An item has exactly one of {FormNames}; this one has several.");
                var rivals = (field & Fields.Forms) != 0 ? Fields.Forms : field;
                bool first = (seen & rivals) == 0;
                seen |= field;
                json.Read();
                if (first)
                    ReadField(ref json, field, name);
                else
                    json.Skip();
            }
            if ((seen & Fields.Forms) == 0)
                faults.Add(JsonPointer.Item(Index), $"An item has exactly one of {FormNames}; this one has none.");
        }

        private void ReadField(ref Utf8JsonReader json, Fields field, string name)
        {
            switch (field)
            {
                case Fields.Id:
                    ReadId(ref json);
                    break;
                case Fields.Text:
                    ReadText(ref json, name);
                    break;
                case Fields.Tokens:
                    ReadArray(ref json, name, tokens: true);
                    break;
                case Fields.Ids:
                    ReadArray(ref json, name, tokens: false);
                    break;
                case Fields.Features:
                    ReadFeatures(ref json, name);
                    break;
                default:
                    faults.Add(JsonPointer.Item(Index, name), $"Unknown field \"{name}\". An item is {Forms}, and may have an id.");
                    json.Skip();
                    break;
            }
        }

        private readonly void ReadId(ref Utf8JsonReader json)
        {
            if (json.TokenType == JsonTokenType.Null)
                return;
            if (json.TokenType != JsonTokenType.String)
            {
                faults.Add(JsonPointer.Item(Index, "id"), $"An id is a string, not {PredictRequestReader.Kind(json.TokenType)}.");
                json.Skip();
                return;
            }
            if (json.ValueIsEscaped && !IsDecodable(ref json))
                faults.Add(JsonPointer.Item(Index, "id"), LoneSurrogate);
            else
                request.SetId([(byte)'"', .. json.ValueSpan, (byte)'"']);
        }

        private readonly void ReadText(ref Utf8JsonReader json, string? field)
        {
            if (json.TokenType != JsonTokenType.String)
            {
                faults.Add(Pointer(field), $"A text is a string, not {PredictRequestReader.Kind(json.TokenType)}.");
                json.Skip();
                return;
            }
            if (_sequences is Sequences<string> texts)
            {
                ReadWholeText(ref json, field, texts);
                return;
            }
            if (!NeedsVocabulary(field) || !TryDecode(ref json, field, -1, out var text, out var rented))
                return;
            if (!WordTokenizer.Encode(text, _model.Vocabulary!, maxLength, _ids!))
                TooLong(field);
            else if (_sequences.OpenLength == 0)
                faults.Add(Pointer(field), "The text is empty; a sequence has at least 1 token.");
            if (rented is not null)
                ArrayPool<char>.Shared.Return(rented);
        }

        private readonly void ReadArray(ref Utf8JsonReader json, string field, bool tokens)
        {
            if (json.TokenType != JsonTokenType.StartArray)
            {
                faults.Add(Pointer(field), $"\"{field}\" is an array, not {PredictRequestReader.Kind(json.TokenType)}.");
                json.Skip();
                return;
            }
            if (!(tokens ? NeedsVocabulary(field) : NeedsIds(field)))
            {
                json.Skip();
                return;
            }
            int position = 0;
            for (; json.Read() && json.TokenType != JsonTokenType.EndArray; position++)
            {
                if (position == maxLength || faults.Full)
                {
                    if (!faults.Full)
                        TooLong(field);
                    SkipRest(ref json);
                    return;
                }
                if (tokens)
                    ReadToken(ref json, position);
                else
                    ReadTokenId(ref json, position);
            }
            if (position == 0)
                faults.Add(Pointer(field), "The sequence is empty; a sequence has at least 1 token.");
        }

        private readonly void ReadToken(ref Utf8JsonReader json, int position)
        {
            if (json.TokenType != JsonTokenType.String)
            {
                faults.Add(JsonPointer.Item(Index, "tokens", position), $"A token is a string, not {PredictRequestReader.Kind(json.TokenType)}.");
                json.Skip();
                return;
            }
            if (json.ValueSpan.IsEmpty)
            {
                faults.Add(JsonPointer.Item(Index, "tokens", position), "A token must not be empty; leave it out.");
                return;
            }
            Span<char> stack = stackalloc char[64];
            if (json.ValueSpan.Length <= stack.Length && !json.ValueIsEscaped)
            {
                int length = json.CopyString(stack);
                _ids!.Add(_model.Vocabulary!.Lookup(stack[..length]));
                return;
            }
            if (!TryDecode(ref json, "tokens", position, out var token, out var rented))
                return;
            _ids!.Add(_model.Vocabulary!.Lookup(token));
            if (rented is not null)
                ArrayPool<char>.Shared.Return(rented);
        }

        private readonly void ReadTokenId(ref Utf8JsonReader json, int position)
        {
            int size = _model.VocabularySize ?? int.MaxValue;
            if (json.TokenType != JsonTokenType.Number)
            {
                faults.Add(JsonPointer.Item(Index, "ids", position), $"A token id is an integer, not {PredictRequestReader.Kind(json.TokenType)}.");
                json.Skip();
            }
            else if (!json.TryGetInt32(out int id) || id < _model.MinId || id >= size)
                faults.Add(JsonPointer.Item(Index, "ids", position), $"This token id is outside the vocabulary; ids of model \"{request.Model.Name}\" are integers from {_model.MinId} to {size - 1}.");
            else
                _ids!.Add(id);
        }

        private readonly bool NeedsVocabulary(string? field)
        {
            if (_model.Vocabulary is not null)
                return true;
            if (!NeedsIds(field))
                return false;
            faults.Add(Pointer(field), $"Model \"{request.Model.Name}\" has no tokenizer, so it cannot take text or tokens. Send ids, or add \"tokenizer\" to its model.json and a vocab.txt.");
            return false;
        }

        private readonly bool NeedsIds(string? field)
        {
            if (_ids is not null)
                return true;
            faults.Add(Pointer(field), $"Model \"{request.Model.Name}\" takes {FormNames}, not {(field is null ? "a string" : $"\"{field}\"")}.");
            return false;
        }

        /// <summary>For a graph that takes texts as they are.</summary>
        private readonly void ReadWholeText(ref Utf8JsonReader json, string? field, Sequences<string> texts)
        {
            if (json.ValueIsEscaped && !IsDecodable(ref json))
                faults.Add(Pointer(field), LoneSurrogate);
            else if (json.ValueSpan.IsEmpty)
                faults.Add(Pointer(field), "The text is empty; a text has at least 1 character.");
            else
                texts.Add(json.GetString()!);
        }

        private readonly void ReadFeatures(ref Utf8JsonReader json, string field)
        {
            if (_sequences is not Sequences<float>)
            {
                faults.Add(Pointer(field), $"Model \"{request.Model.Name}\" takes {(_ids is null ? "text" : "tokens")}, not features. Send {FormNames}.");
                json.Skip();
                return;
            }
            var steps = FeatureReader.Read(ref json, Index, _model.Features!.Channels, _model.Features.Missing != MissingValues.Refuse, maxLength, request.Raw, faults);
            // windows overlap, so a small body may become much more than it is
            bool tooMany = steps <= maxLength && _sequences.Count + (_model.Windows?.Count(steps.Value) ?? 1) > maxSequences;
            if (steps > maxLength)
                TooLong(field);
            if (tooMany)
                faults.AddOverLimit(Pointer(field), $"With this one the sequences make more than {maxSequences} windows of {_model.Windows?.Length} time steps, the limit of one request (Limits:Sequences). Send the rest in another request.");
            if (steps <= maxLength && !tooMany)
                request.TakeRaw();
            else
                request.DropRaw();
        }

        private readonly string Steps => _ids is null ? "time steps" : "tokens";

        private readonly string FormNames => _model.Kind switch
        {
            SequenceKind.Features => "features",
            SequenceKind.Text => "text",
            _ => "text, tokens, ids",
        };

        private readonly string Forms => _model.Kind switch
        {
            SequenceKind.Features => "an object with features, an array of time steps that are arrays of numbers",
            SequenceKind.Text => "a string, or an object with text",
            _ => "a string, or an object with one of text, tokens, ids",
        };

        private readonly void TooLong(string? field)
        {
            _sequences.DropOpen();
            faults.AddOverLimit(Pointer(field), $"The sequence has more than {maxLength} {Steps}, the limit {(maxLength < _model.LongestItem ? "Limits:SequenceLength of this server" : $"of model \"{request.Model.Name}\"")}. Shorten it, or send it in parts.");
        }

        private readonly string Pointer(string? field) => field is null ? JsonPointer.Item(Index) : JsonPointer.Item(Index, field);

        /// <summary>Decodes the string into a rented buffer, which the caller gives back.</summary>
        private readonly bool TryDecode(ref Utf8JsonReader json, string? field, int position, out ReadOnlySpan<char> text, out char[]? rented)
        {
            rented = ArrayPool<char>.Shared.Rent(Math.Max(json.ValueSpan.Length, StackLimit));
            try
            {
                text = rented.AsSpan(0, json.CopyString(rented));
                return true;
            }
            catch (InvalidOperationException)
            {
                ArrayPool<char>.Shared.Return(rented);
                rented = null;
                text = default;
                faults.Add(position < 0 ? Pointer(field) : JsonPointer.Item(Index, field!, position), LoneSurrogate);
                return false;
            }
        }

        private static bool IsDecodable(ref Utf8JsonReader json)
        {
            try
            {
                _ = json.GetString();
                return true;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }

        private const string LoneSurrogate = "The string holds half a surrogate pair, which is no character. Send whole characters.";

        private static Fields FieldOf(ref Utf8JsonReader json)
        {
            var name = json.ValueIsEscaped ? System.Text.Encoding.UTF8.GetBytes(PredictRequestReader.SafeName(ref json)) : json.ValueSpan;
            if (name.SequenceEqual("text"u8))
                return Fields.Text;
            if (name.SequenceEqual("ids"u8))
                return Fields.Ids;
            if (name.SequenceEqual("id"u8))
                return Fields.Id;
            if (name.SequenceEqual("tokens"u8))
                return Fields.Tokens;
            return name.SequenceEqual("features"u8) ? Fields.Features : Fields.None;
        }

        private static string NameOf(Fields field) => field switch
        {
            Fields.Text => "text",
            Fields.Ids => "ids",
            Fields.Id => "id",
            Fields.Tokens => "tokens",
            _ => "features",
        };

        [Flags]
        private enum Fields
        {
            None = 0,
            Id = 1,
            Text = 2,
            Tokens = 4,
            Ids = 8,
            Features = 16,
            Forms = Text | Tokens | Ids | Features,
        }
    }
}
