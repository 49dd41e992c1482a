using System.Buffers;
using System.Runtime.CompilerServices;

namespace RnnService.Core.Batching;

/// <summary>Many sequences of different lengths, one after the other, as the batcher sees them: how many, and how long each is.</summary>
public abstract class Sequences : IDisposable
{
    private int[] _ends = ArrayPool<int>.Shared.Rent(16);

    private protected Sequences(int width) => Width = width;

    /// <summary>Values of one time step: 1 for token ids and texts, the number of channels for features.</summary>
    public int Width { get; }

    /// <summary>Number of finished sequences.</summary>
    public int Count { get; private set; }

    /// <summary>Values in the buffer, those of the open sequence included.</summary>
    protected int Used { get; set; }

    /// <summary>Number of time steps in the sequence that is being written; a step that is not complete does not count.</summary>
    public int OpenLength => (Used - OpenStart) / Width;

    /// <summary>Number of time steps of the finished sequence <paramref name="index"/>.</summary>
    public int Length(int index) => (_ends[index] - Start(index)) / Width;

    /// <summary>Closes the open sequence and begins the next.</summary>
    public void Finish()
    {
        if (Count == _ends.Length)
            Grow(ref _ends, Count);
        _ends[Count++] = Used;
    }

    /// <summary>Drops what the open sequence holds.</summary>
    public void DropOpen() => Used = OpenStart;

    /// <summary>Gives the buffers back; spans taken before are then invalid.</summary>
    public virtual void Dispose()
    {
        ArrayPool<int>.Shared.Return(_ends);
        _ends = [];
        Count = Used = 0;
        GC.SuppressFinalize(this);
    }

    protected int OpenStart => Count == 0 ? 0 : _ends[Count - 1];

    protected int Start(int index) => index == 0 ? 0 : _ends[index - 1];

    protected int End(int index) => _ends[index];

    protected static void Grow<T>(ref T[] array, int used, int needed = 0)
    {
        var larger = ArrayPool<T>.Shared.Rent(Math.Max(2 * array.Length, needed));
        array.AsSpan(0, used).CopyTo(larger);
        ArrayPool<T>.Shared.Return(array, RuntimeHelpers.IsReferenceOrContainsReferences<T>());
        array = larger;
    }
}

/// <summary>Sequences with their values: ids as int, features as float, texts as string. In one pooled buffer; not safe for concurrent writing.</summary>
/// <param name="width">Values of one time step, at least 1.</param>
public sealed class Sequences<T>(int width = 1) : Sequences(width)
{
    private T[] _values = ArrayPool<T>.Shared.Rent(256);

    /// <summary>Values of the finished sequence <paramref name="index"/>, time step after time step.</summary>
    public ReadOnlySpan<T> this[int index] => _values.AsSpan(Start(index), End(index) - Start(index));

    /// <summary>Values of the open sequence.</summary>
    public Span<T> Open => _values.AsSpan(OpenStart, Used - OpenStart);

    /// <summary>Appends one value to the open sequence.</summary>
    public void Add(T value)
    {
        if (Used == _values.Length)
            Grow(ref _values, Used);
        _values[Used++] = value;
    }

    /// <summary>Makes room for values at the end of the open sequence, for the caller to fill; valid until the next call.</summary>
    public Span<T> Append(int values)
    {
        if (_values.Length - Used < values)
            Grow(ref _values, Used, checked(Used + values));
        Used += values;
        return _values.AsSpan(Used - values, values);
    }

    public override void Dispose()
    {
        ArrayPool<T>.Shared.Return(_values, RuntimeHelpers.IsReferenceOrContainsReferences<T>());
        _values = [];
        base.Dispose();
    }
}
