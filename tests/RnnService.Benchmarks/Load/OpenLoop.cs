using System.Diagnostics;

namespace RnnService.Benchmarks.Load;

/// <summary>Sends at a fixed rate, whether or not answers come: as the world does. A latency begins when the request was due.</summary>
internal sealed class OpenLoop : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly ReadOnlyMemory<byte>[] _requests;
    private readonly Connection[] _connections;
    private readonly Stack<Connection> _idle;
    private readonly Lock _gate = new();
    private readonly Thread _pacer;
    private readonly double _rate;
    private volatile LoadCounts _counts = new();
    private long _offered;
    private long _missed;
    private volatile bool _stop;

    /// <summary>Begins to send.</summary>
    /// <param name="port">Where the server listens, on this machine.</param>
    /// <param name="requests">Sent one after the other, then from the start again.</param>
    /// <param name="connections">Most requests under way at the same time; what is due when none is free is not sent.</param>
    /// <param name="rate">Requests a second.</param>
    public OpenLoop(int port, ReadOnlyMemory<byte>[] requests, int connections, double rate)
    {
        _requests = requests;
        _rate = rate;
        _connections = [.. Enumerable.Range(0, connections).Select(_ => new Connection(port))];
        _idle = new Stack<Connection>(_connections);
        _pacer = new Thread(Pace) { Priority = ThreadPriority.AboveNormal };
        _pacer.Start();
    }

    /// <summary>Requests that were sent.</summary>
    public long Offered => Interlocked.Read(ref _offered);

    /// <summary>Requests that were due while every connection was busy, so that they were not sent.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>Forgets what was counted so far; from now on what comes is counted in the result.</summary>
    public LoadCounts Mark() => _counts = new LoadCounts();

    public void Dispose()
    {
        _counts = new LoadCounts();
        _stop = true;
        _pacer.Join();
        var waited = Stopwatch.StartNew();
        while (IdleCount < _connections.Length && waited.Elapsed < Patience)
            Thread.Sleep(10);
        foreach (var connection in _connections)
            connection.Dispose();
    }

    private int IdleCount
    {
        get
        {
            lock (_gate)
                return _idle.Count;
        }
    }

    private void Pace()
    {
        long started = Stopwatch.GetTimestamp();
        double interval = Stopwatch.Frequency / _rate;
        for (long slot = 0; !_stop;)
        {
            Thread.Sleep(1);
            for (long due; (due = started + (long)(slot * interval)) <= Stopwatch.GetTimestamp() && !_stop; slot++)
            {
                Connection? connection;
                lock (_gate)
                    _idle.TryPop(out connection);
                if (connection is null)
                    Interlocked.Increment(ref _missed);
                else
                    _ = SendAsync(connection, _requests[slot % _requests.Length], due);
            }
        }
    }

    private async Task SendAsync(Connection connection, ReadOnlyMemory<byte> request, long due)
    {
        Interlocked.Increment(ref _offered);
        var frame = await connection.AskAsync(request).ConfigureAwait(false);
        _counts.Add(frame, Stopwatch.GetElapsedTime(due));
        lock (_gate)
            _idle.Push(connection);
    }
}
