using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using RnnService.Core.Tensors;

namespace RnnService.Api.OpenInference;

/// <summary>Writes the elements of a tensor as JSON.</summary>
internal static class TensorJson
{
    /// <summary>Writes an array with all elements, flat. Numbers that are none are written as <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c>, as Triton does and as Python's clients read.</summary>
    /// <returns>False when the elements are bytes that are no text, which JSON cannot say.</returns>
    public static bool TryWriteData(Utf8JsonWriter json, Tensor tensor)
    {
        json.WriteStartArray();
        var data = tensor.Data.Span;
        switch (tensor.Type)
        {
            case Datatype.Bool:
                foreach (byte value in data)
                    json.WriteBooleanValue(value != 0);
                break;
            case Datatype.UInt8:
                foreach (byte value in data)
                    json.WriteNumberValue((uint)value);
                break;
            case Datatype.UInt16:
                foreach (ushort value in MemoryMarshal.Cast<byte, ushort>(data))
                    json.WriteNumberValue((uint)value);
                break;
            case Datatype.UInt32:
                foreach (uint value in MemoryMarshal.Cast<byte, uint>(data))
                    json.WriteNumberValue(value);
                break;
            case Datatype.UInt64:
                foreach (ulong value in MemoryMarshal.Cast<byte, ulong>(data))
                    json.WriteNumberValue(value);
                break;
            case Datatype.Int8:
                foreach (sbyte value in MemoryMarshal.Cast<byte, sbyte>(data))
                    json.WriteNumberValue((int)value);
                break;
            case Datatype.Int16:
                foreach (short value in MemoryMarshal.Cast<byte, short>(data))
                    json.WriteNumberValue((int)value);
                break;
            case Datatype.Int32:
                foreach (int value in MemoryMarshal.Cast<byte, int>(data))
                    json.WriteNumberValue(value);
                break;
            case Datatype.Int64:
                foreach (long value in MemoryMarshal.Cast<byte, long>(data))
                    json.WriteNumberValue(value);
                break;
            case Datatype.Fp16:
                foreach (var value in MemoryMarshal.Cast<byte, Half>(data))
                    WriteNumber(json, (float)value);
                break;
            case Datatype.Fp32:
                foreach (float value in MemoryMarshal.Cast<byte, float>(data))
                    WriteNumber(json, value);
                break;
            case Datatype.Fp64:
                foreach (double value in MemoryMarshal.Cast<byte, double>(data))
                    WriteNumber(json, value);
                break;
            default:
                if (!TryWriteStrings(json, data))
                    return false;
                break;
        }
        json.WriteEndArray();
        return true;
    }

    private static void WriteNumber(Utf8JsonWriter json, float value)
    {
        if (float.IsFinite(value))
            json.WriteNumberValue(value);
        else
            WriteNoNumber(json, value);
    }

    private static void WriteNumber(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumberValue(value);
        else
            WriteNoNumber(json, value);
    }

    private static void WriteNoNumber(Utf8JsonWriter json, double value) =>
        json.WriteRawValue(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8, skipInputValidation: true);

    private static bool TryWriteStrings(Utf8JsonWriter json, ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(data);
            var element = data.Slice(sizeof(int), length);
            if (!Utf8.IsValid(element))
                return false;
            json.WriteStringValue(element);
            data = data[(sizeof(int) + length)..];
        }
        return true;
    }
}
