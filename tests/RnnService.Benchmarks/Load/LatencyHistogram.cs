using System.Numerics;

namespace RnnService.Benchmarks.Load;

/// <summary>Counts latencies in buckets that are at most 1.6 % wide, from 1 microsecond to over an hour. Safe for concurrent use.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int Sub = 1 << SubBits;

    private readonly long[] _buckets = new long[(32 - SubBits + 1) * Sub];

    public long Count => _buckets.Sum();

    public void Add(TimeSpan latency) => Interlocked.Increment(ref _buckets[Bucket((uint)Math.Clamp(latency.TotalMicroseconds, 0, uint.MaxValue))]);

    /// <summary>Milliseconds that the given share, 0 to 1, of the latencies do not exceed; NaN when there are none.</summary>
    public double Percentile(double share)
    {
        long total = Count;
        if (total == 0)
            return double.NaN;
        long rest = Math.Max(1, (long)Math.Ceiling(share * total));
        int bucket = 0;
        while ((rest -= _buckets[bucket]) > 0)
            bucket++;
        return Middle(bucket) / 1000;
    }

    /// <summary>Below 64 each microsecond has its bucket; from there every doubling has 64 of them.</summary>
    private static int Bucket(uint microseconds)
    {
        int shift = Math.Max(0, BitOperations.Log2(microseconds) - SubBits);
        return shift == 0 ? (int)microseconds : shift * Sub + (int)(microseconds >> shift);
    }

    private static double Middle(int bucket)
    {
        int shift = Math.Max(0, bucket / Sub - 1);
        return shift == 0 ? bucket : ((double)(bucket - shift * Sub) + 0.5) * (1L << shift);
    }
}
