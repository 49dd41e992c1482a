namespace RnnService.Inference.Tests.Models;

/// <summary>A clock that stands until it is told to go on.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => 1000;

    public void Pass(int milliseconds) => _now += milliseconds;

    public override long GetTimestamp() => _now;
}
