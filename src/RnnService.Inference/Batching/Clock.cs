using System.Diagnostics;

namespace RnnService.Inference.Batching;

/// <summary>Monotonic time in microseconds, the unit of plans and costs.</summary>
internal static class Clock
{
    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    public static TimeSpan Span(long microseconds) => TimeSpan.FromMicroseconds(microseconds);
}
