using System.Buffers;

namespace RnnService.Inference.Batching;

/// <summary>Sequences side by side in one rectangle [rows, time], short ones filled up with id 0, beside it their lengths.</summary>
internal sealed class PaddedBatch : IDisposable
{
    private readonly SequenceRequest _request;
    private readonly long[] _ids;
    private readonly long[] _lengths;

    public PaddedBatch(SequenceRequest request)
    {
        _request = request;
        Rows = request.Count;
        for (int row = 0; row < Rows; row++)
            Time = Math.Max(Time, request.Sequences.Length(row));
        _ids = ArrayPool<long>.Shared.Rent(Rows * Time);
        _lengths = ArrayPool<long>.Shared.Rent(Rows);
        for (int row = 0; row < Rows; row++)
        {
            var sequence = request.Sequences[row];
            var target = _ids.AsSpan(row * Time, Time);
            for (int t = 0; t < sequence.Length; t++)
                target[t] = sequence[t];
            target[sequence.Length..].Clear();
            _lengths[row] = sequence.Length;
        }
    }

    public int Rows { get; }

    /// <summary>Length of the longest sequence, in time steps.</summary>
    public int Time { get; }

    public Memory<long> Ids => _ids.AsMemory(0, Rows * Time);

    public Memory<long> Lengths => _lengths.AsMemory(0, Rows);

    /// <summary>Where the logits of a row belong.</summary>
    public Span<float> Logits(int row) => _request.Logits(row);

    public void Dispose()
    {
        ArrayPool<long>.Shared.Return(_ids);
        ArrayPool<long>.Shared.Return(_lengths);
    }
}
