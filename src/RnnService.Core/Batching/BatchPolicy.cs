namespace RnnService.Core.Batching;

/// <summary>Which sequences may run together.</summary>
public sealed record BatchPolicy
{
    /// <summary>Most rows of a batch.</summary>
    public int MaxRows { get; init; } = 64;

    /// <summary>Most padded tokens, rows x longest, of a batch with more than one row: bounds its run time and its memory.</summary>
    public int MaxPaddedTokens { get; init; } = 8192;

    /// <summary>Rows that the graph insists on; short batches are filled up. 0: any number.</summary>
    public int FixedRows { get; init; }

    /// <summary>Time steps that the graph insists on; every sequence is padded to them. 0: any number.</summary>
    public int FixedTime { get; init; }

    /// <summary>Only sequences of one length run together, because padding would change their answers.</summary>
    public bool EqualLengths { get; init; }

    /// <summary>Most sequences that one plan covers. What arrives later waits for the plan to run out, so a small window is a short wait.</summary>
    public int Window { get; init; } = 256;

    /// <summary>A request that has waited this long, in microseconds, has its share before those that have not.</summary>
    public long WaitBound { get; init; } = 50_000;

    /// <summary>Sequences that a request places in the window before the next request has its turn.</summary>
    public int FairShare { get; init; } = 32;
}
