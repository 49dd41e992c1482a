namespace RnnService.Benchmarks.Load;

/// <summary>What came back in a stretch of time. Safe for concurrent use.</summary>
internal sealed class LoadCounts
{
    private long _answered;
    private long _refused;
    private long _refusedWithHint;
    private long _errors;

    /// <summary>Answers with status 200.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Answers with status 429.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Answers with status 429 that say when to come again.</summary>
    public long RefusedWithHint => Interlocked.Read(ref _refusedWithHint);

    /// <summary>Answers with any other status, and connections that broke.</summary>
    public long Errors => Interlocked.Read(ref _errors);

    /// <summary>Latencies of the answers with status 200.</summary>
    public LatencyHistogram Latency { get; } = new();

    public void Add(ResponseFrame frame, TimeSpan latency)
    {
        switch (frame.Status)
        {
            case 200:
                Interlocked.Increment(ref _answered);
                Latency.Add(latency);
                break;
            case 429:
                Interlocked.Increment(ref _refused);
                if (frame.SaysRetryAfter)
                    Interlocked.Increment(ref _refusedWithHint);
                break;
            default:
                Interlocked.Increment(ref _errors);
                break;
        }
    }
}
