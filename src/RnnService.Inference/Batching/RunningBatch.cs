namespace RnnService.Inference.Batching;

/// <summary>A planned batch on its way to the graph: which sequence of which request stands in which row. Reused.</summary>
internal sealed class RunningBatch
{
    private (SequenceRequest Request, int Sequence)[] _rows = new (SequenceRequest, int)[16];

    public int Count { get; private set; }

    /// <summary>Length of the longest sequence.</summary>
    public int Time { get; private set; }

    /// <summary>Time steps of all sequences together.</summary>
    public int Tokens { get; private set; }

    public ReadOnlySpan<(SequenceRequest Request, int Sequence)> Rows => _rows.AsSpan(0, Count);

    public void Clear()
    {
        Array.Clear(_rows, 0, Count);
        Count = Time = Tokens = 0;
    }

    public void Add(SequenceRequest request, int sequence)
    {
        if (Count == _rows.Length)
            Array.Resize(ref _rows, 2 * Count);
        _rows[Count++] = (request, sequence);
        int length = request.Sequences.Length(sequence);
        Time = Math.Max(Time, length);
        Tokens += length;
    }

    /// <summary>Takes out the rows that nobody waits for, and holds the requests of the others until they are released.</summary>
    public void HoldPending()
    {
        int before = Count;
        int kept = Time = Tokens = 0;
        for (int i = 0; i < before; i++)
        {
            var (request, sequence) = _rows[i];
            if (!request.IsPending)
                continue;
            request.Hold();
            _rows[kept++] = (request, sequence);
            int length = request.Sequences.Length(sequence);
            Time = Math.Max(Time, length);
            Tokens += length;
        }
        Array.Clear(_rows, kept, before - kept);
        Count = kept;
    }
}
