using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Batching;

/// <summary>
/// The memory of one running batch: ids as a rectangle of rows by time steps, lengths, and the heads' logits.
/// Grows to the largest batch it has seen and is then reused; ONNX Runtime reads and writes it in place.
/// </summary>
internal sealed class BatchTensors(ModelSignature signature)
{
    private long[] _ids = [];
    private int[] _narrowIds = [];
    private long[] _lengths = [];
    private int[] _narrowLengths = [];
    private readonly float[][] _logits = [.. signature.Heads.Select(_ => Array.Empty<float>())];

    public int Rows { get; private set; }

    /// <summary>Time steps of the rectangle, padding included.</summary>
    public int Time { get; private set; }

    /// <summary>Makes room for a batch and fills it with padding: id 0 everywhere, length 1.</summary>
    public void Reset(int rows, int time)
    {
        Rows = rows;
        Time = time;
        if (signature.IdsType == TensorElementType.Int64)
            Clear(ref _ids, rows * time);
        else
            Clear(ref _narrowIds, rows * time);
        if (_lengths.Length < rows)
            (_lengths, _narrowLengths) = (new long[rows], new int[rows]);
        _lengths.AsSpan(0, rows).Fill(1);
        _narrowLengths.AsSpan(0, rows).Fill(1);
        for (int h = 0; h < _logits.Length; h++)
        {
            if (_logits[h].Length < rows * signature.Heads[h].Width)
                _logits[h] = new float[rows * signature.Heads[h].Width];
        }
    }

    /// <summary>Writes a sequence into a row.</summary>
    /// <param name="row">0 to <see cref="Rows"/> - 1.</param>
    /// <param name="ids">1 to <see cref="Time"/> ids.</param>
    public void SetRow(int row, ReadOnlySpan<int> ids)
    {
        // batch-first: a row is contiguous; time-major: its steps lie a batch apart
        int start = signature.TimeMajor ? row : row * Time;
        int stride = signature.TimeMajor ? Rows : 1;
        if (signature.IdsType == TensorElementType.Int64)
        {
            for (int t = 0; t < ids.Length; t++)
                _ids[start + t * stride] = ids[t];
        }
        else
        {
            for (int t = 0; t < ids.Length; t++)
                _narrowIds[start + t * stride] = ids[t];
        }
        _lengths[row] = _narrowLengths[row] = ids.Length;
    }

    /// <summary>The logits of a row, all heads one after the other, after a run.</summary>
    public void CopyLogits(int row, Span<float> target)
    {
        for (int h = 0; h < _logits.Length; h++)
        {
            var head = signature.Heads[h];
            var logits = target.Slice(head.Offset, head.Width);
            _logits[h].AsSpan(row * head.Width, head.Width).CopyTo(logits);
            if (head.EndsInSoftmax)
            {
                for (int i = 0; i < logits.Length; i++)
                    logits[i] = MathF.Log(logits[i]);
            }
        }
    }

    public OrtValue IdsValue()
    {
        long[] shape = signature.TimeMajor ? [Time, Rows] : [Rows, Time];
        return signature.IdsType == TensorElementType.Int64 ? Value(_ids, Rows * Time, shape) : Value(_narrowIds, Rows * Time, shape);
    }

    public OrtValue LengthsValue() =>
        signature.LengthsType == TensorElementType.Int64 ? Value(_lengths, Rows, [Rows]) : Value(_narrowLengths, Rows, [Rows]);

    public OrtValue LogitsValue(int head) => Value(_logits[head], Rows * signature.Heads[head].Width, [Rows, signature.Heads[head].Width]);

    private static OrtValue Value<T>(T[] memory, int used, long[] shape)
        where T : unmanaged => OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory.AsMemory(0, used), shape);

    private static void Clear<T>(ref T[] array, int used)
    {
        if (array.Length < used)
            array = new T[used];
        else
            Array.Clear(array, 0, used);
    }
}
