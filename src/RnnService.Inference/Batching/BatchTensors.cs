using Microsoft.ML.OnnxRuntime;
using RnnService.Core.Batching;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Batching;

/// <summary>The tensors of one running batch: the sequences as a rectangle of rows by time steps, whatever else the graph wants, and the heads' numbers.</summary>
internal sealed class BatchTensors
{
    private readonly ModelSignature _signature;
    private readonly TensorBuffer _sequences;
    private readonly TensorBuffer[] _sides;
    private readonly TensorBuffer[] _heads;
    private long[] _shape = [];
    private int _batchStride;
    private int _timeStride;
    private int _featureStride;

    public BatchTensors(ModelSignature signature)
    {
        _signature = signature;
        _sequences = new TensorBuffer(signature.Sequence.Type);
        _sides = [.. signature.Sides.Select(s => new TensorBuffer(s.Type))];
        _heads = [.. signature.Heads.Select(h => new TensorBuffer(h.Type))];
    }

    public int Rows { get; private set; }

    /// <summary>Time steps of the rectangle, padding included.</summary>
    public int Time { get; private set; }

    /// <summary>Makes room for a batch and fills it with padding. Every row must be set before it runs.</summary>
    /// <exception cref="OverflowException">A tensor of the batch would take more than 2 GB.</exception>
    public void Reset(int rows, int time)
    {
        var input = _signature.Sequence;
        if (rows != Rows || time != Time)
        {
            Rows = rows;
            Time = time;
            _shape = input.Shape(rows, time);
            _batchStride = SequenceInput.Stride(_shape, input.BatchAxis);
            _timeStride = SequenceInput.Stride(_shape, input.TimeAxis);
            _featureStride = SequenceInput.Stride(_shape, input.FeatureAxis);
        }
        int elements = checked(rows * time * input.Width);
        _sequences.Reserve(elements);
        _sequences.Fill(elements, input.Kind == SequenceKind.Ids ? _signature.PaddingId : 0);
        for (int i = 0; i < _sides.Length; i++)
        {
            var side = _signature.Sides[i];
            int size = Count(side.Shape(rows, time));
            _sides[i].Reserve(size);
            _sides[i].Fill(size, side.Role switch { SideRole.Constant => side.Fill, _ => 0 });
        }
        for (int h = 0; h < _heads.Length; h++)
            _heads[h].Reserve(checked(rows * _signature.Heads[h].Numbers));
    }

    /// <summary>Writes a sequence into a row.</summary>
    /// <param name="row">0 to <see cref="Rows"/> - 1.</param>
    /// <param name="sequences">Sequences of the kind that the graph takes, at most <see cref="Time"/> steps each.</param>
    /// <param name="index">Which of them.</param>
    public void SetRow(int row, Sequences sequences, int index)
    {
        int start = row * _batchStride;
        switch (sequences)
        {
            case Sequences<int> ids:
                _sequences.Write(ids[index], start, _timeStride, 1, 1);
                break;
            case Sequences<float> features:
                _sequences.Write(features[index], start, _timeStride, features.Width, _featureStride);
                break;
            default:
                _sequences.Set(row, ((Sequences<string>)sequences)[index][0]);
                break;
        }
        SetSides(row, sequences.Length(index));
    }

    private void SetSides(int row, int length)
    {
        for (int i = 0; i < _sides.Length; i++)
        {
            var side = _signature.Sides[i];
            if (side.Role == SideRole.Lengths)
                _sides[i].Write<int>(new ReadOnlySpan<int>(in length), row, 1, 1, 1);
            else if (side.Role == SideRole.Mask)
                SetMask(_sides[i], side, row, length);
        }
    }

    private void SetMask(TensorBuffer mask, SideInput side, int row, int length)
    {
        bool timeMajor = side.TimeAxis < side.BatchAxis;
        Span<byte> marks = Time <= 1024 ? stackalloc byte[Time] : new byte[Time];
        marks[..length].Fill(side.MarksPadding ? (byte)0 : (byte)1);
        marks[length..].Fill(side.MarksPadding ? (byte)1 : (byte)0);
        mask.Write<byte>(marks, timeMajor ? row : row * Time, timeMajor ? Rows : 1, 1, 1);
    }

    /// <summary>The numbers of a row as the graph answered them, all heads one after the other, after a run.</summary>
    public void CopyNumbers(int row, Span<float> target)
    {
        for (int h = 0; h < _heads.Length; h++)
        {
            var head = _signature.Heads[h];
            _heads[h].Read(row * head.Numbers, target.Slice(head.Offset, head.Numbers));
        }
    }

    /// <summary>What goes into the graph: the sequences, then the sides in the signature's order.</summary>
    public OrtValue InputValue(int input) =>
        input == 0 ? _sequences.ToOrtValue(_shape) : _sides[input - 1].ToOrtValue(_signature.Sides[input - 1].Shape(Rows, Time));

    /// <summary>Where the graph writes the numbers of a head.</summary>
    public OrtValue HeadValue(int head) => _heads[head].ToOrtValue(_signature.Heads[head].Shape(Rows));

    private static int Count(long[] shape)
    {
        int count = 1;
        foreach (long size in shape)
            count = checked(count * (int)size);
        return count;
    }
}
