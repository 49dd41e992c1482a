namespace RnnService.Benchmarks.Report;

/// <summary>What the service did when it was offered more than it can do.</summary>
internal sealed record OverloadResult
{
    /// <summary>Sequences a request.</summary>
    public required int Rows { get; init; }

    /// <summary>Sequences a second of the closed loop just before, in the same process.</summary>
    public required double Peak { get; init; }

    /// <summary>Sequences a second that were asked for.</summary>
    public required double Wanted { get; init; }

    /// <summary>Sequences a second that were really sent.</summary>
    public required double Offered { get; init; }

    /// <summary>Sequences a second that were answered with labels.</summary>
    public required double Goodput { get; init; }

    /// <summary>Milliseconds from when a request was due to its answer, of those answered with labels.</summary>
    public required double P50 { get; init; }

    /// <summary>As <see cref="P50"/>.</summary>
    public required double P99 { get; init; }

    /// <summary>Share of 429 among the answers, 0 to 1.</summary>
    public required double RefusedShare { get; init; }

    /// <summary>Answers with 429.</summary>
    public required long Refused { get; init; }

    /// <summary>Answers with 429 that had a header <c>Retry-After</c>.</summary>
    public required long RefusedWithHint { get; init; }

    /// <summary>Answers with neither 200 nor 429, and broken connections.</summary>
    public required long Errors { get; init; }

    /// <summary>Requests that were due while every connection of the generator was busy.</summary>
    public required long NotSent { get; init; }

    /// <summary>One sentence a line.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"offered {Offered:N0} sequences/s, {Offered / Peak:F1} times the peak ({Wanted / Peak:F1} times was wanted{(NotSent > 0 ? $"; {NotSent:N0} requests were not sent, as all connections were busy" : "")}), {Rows} a request";
        yield return $"goodput {Goodput:N0} sequences/s, {Goodput / Peak:P0} of the peak of {Peak:N0} measured just before";
        yield return $"accepted requests: p50 {P50:F0} ms, p99 {P99:F0} ms, from when they were due";
        yield return $"refused with 429: {RefusedShare:P1} of the answers; Retry-After on {RefusedWithHint:N0} of {Refused:N0}; other errors: {Errors:N0}";
    }
}
