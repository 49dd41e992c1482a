using System.Buffers;

namespace RnnService.Core.Text;

/// <summary>
/// The token ids of many sequences, one after the other in one pooled buffer.
/// Not safe for concurrent writing. <see cref="Dispose"/> gives the buffers back; spans taken before are then invalid.
/// </summary>
public sealed class IdSequences : IDisposable
{
    private int[] _ids = ArrayPool<int>.Shared.Rent(256);
    private int[] _ends = ArrayPool<int>.Shared.Rent(16);
    private int _used;

    /// <summary>Number of finished sequences.</summary>
    public int Count { get; private set; }

    /// <summary>Number of ids in the sequence that is being written.</summary>
    public int OpenLength => _used - OpenStart;

    /// <summary>Total number of time steps in the finished sequences.</summary>
    public int TotalLength => OpenStart;

    /// <summary>Ids of the finished sequence <paramref name="index"/>, one a time step.</summary>
    public ReadOnlySpan<int> this[int index] => _ids.AsSpan(Start(index), Length(index));

    /// <summary>Number of time steps of the finished sequence <paramref name="index"/>.</summary>
    public int Length(int index) => _ends[index] - Start(index);

    private int OpenStart => Count == 0 ? 0 : _ends[Count - 1];

    /// <summary>Appends one time step to the open sequence.</summary>
    public void Add(int id)
    {
        if (_used == _ids.Length)
            Grow(ref _ids, _used);
        _ids[_used++] = id;
    }

    /// <summary>Closes the open sequence and begins the next.</summary>
    public void Finish()
    {
        if (Count == _ends.Length)
            Grow(ref _ends, Count);
        _ends[Count++] = _used;
    }

    /// <summary>Drops what the open sequence holds.</summary>
    public void DropOpen() => _used = OpenStart;

    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(_ids);
        ArrayPool<int>.Shared.Return(_ends);
        _ids = _ends = [];
        Count = _used = 0;
    }

    private int Start(int index) => index == 0 ? 0 : _ends[index - 1];

    private static void Grow(ref int[] array, int used)
    {
        var larger = ArrayPool<int>.Shared.Rent(2 * array.Length);
        array.AsSpan(0, used).CopyTo(larger);
        ArrayPool<int>.Shared.Return(array);
        array = larger;
    }
}
