using System.Globalization;
using System.Text;
using System.Text.Json;
using RnnService.Api.Predict;
using RnnService.Core.Tensors;
using RnnService.Inference.Models;

namespace RnnService.Api.OpenInference;

/// <summary>Reads an inference request: its JSON token by token, without a document in between, and the binary data behind it.</summary>
internal ref struct InferRequestReader
{
    /// <summary>More dimensions than any graph has.</summary>
    public const int MostDimensions = 32;

    private const int MostTensors = 4096;
    private const int LongestShown = 40;

    private readonly InferRequest _request;
    private readonly ReadOnlyMemory<byte> _binary;
    private Utf8JsonReader _json;
    private readonly int _jsonLength;
    private int _binaryRead;

    private InferRequestReader(in InferBody body, InferRequest request)
    {
        _json = new Utf8JsonReader(body.Json);
        _binary = body.Binary;
        _request = request;
        _jsonLength = body.JsonLength;
    }

    /// <exception cref="InvalidRequestException">The request cannot be read.</exception>
    public static void Read(in InferBody body, InferRequest request)
    {
        var reader = new InferRequestReader(body, request);
        try
        {
            reader.ReadDocument();
        }
        catch (JsonException e)
        {
            throw new InvalidRequestException($"The body is not valid JSON: {e.Message.Replace("Path: $ | ", "", StringComparison.Ordinal)}{(body.Binary.IsEmpty ? $" Binary data need the header {InferBody.HeaderLength}." : "")}");
        }
    }

    /// <summary>A body that is one tensor: the model's only input, of which at most one dimension is left open.</summary>
    /// <exception cref="InvalidRequestException">The model is not one for that, or the size does not fit.</exception>
    public static void ReadRaw(in InferBody body, LoadedModel model, InferRequest request)
    {
        string place = $"The header {InferBody.HeaderLength} is 0, so the body is the data of the only input";
        if (model.TensorInputs.Count != 1)
            throw new InvalidRequestException($"{place}, but the model has {model.TensorInputs.Count}. Send JSON with every input, and its length in that header.");
        var input = model.TensorInputs[0];
        var type = input.Datatype!.Value;
        long[] shape = [.. input.Shape];
        if (shape.Length > 0 && shape[0] < 0 && (shape.Count(d => d < 0) > 1 || type == Datatype.Bytes))
            shape[0] = 1;
        int open = Array.FindIndex(shape, d => d < 0);
        if (open >= 0 && Array.FindLastIndex(shape, d => d < 0) != open)
            throw new InvalidRequestException($"{place}, but \"{input.Name}\" leaves more than one dimension open: {Text(shape)}. Send JSON with the shape, and its length in that header.");
        var data = body.Binary;
        if (type == Datatype.Bytes)
        {
            var element = request.Rent(sizeof(int) + data.Length);
            System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(element.GetSpan(sizeof(int)), data.Length);
            element.Advance(sizeof(int));
            data.Span.CopyTo(element.GetSpan(data.Length));
            element.Advance(data.Length);
            data = element.Written;
        }
        if (open >= 0)
        {
            shape[open] = 1;
            long unit = Tensor.CountOf(shape) * Math.Max(1, type.Size());
            shape[open] = type == Datatype.Bytes || unit == 0 ? 1 : data.Length / unit;
        }
        request.Inputs.Add(new Tensor(input.Name, type, shape, data));
        request.BinaryOutputs = true;
    }

    private void ReadDocument()
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
            throw new InvalidRequestException("The body must be a JSON object with the field \"inputs\".");
        bool inputs = false;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (Is("id"u8))
                _request.Id = ReadText("id");
            else if (Is("inputs"u8))
            {
                if (inputs)
                    throw new InvalidRequestException("The field \"inputs\" occurs twice; send it once.");
                inputs = true;
                ReadInputs();
            }
            else if (Is("outputs"u8))
                ReadOutputs();
            else if (Is("parameters"u8))
                ReadParameters();
            else
                SkipValue();
        }
        _json.Read();   // throws on anything after the object
        if (!inputs)
            throw new InvalidRequestException("The field \"inputs\" is missing; it lists the input tensors, each with name, shape, datatype and data.");
        if (_binaryRead != _binary.Length)
            throw new InvalidRequestException($"The body has {_binary.Length} byte(s) of binary data, and the inputs' binary_data_size add up to {_binaryRead}; make them agree.");
    }

    private void ReadInputs()
    {
        ExpectArray("inputs");
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_request.Inputs.Count == MostTensors)
                throw new InvalidRequestException($"inputs: there are more than {MostTensors} tensors.");
            ReadInput(_request.Inputs.Count);
        }
    }

    private void ReadInput(int index)
    {
        string place = $"inputs[{index}]";
        ExpectObject(place);
        string? name = null;
        Datatype? type = null;
        long[]? shape = null;
        long? binarySize = null;
        PooledBuffer? data = null;
        Utf8JsonReader postponed = default;
        bool hasData = false;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (Is("name"u8))
                place = Placed(index, name = ReadText($"{place}.name"));
            else if (Is("shape"u8))
                shape = ReadShape(place);
            else if (Is("datatype"u8))
                type = ReadDatatype(place);
            else if (Is("parameters"u8))
                binarySize = ReadInputParameters(place);
            else if (Is("data"u8))
            {
                if (hasData)
                    throw new InvalidRequestException($"{place}: the field \"data\" occurs twice; send it once.");
                hasData = true;
                _json.Read();
                if (name is not null && type is { } known && shape is not null)
                    data = ReadData(ref _json, known, shape, place);
                else
                {
                    postponed = _json;   // what it must be like comes later in the object
                    _json.Skip();
                }
            }
            else
                SkipValue();
        }
        if (name is null)
            throw new InvalidRequestException($"{place}: the field \"name\" is missing; it names the model's input.");
        if (shape is null)
            throw new InvalidRequestException($"{place}: the field \"shape\" is missing; it lists the sizes of the dimensions.");
        if (type is null)
            throw new InvalidRequestException($"{place}: the field \"datatype\" is missing; it is one of {Datatypes.All}.");
        if (hasData && binarySize is not null)
            throw new InvalidRequestException($"{place}: there is \"data\" and also binary_data_size; send one of them.");
        if (hasData)
            data ??= ReadData(ref postponed, type.Value, shape, place);
        else if (binarySize is null)
            throw new InvalidRequestException($"{place}: the field \"data\" is missing; send the elements there, or as binary data with the parameter binary_data_size.");
        _request.Inputs.Add(new Tensor(name, type.Value, shape, data?.Written ?? TakeBinary(binarySize!.Value, type.Value, place)));
    }

    private readonly PooledBuffer ReadData(ref Utf8JsonReader json, Datatype type, long[] shape, string place)
    {
        long count = CountOf(shape, place);
        // an element takes 2 characters at least: a shape that promises more than the body has reserves no memory for it
        var buffer = _request.Rent((int)Int128.Min((Int128)count * type.Size(), Math.Min((long)_jsonLength / 2 * 8, Array.MaxLength)));
        JsonTensorData.Read(ref json, type, shape, count, buffer, place);
        return buffer;
    }

    private ReadOnlyMemory<byte> TakeBinary(long size, Datatype type, string place)
    {
        if (size > _binary.Length - _binaryRead)
            throw new InvalidRequestException($"{place}: binary_data_size is {size}, and {_binary.Length - _binaryRead} byte(s) of binary data are left. The data of all inputs follow the JSON in their order; the header {InferBody.HeaderLength} says where they begin.");
        var data = _binary.Slice(_binaryRead, (int)size);
        bool aligned = type.Size() < 2 || _binaryRead % type.Size() == 0;
        _binaryRead += (int)size;
        if (aligned)
            return data;
        var copy = _request.Rent(data.Length);
        data.Span.CopyTo(copy.GetSpan(data.Length));
        copy.Advance(data.Length);
        return copy.Written;
    }

    private long[] ReadShape(string place)
    {
        ExpectArray($"{place}.shape");
        var sizes = new List<long>();
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out long size) || size < 0)
                throw new InvalidRequestException($"{place}: dimension {sizes.Count} of \"shape\" is {Shown(ref _json)}; it is the size of the data, a whole number of at least 0.");
            if (sizes.Count == MostDimensions)
                throw new InvalidRequestException($"{place}: \"shape\" has more than {MostDimensions} dimensions.");
            sizes.Add(size);
        }
        return [.. sizes];
    }

    private Datatype ReadDatatype(string place)
    {
        string name = ReadText($"{place}.datatype");
        return Datatypes.Parse(name) ?? throw new InvalidRequestException($"{place}: there is no datatype \"{Cut(name)}\"; it is one of {Datatypes.All}.");
    }

    private long? ReadInputParameters(string place)
    {
        long? size = null;
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
            return null;
        Expect(JsonTokenType.StartObject, $"{place}.parameters");
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (Is("binary_data_size"u8))
                size = ReadWhole($"{place}: the parameter binary_data_size", "the number of bytes of this tensor behind the JSON");
            else if (Is("shared_memory_region"u8))
                throw NoSharedMemory(place);
            else
                SkipValue();
        }
        return size;
    }

    private void ReadOutputs()
    {
        ExpectArray("outputs");
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            string place = $"outputs[{_request.Outputs.Count}]";
            if (_request.Outputs.Count == MostTensors)
                throw new InvalidRequestException($"outputs: there are more than {MostTensors} tensors.");
            ExpectObject(place);
            string? name = null;
            bool? binary = null;
            int classes = 0;
            while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
            {
                if (Is("name"u8))
                    name = ReadText($"{place}.name");
                else if (Is("parameters"u8))
                    (binary, classes) = ReadOutputParameters(place);
                else
                    SkipValue();
            }
            if (name is null)
                throw new InvalidRequestException($"{place}: the field \"name\" is missing; it names the model's output.");
            if (_request.Outputs.Any(o => o.Name == name))
                throw new InvalidRequestException($"{place}: the output \"{Cut(name)}\" is asked for twice; name it once.");
            _request.Outputs.Add(new RequestedOutput(name, binary, classes));
        }
    }

    private (bool? Binary, int Classes) ReadOutputParameters(string place)
    {
        bool? binary = null;
        long classes = 0;
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
            return default;
        Expect(JsonTokenType.StartObject, $"{place}.parameters");
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (Is("binary_data"u8))
                binary = ReadBoolean($"{place}: the parameter binary_data");
            else if (Is("classification"u8))
                classes = ReadWhole($"{place}: the parameter classification", "how many classes are wanted");
            else if (Is("shared_memory_region"u8))
                throw NoSharedMemory(place);
            else
                SkipValue();
        }
        return (binary, (int)Math.Min(classes, int.MaxValue));
    }

    private void ReadParameters()
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Null)
            return;
        Expect(JsonTokenType.StartObject, "parameters");
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (Is("binary_data_output"u8))
                _request.BinaryOutputs = ReadBoolean("The parameter binary_data_output");
            else if (Is("timeout"u8))
                _request.TimeoutMicroseconds = ReadWhole("The parameter timeout", "how long the answer may take, in microseconds") is > 0 and var time ? time : null;
            else
                SkipValue();
        }
    }

    private long ReadWhole(string what, string meaning)
    {
        _json.Read();
        if (_json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out long value) && value >= 0)
            return value;
        throw new InvalidRequestException($"{what} is {Shown(ref _json)}; it is {meaning}: a whole number of at least 0.");
    }

    private bool ReadBoolean(string what)
    {
        _json.Read();
        return _json.TokenType is JsonTokenType.True or JsonTokenType.False
            ? _json.TokenType == JsonTokenType.True
            : throw new InvalidRequestException($"{what} is {Shown(ref _json)}; it is true or false.");
    }

    private string ReadText(string place)
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.String)
            throw new InvalidRequestException($"{place} is {Shown(ref _json)}; it must be a string.");
        try
        {
            return _json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException($"{place} is no Unicode text.");
        }
    }

    private void ExpectArray(string place)
    {
        _json.Read();
        Expect(JsonTokenType.StartArray, place);
    }

    private readonly void ExpectObject(string place) => Expect(JsonTokenType.StartObject, place);

    private readonly void Expect(JsonTokenType type, string place)
    {
        if (_json.TokenType != type)
            throw new InvalidRequestException($"{place} must be {PredictRequestReader.Kind(type)}, not {PredictRequestReader.Kind(_json.TokenType)}.");
    }

    private void SkipValue()
    {
        _json.Read();
        _json.Skip();
    }

    private readonly bool Is(ReadOnlySpan<byte> name) =>
        _json.ValueIsEscaped ? Unescaped().SequenceEqual(name) : _json.ValueSpan.SequenceEqual(name);

    private readonly ReadOnlySpan<byte> Unescaped()
    {
        try
        {
            return Encoding.UTF8.GetBytes(_json.GetString()!);
        }
        catch (InvalidOperationException)
        {
            return _json.ValueSpan;
        }
    }

    private static long CountOf(long[] shape, string place)
    {
        try
        {
            return Tensor.CountOf(shape);
        }
        catch (OverflowException)
        {
            throw new InvalidRequestException($"{place}: the shape {Text(shape)} has more elements than can be counted.");
        }
    }

    private static string Placed(int index, string name) => $"inputs[{index}] \"{Cut(name)}\"";

    private static InvalidRequestException NoSharedMemory(string place) =>
        new($"{place}: shared memory is not offered here (GET /v2 lists the extensions that are); send the data in the request.");

    private static string Cut(string text) => text.Length > 256 ? $"{text[..256]}…" : text;

    internal static string Text(ReadOnlySpan<long> shape)
    {
        var text = new StringBuilder("[");
        for (int i = 0; i < shape.Length; i++)
            text.Append(i == 0 ? "" : ", ").Append(shape[i].ToString(CultureInfo.InvariantCulture));
        return text.Append(']').ToString();
    }

    /// <summary>A value as the caller wrote it, cut; of arrays and objects only what they are.</summary>
    internal static string Shown(scoped ref Utf8JsonReader json)
    {
        if (json.TokenType is not (JsonTokenType.Number or JsonTokenType.String))
            return json.TokenType is JsonTokenType.True ? "true" : json.TokenType is JsonTokenType.False ? "false" : PredictRequestReader.Kind(json.TokenType);
        string text = Encoding.UTF8.GetString(json.ValueSpan.Length > LongestShown ? json.ValueSpan[..LongestShown] : json.ValueSpan);
        if (json.ValueSpan.Length > LongestShown)
            text += "…";
        return json.TokenType == JsonTokenType.String ? $"\"{text}\"" : text;
    }
}
