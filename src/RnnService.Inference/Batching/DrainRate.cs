namespace RnnService.Inference.Batching;

/// <summary>
/// How fast the queue empties: predicted microseconds of work done in a microsecond, measured while there was work.
/// It counts what the costs cannot know: time spent on HTTP, other models, neighbours on the machine. Guarded by the batcher's lock.
/// </summary>
internal sealed class DrainRate(int workers)
{
    private const long Slice = 100_000;
    private const double Weight = 0.3;

    private double _rate = workers;
    private double _done;
    private long _since;

    /// <summary>The queue has just become busy.</summary>
    public void Begin(long now)
    {
        _since = now;
        _done = 0;
    }

    /// <summary>Work has left the queue.</summary>
    public void Add(double cost) => _done += cost;

    /// <summary>Takes a measurement when a slice of time has passed in which work was waiting; otherwise it would measure the demand.</summary>
    public void Measure(long now, bool busy)
    {
        if (!busy)
        {
            Begin(now);
            return;
        }
        long elapsed = now - _since;
        if (elapsed < Slice)
            return;
        _rate += Weight * (Math.Max(_done, 1) / elapsed - _rate);
        Begin(now);
    }

    /// <summary>Microseconds that the given work will take.</summary>
    public double TimeFor(double cost) => cost / Math.Max(_rate, 1e-3);
}
