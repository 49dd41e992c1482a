using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace RnnService.Inference.Batching;

/// <summary>
/// Memory of one tensor of a type that is known only once the graph is. It grows to the largest batch it has seen and is then reused;
/// it never moves, so ONNX Runtime reads and writes it in place.
/// </summary>
internal sealed class TensorBuffer(TensorElementType type)
{
    private byte[] _bytes = [];
    private string[] _texts = [];

    public TensorElementType Type { get; } = type;

    private int ElementSize { get; } = SizeOf(type) is > 0 and var size ? size : throw new NotSupportedException($"Tensors of {type} cannot be fed.");

    /// <summary>Whether elements of a type can be fed.</summary>
    public static bool Holds(TensorElementType type) => SizeOf(type) > 0;

    private static int SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Bool or TensorElementType.Int8 or TensorElementType.UInt8 or TensorElementType.String => 1,
        TensorElementType.Int16 or TensorElementType.UInt16 or TensorElementType.Float16 => 2,
        TensorElementType.Int32 or TensorElementType.UInt32 or TensorElementType.Float => 4,
        TensorElementType.Int64 or TensorElementType.UInt64 or TensorElementType.Double => 8,
        _ => 0,
    };

    /// <summary>Makes room for a number of elements; what they are is undefined.</summary>
    /// <exception cref="OverflowException">They take more than 2 GB.</exception>
    public void Reserve(int elements)
    {
        if (Type == TensorElementType.String && _texts.Length < elements)
            _texts = new string[elements];
        int bytes = checked(elements * ElementSize);
        if (_bytes.Length < bytes)
            _bytes = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
    }

    /// <summary>Sets the first elements to one number, which the type can hold.</summary>
    public void Fill(int elements, double number)
    {
        switch (Type)
        {
            case TensorElementType.String:
                Array.Fill(_texts, "", 0, elements);
                break;
            case TensorElementType.Float:
                Span<float>(elements).Fill((float)number);
                break;
            case TensorElementType.Double:
                Span<double>(elements).Fill(number);
                break;
            case TensorElementType.Float16:
                Span<Half>(elements).Fill((Half)number);
                break;
            case TensorElementType.Int64:
                Span<long>(elements).Fill((long)number);
                break;
            case TensorElementType.UInt64:
                Span<ulong>(elements).Fill((ulong)number);
                break;
            case TensorElementType.Int32:
                Span<int>(elements).Fill((int)number);
                break;
            case TensorElementType.UInt32:
                Span<uint>(elements).Fill((uint)number);
                break;
            case TensorElementType.Int16:
                Span<short>(elements).Fill((short)number);
                break;
            case TensorElementType.UInt16:
                Span<ushort>(elements).Fill((ushort)number);
                break;
            case TensorElementType.Int8:
                Span<sbyte>(elements).Fill((sbyte)number);
                break;
            default:
                Span<byte>(elements).Fill((byte)number);
                break;
        }
    }

    public void Set(int index, string text) => _texts[index] = text;

    /// <summary>Writes time steps of one sequence.</summary>
    /// <param name="values">Time step after time step, <paramref name="width"/> values each.</param>
    /// <param name="start">Where the first value goes.</param>
    /// <param name="timeStride">Elements between neighbouring time steps.</param>
    /// <param name="width">Values of a time step.</param>
    /// <param name="featureStride">Elements between neighbouring values of a time step.</param>
    public void Write<T>(ReadOnlySpan<T> values, int start, int timeStride, int width, int featureStride)
        where T : unmanaged, INumber<T>
    {
        var place = new Place(start, timeStride, width, featureStride);
        switch (Type)
        {
            case TensorElementType.Int64:
                Write<T, long>(values, place);
                break;
            case TensorElementType.Int32:
                Write<T, int>(values, place);
                break;
            case TensorElementType.Float:
                Write<T, float>(values, place);
                break;
            case TensorElementType.Double:
                Write<T, double>(values, place);
                break;
            case TensorElementType.Float16:
                Write<T, Half>(values, place);
                break;
            case TensorElementType.UInt64:
                Write<T, ulong>(values, place);
                break;
            case TensorElementType.UInt32:
                Write<T, uint>(values, place);
                break;
            case TensorElementType.Int16:
                Write<T, short>(values, place);
                break;
            case TensorElementType.UInt16:
                Write<T, ushort>(values, place);
                break;
            case TensorElementType.Int8:
                Write<T, sbyte>(values, place);
                break;
            default:
                Write<T, byte>(values, place);
                break;
        }
    }

    /// <summary>Copies numbers of a floating type.</summary>
    public void Read(int start, Span<float> target)
    {
        switch (Type)
        {
            case TensorElementType.Double:
                Convert(MemoryMarshal.Cast<byte, double>(_bytes).Slice(start, target.Length), target);
                break;
            case TensorElementType.Float16:
                Convert(MemoryMarshal.Cast<byte, Half>(_bytes).Slice(start, target.Length), target);
                break;
            default:
                MemoryMarshal.Cast<byte, float>(_bytes).Slice(start, target.Length).CopyTo(target);
                break;
        }
    }

    /// <summary>The memory as ONNX Runtime sees it; the buffer must outlive it.</summary>
    public OrtValue ToOrtValue(long[] shape)
    {
        long elements = 1;
        foreach (long size in shape)
            elements *= size;
        if (Type == TensorElementType.String)
            return OrtValue.CreateFromStringTensor(new DenseTensor<string>(_texts.AsMemory(0, (int)elements), [.. shape.Select(s => (int)s)]));
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, Type, shape, Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0), elements * ElementSize);
    }

    private Span<T> Span<T>(int elements)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(_bytes.AsSpan())[..elements];

    private void Write<TFrom, TTo>(ReadOnlySpan<TFrom> values, Place place)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        var target = MemoryMarshal.Cast<byte, TTo>(_bytes.AsSpan())[place.Start..];
        if (place.IsContiguous)
        {
            if (typeof(TFrom) == typeof(TTo))
                MemoryMarshal.Cast<TFrom, TTo>(values).CopyTo(target);
            else
                Convert(values, target);
            return;
        }
        for (int i = 0, t = 0; i < values.Length; t++)
        {
            for (int f = 0; f < place.Width; f++)
                target[(t * place.TimeStride) + (f * place.FeatureStride)] = TTo.CreateTruncating(values[i++]);
        }
    }

    private static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> values, Span<TTo> target)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        for (int i = 0; i < values.Length; i++)
            target[i] = TTo.CreateTruncating(values[i]);
    }

    private readonly record struct Place(int Start, int TimeStride, int Width, int FeatureStride)
    {
        public bool IsContiguous => TimeStride == Width && (Width == 1 || FeatureStride == 1);
    }
}
