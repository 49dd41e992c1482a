using System.Buffers;
using System.Buffers.Binary;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RnnService.Core.Tensors;
using Tensor = RnnService.Core.Tensors.Tensor;

namespace RnnService.Inference.Tensors;

/// <summary>The inputs of a run as ONNX Runtime takes them: numbers in place, in pinned memory; strings copied, since it keeps them as objects of its own.</summary>
internal sealed class OrtInputs : IDisposable
{
    private static readonly long[] Nothing = [0];   // an address for tensors without elements

    private readonly OrtValue?[] _values;
    private readonly MemoryHandle[] _pins;

    public OrtInputs(IReadOnlyList<Tensor> tensors)
    {
        Names = new string[tensors.Count];
        _values = new OrtValue?[tensors.Count];
        _pins = new MemoryHandle[tensors.Count];
        try
        {
            for (int i = 0; i < tensors.Count; i++)
            {
                Names[i] = tensors[i].Name;
                _values[i] = tensors[i].Type == Datatype.Bytes ? Strings(tensors[i]) : Numbers(tensors[i], ref _pins[i]);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string[] Names { get; }

    public OrtValue[] Values => _values!;

    private static unsafe OrtValue Numbers(Tensor tensor, ref MemoryHandle pin)
    {
        pin = tensor.Data.Length > 0 ? tensor.Data.Pin() : Nothing.AsMemory().Pin();
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, ElementType(tensor.Type), [.. tensor.Shape], (nint)pin.Pointer, tensor.Data.Length);
    }

    private static OrtValue Strings(Tensor tensor)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [.. tensor.Shape]);
        var rest = tensor.Data.Span;
        for (int i = 0; rest.Length > 0; i++)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
            value.StringTensorSetElementAt(rest.Slice(sizeof(int), length), i);
            rest = rest[(sizeof(int) + length)..];
        }
        return value;
    }

    private static TensorElementType ElementType(Datatype type) => type switch
    {
        Datatype.Bool => TensorElementType.Bool,
        Datatype.UInt8 => TensorElementType.UInt8,
        Datatype.UInt16 => TensorElementType.UInt16,
        Datatype.UInt32 => TensorElementType.UInt32,
        Datatype.UInt64 => TensorElementType.UInt64,
        Datatype.Int8 => TensorElementType.Int8,
        Datatype.Int16 => TensorElementType.Int16,
        Datatype.Int32 => TensorElementType.Int32,
        Datatype.Int64 => TensorElementType.Int64,
        Datatype.Fp16 => TensorElementType.Float16,
        Datatype.Fp32 => TensorElementType.Float,
        Datatype.Fp64 => TensorElementType.Double,
        _ => TensorElementType.String,
    };

    public void Dispose()
    {
        foreach (var value in _values)
            value?.Dispose();
        foreach (var pin in _pins)
            pin.Dispose();
    }
}

/// <summary>Reads what a run left.</summary>
internal static class OrtOutputs
{
    /// <summary>A tensor over the value's own memory, valid as long as the value is; strings are copied.</summary>
    /// <exception cref="TensorTooLargeException">It is too large to be answered.</exception>
    public static Tensor Read(string name, OrtValue value)
    {
        var info = value.GetTensorTypeAndShape();
        var type = Onnx.TensorDescription.DatatypeOf(info.ElementDataType)!.Value;
        if (type == Datatype.Bytes)
            return new Tensor(name, type, info.Shape, Strings(name, value, info.ElementCount));
        if (info.ElementCount * type.Size() > int.MaxValue)
            throw new TensorTooLargeException(name);
        return new Tensor(name, type, info.Shape, info.ElementCount == 0 ? default : new OrtMemory(value).Memory);
    }

    private static byte[] Strings(string name, OrtValue value, long count)
    {
        long size = 0;
        for (int i = 0; i < count; i++)
            size += sizeof(int) + value.GetStringElementAsSpan(i).Length;
        if (size > Array.MaxLength)
            throw new TensorTooLargeException(name);
        var bytes = new byte[size];
        var rest = bytes.AsSpan();
        for (int i = 0; i < count; i++)
        {
            var element = value.GetStringElementAsSpan(i);
            BinaryPrimitives.WriteInt32LittleEndian(rest, element.Length);
            element.CopyTo(rest[sizeof(int)..]);
            rest = rest[(sizeof(int) + element.Length)..];
        }
        return bytes;
    }

    /// <summary>A numeric tensor's memory, which the value owns.</summary>
    private sealed class OrtMemory(OrtValue value) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => value.GetTensorMutableRawData();

        // ONNX Runtime's memory does not move
        public override unsafe MemoryHandle Pin(int elementIndex = 0)
        {
            fixed (byte* start = GetSpan())
                return new MemoryHandle(start + elementIndex);
        }

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}

/// <summary>An output cannot be answered for its size.</summary>
internal sealed class TensorTooLargeException(string output)
    : Exception($"The output \"{output}\" has more than 2 GiB for these inputs, which cannot be answered. Send less at a time.");
