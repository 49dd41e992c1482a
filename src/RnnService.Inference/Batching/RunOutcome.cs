namespace RnnService.Inference.Batching;

/// <summary>How the run of a request ended.</summary>
public enum RunOutcome
{
    /// <summary>Every sequence has its logits.</summary>
    Done,

    /// <summary>The queue is full; nothing of the request was admitted.</summary>
    QueueFull,

    /// <summary>The deadline passed first.</summary>
    TimedOut,

    /// <summary>The caller went away.</summary>
    Abandoned,

    /// <summary>The graph failed on one of the sequences even when it ran alone; the log says how.</summary>
    Failed,

    /// <summary>The inputs do not fit the graph; nothing ran.</summary>
    Rejected,

    /// <summary>The model is being unloaded, or its batcher has broken down.</summary>
    Unavailable,
}
