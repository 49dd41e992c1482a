namespace RnnService.Api.Observability;

/// <summary>Counts requests by status and how long they took.</summary>
internal sealed class RequestMetrics
{
    private static readonly double[] Bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private readonly long[] _byStatus = new long[600];
    private readonly long[] _buckets = new long[Bounds.Length + 1];
    private long _microseconds;

    public void Count(int status, TimeSpan elapsed)
    {
        Interlocked.Increment(ref _byStatus[Math.Clamp(status, 0, _byStatus.Length - 1)]);
        int bucket = 0;
        while (bucket < Bounds.Length && elapsed.TotalSeconds > Bounds[bucket])
            bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
        Interlocked.Add(ref _microseconds, (long)elapsed.TotalMicroseconds);
    }

    public void WriteTo(PrometheusText text)
    {
        text.Metric("rnn_http_requests_total", "counter", "HTTP requests by status.");
        for (int status = 0; status < _byStatus.Length; status++)
        {
            if (Interlocked.Read(ref _byStatus[status]) is > 0 and var count)
                text.Sample("rnn_http_requests_total", count, ("status", Text(status)));
        }
        text.Metric("rnn_http_request_duration_seconds", "histogram", "Time from a request's headers to the end of its answer.");
        long total = 0;
        for (int i = 0; i < _buckets.Length; i++)
        {
            total += Interlocked.Read(ref _buckets[i]);
            text.Sample("rnn_http_request_duration_seconds_bucket", total, ("le", i < Bounds.Length ? Bounds[i].ToString(System.Globalization.CultureInfo.InvariantCulture) : "+Inf"));
        }
        text.Sample("rnn_http_request_duration_seconds_sum", Interlocked.Read(ref _microseconds) / 1e6);
        text.Sample("rnn_http_request_duration_seconds_count", total);
    }

    private static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
