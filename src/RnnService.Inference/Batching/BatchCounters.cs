namespace RnnService.Inference.Batching;

/// <summary>What a batcher has done since it began. A snapshot; all numbers only grow, but for <see cref="Queued"/>.</summary>
public readonly record struct BatchCounters
{
    /// <summary>Sequences admitted to the queue.</summary>
    public long Admitted { get; init; }

    /// <summary>Sequences of requests that were read and then refused because the queue was full; while it stays full requests are refused unread.</summary>
    public long Refused { get; init; }

    /// <summary>Sequences that left the queue or the batch without an answer, because their caller went away or its time was over.</summary>
    public long Dropped { get; init; }

    /// <summary>Sequences that ran and have logits.</summary>
    public long Answered { get; init; }

    /// <summary>Sequences of requests on which the graph failed.</summary>
    public long Failed { get; init; }

    /// <summary>Sequences that wait or run right now.</summary>
    public long Queued { get; init; }

    /// <summary>Batches that ran.</summary>
    public long Batches { get; init; }

    /// <summary>Time steps of the sequences that ran.</summary>
    public long Tokens { get; init; }

    /// <summary>Rows x time steps of the batches that ran, padding included.</summary>
    public long PaddedTokens { get; init; }

    /// <summary>Microseconds that batches ran.</summary>
    public long InferMicroseconds { get; init; }

    /// <summary>Microseconds that the learned costs predicted for them.</summary>
    public double PredictedMicroseconds { get; init; }
}
