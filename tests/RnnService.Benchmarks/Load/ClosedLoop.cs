using System.Diagnostics;

namespace RnnService.Benchmarks.Load;

/// <summary>Every connection sends its next request as soon as the last is answered.</summary>
internal sealed class ClosedLoop : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly ReadOnlyMemory<byte>[] _requests;
    private readonly Connection[] _connections;
    private readonly Task[] _loops;
    private volatile LoadCounts _counts = new();
    private int _next = -1;
    private volatile bool _stop;

    /// <summary>Begins to send.</summary>
    /// <param name="port">Where the server listens, on this machine.</param>
    /// <param name="requests">Sent one after the other, then from the start again, whatever the connection.</param>
    /// <param name="connections">At least 1.</param>
    public ClosedLoop(int port, ReadOnlyMemory<byte>[] requests, int connections)
    {
        _requests = requests;
        _connections = [.. Enumerable.Range(0, connections).Select(_ => new Connection(port))];
        _loops = [.. _connections.Select(LoopAsync)];
    }

    /// <summary>Forgets what was counted so far; from now on what comes is counted in the result.</summary>
    public LoadCounts Mark() => _counts = new LoadCounts();

    /// <summary>Ends the run; what is counted afterwards goes elsewhere than into the last mark's counts.</summary>
    public void Dispose()
    {
        _counts = new LoadCounts();
        _stop = true;
        Task.WaitAll(_loops, Patience);
        foreach (var connection in _connections)
            connection.Dispose();
    }

    private async Task LoopAsync(Connection connection)
    {
        while (!_stop)
        {
            var request = _requests[(uint)Interlocked.Increment(ref _next) % _requests.Length];
            long sent = Stopwatch.GetTimestamp();
            var frame = await connection.AskAsync(request).ConfigureAwait(false);
            _counts.Add(frame, Stopwatch.GetElapsedTime(sent));
            if (frame.Status == 0)
                await Task.Delay(10).ConfigureAwait(false);
        }
    }
}
