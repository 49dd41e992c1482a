using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using RnnService.Core.Tensors;

namespace RnnService.Api.OpenInference;

/// <summary>Reads the field <c>data</c> of an input, nested to its shape or flat, straight into the bytes of the tensor.</summary>
internal ref struct JsonTensorData
{
    private readonly Datatype _type;
    private readonly ReadOnlySpan<long> _shape;
    private readonly PooledBuffer _into;
    private readonly string _place;
    private readonly long _count;
    private long _read;

    private JsonTensorData(Datatype type, ReadOnlySpan<long> shape, long count, PooledBuffer into, string place)
    {
        _type = type;
        _shape = shape;
        _count = count;
        _into = into;
        _place = place;
    }

    /// <param name="json">Stands at the value of <c>data</c>, and afterwards at its end.</param>
    /// <param name="type">Type of the elements.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="count">Number of elements that the shape has.</param>
    /// <param name="into">Receives the bytes.</param>
    /// <param name="place">The input, for texts: <c>inputs[0] "x"</c>.</param>
    /// <exception cref="InvalidRequestException">The data are not of this type and shape.</exception>
    public static void Read(ref Utf8JsonReader json, Datatype type, ReadOnlySpan<long> shape, long count, PooledBuffer into, string place)
    {
        if (json.TokenType != JsonTokenType.StartArray)
            throw new InvalidRequestException($"{place}: \"data\" must be an array of the elements, flat or nested to the shape.");
        new JsonTensorData(type, shape, count, into, place).ReadAll(ref json);
    }

    private void ReadAll(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.StartArray)
            ReadNested(ref json);
        else
            ReadFlat(ref json);
        if (_read != _count)
            throw Fault($"the shape {Shape} has {_count} element(s), and \"data\" has {_read}; make them agree.");
    }

    private void ReadFlat(ref Utf8JsonReader json)
    {
        for (; json.TokenType != JsonTokenType.EndArray; json.Read())
            ReadElement(ref json);
    }

    private void ReadNested(ref Utf8JsonReader json)
    {
        Span<long> filled = stackalloc long[InferRequestReader.MostDimensions + 1];
        int depth = 1;
        filled.Clear();
        while (depth > 0)
        {
            if (json.TokenType == JsonTokenType.EndArray)
            {
                if (filled[depth] != _shape[depth - 1])
                    throw Fault($"the shape {Shape} wants {_shape[depth - 1]} in dimension {depth - 1}, and an array of \"data\" that ends after element {_read} has {filled[depth]}; nest the data to the shape, or send them flat.");
                depth--;
            }
            else
            {
                filled[depth]++;
                bool array = json.TokenType == JsonTokenType.StartArray;
                if (array != depth < _shape.Length)
                    throw Fault($"the shape {Shape} has {_shape.Length} dimension(s), and \"data\" has {(array ? "more" : "fewer")} at element {_read}; nest the data to the shape, or send them flat.");
                if (array)
                    filled[++depth] = 0;
                else
                    ReadElement(ref json);
            }
            if (depth > 0)
                json.Read();
        }
    }

    private void ReadElement(ref Utf8JsonReader json)
    {
        if (_read == _count)
            throw Fault($"the shape {Shape} has {_count} element(s), and \"data\" has more; make them agree.");
        if (_type == Datatype.Bytes)
            ReadString(ref json);
        else
            ReadNumber(ref json);
        _read++;
    }

    private readonly void ReadString(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.String)
            throw Wrong(ref json);
        int most = json.ValueSpan.Length;
        var target = _into.GetSpan(sizeof(int) + most);
        try
        {
            int length = json.CopyString(target.Slice(sizeof(int), most));
            BinaryPrimitives.WriteInt32LittleEndian(target, length);
            _into.Advance(sizeof(int) + length);
        }
        catch (InvalidOperationException)
        {
            throw Fault($"element {_read} of \"data\" is no Unicode text; send bytes as binary data (parameter binary_data_size).");
        }
    }

    private readonly void ReadNumber(ref Utf8JsonReader json)
    {
        int size = _type.Size();
        var target = _into.GetSpan(size)[..size];
        bool valid = json.TokenType switch
        {
            JsonTokenType.Number => _type is Datatype.Fp16 or Datatype.Fp32 or Datatype.Fp64 ? TryFloat(ref json, target) : TryInteger(ref json, target),
            JsonTokenType.True or JsonTokenType.False when _type == Datatype.Bool => TrySet(target, json.TokenType == JsonTokenType.True),
            _ => false,
        };
        if (!valid)
            throw Wrong(ref json);
        _into.Advance(size);
    }

    private readonly bool TryFloat(ref Utf8JsonReader json, Span<byte> target)
    {
        switch (_type)
        {
            case Datatype.Fp32:
                bool single = json.TryGetSingle(out float f) && float.IsFinite(f);
                BinaryPrimitives.WriteSingleLittleEndian(target, f);
                return single;
            case Datatype.Fp64:
                bool number = json.TryGetDouble(out double d) && double.IsFinite(d);
                BinaryPrimitives.WriteDoubleLittleEndian(target, d);
                return number;
            default:
                bool half = json.TryGetDouble(out double h) && Half.IsFinite((Half)h);
                BinaryPrimitives.WriteHalfLittleEndian(target, (Half)h);
                return half;
        }
    }

    private readonly bool TryInteger(ref Utf8JsonReader json, Span<byte> target)
    {
        if (!TryWhole(ref json, out var value))
            return false;
        var (least, most) = Range;
        if (value < least || value > most)
            return false;
        switch (target.Length)
        {
            case 1:
                target[0] = unchecked((byte)value);
                break;
            case 2:
                BinaryPrimitives.WriteInt16LittleEndian(target, unchecked((short)value));
                break;
            case 4:
                BinaryPrimitives.WriteInt32LittleEndian(target, unchecked((int)value));
                break;
            default:
                BinaryPrimitives.WriteInt64LittleEndian(target, unchecked((long)value));
                break;
        }
        return true;
    }

    /// <summary>A whole number, however it is written: 3, 3.0 and 3e0 are the same JSON number.</summary>
    private static bool TryWhole(ref Utf8JsonReader json, out Int128 value)
    {
        value = 0;
        if (json.TryGetInt64(out long signed))
            value = signed;
        else if (json.TryGetUInt64(out ulong unsigned))
            value = unsigned;
        else if (json.TryGetDecimal(out decimal exact) && decimal.IsInteger(exact) && decimal.Abs(exact) <= ulong.MaxValue)
            value = (Int128)exact;
        else
            return false;
        return true;
    }

    private readonly (Int128 Least, Int128 Most) Range => _type switch
    {
        Datatype.Bool => (0, 1),
        Datatype.UInt8 => (0, byte.MaxValue),
        Datatype.UInt16 => (0, ushort.MaxValue),
        Datatype.UInt32 => (0, uint.MaxValue),
        Datatype.UInt64 => (0, ulong.MaxValue),
        Datatype.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        Datatype.Int16 => (short.MinValue, short.MaxValue),
        Datatype.Int32 => (int.MinValue, int.MaxValue),
        _ => (long.MinValue, long.MaxValue),
    };

    private static bool TrySet(Span<byte> target, bool value)
    {
        target[0] = value ? (byte)1 : (byte)0;
        return true;
    }

    private readonly string Shape => InferRequestReader.Text(_shape);

    private readonly InvalidRequestException Wrong(scoped ref Utf8JsonReader json)
    {
        string wanted = _type switch
        {
            Datatype.Bytes => "a string",
            Datatype.Bool => "true or false",
            Datatype.Fp16 => "a number of at most 65504 either way",
            Datatype.Fp32 or Datatype.Fp64 => $"a number within the range of {_type.Name()}",
            _ => string.Create(CultureInfo.InvariantCulture, $"a whole number from {Range.Least} to {Range.Most}"),
        };
        return Fault($"element {_read} of \"data\" is {InferRequestReader.Shown(ref json)}; an element of {_type.Name()} is {wanted}.");
    }

    private readonly InvalidRequestException Fault(string detail) => new($"{_place}: {detail}");
}
