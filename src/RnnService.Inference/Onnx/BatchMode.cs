namespace RnnService.Inference.Onnx;

/// <summary>What the probe found out about a graph by running it, and how it is therefore run.</summary>
public sealed record BatchMode
{
    /// <summary>The name of the mode: ragged, equal_lengths, fixed_batch, batch_of_one, or fixed_time before one of them.</summary>
    public required string Name { get; init; }

    /// <summary>Why this mode and no faster one.</summary>
    public required string Reason { get; init; }

    /// <summary>What to change in the export to get a faster mode; null when there is none.</summary>
    public string? Remedy { get; init; }

    /// <summary>Rows that the graph insists on; 0 for any number.</summary>
    public int FixedRows { get; init; }

    /// <summary>Time steps that the graph insists on; 0 for any number.</summary>
    public int FixedTime { get; init; }

    /// <summary>Whether an answer stays the same when its sequence is padded.</summary>
    public bool PaddingExact { get; init; }

    /// <summary>Whether an answer stays the same whatever else is in the batch.</summary>
    public bool RowsIndependent { get; init; }

    /// <summary>Whether time is the first axis of the ids, and batch the second.</summary>
    public bool TimeMajor { get; init; }

    /// <summary>Shortest sequence that the graph takes, in time steps.</summary>
    public int MinLength { get; init; } = 1;

    /// <summary>Longest sequence that was wanted and ran.</summary>
    public int MaxLength { get; init; }

    /// <summary>Ids from 0 to this minus 1 run; null when any id does.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>Whether a sequence of nothing but id 0, the padding, has an answer.</summary>
    public bool TakesPaddingId { get; init; }

    /// <summary>The largest change of a probability that batching in this mode made in the probe.</summary>
    public double LargestDifference { get; init; }
}
