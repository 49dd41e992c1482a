using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace RnnService.Benchmarks.Peers;

/// <summary>A server in a process of its own that is started, watched and ended.</summary>
internal sealed class ServerProcess : IDisposable
{
    private const int KeptLines = 40;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Queue<string> _lastLines = new();

    private ServerProcess(ProcessStartInfo start, int port)
    {
        Port = port;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        AppDomain.CurrentDomain.ProcessExit += Kill;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Port { get; }

    /// <summary>Processor time used so far.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident memory, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts the naive server and waits until it is ready.</summary>
    public static ServerProcess Naive(TestedModel model)
    {
        int port = FreePort();
        return new ServerProcess(ChildProcess.OfThisProgram("naive", "--port", $"{port}", "--models", model.Root), port).WaitFor(NaiveServer.ReadyPath);
    }

    /// <summary>Starts the service with its shipped settings and waits until it is ready.</summary>
    public static ServerProcess Service(TestedModel model)
    {
        int port = FreePort();
        return new ServerProcess(ChildProcess.OfService("--urls", $"http://127.0.0.1:{port}", "--Models:Root", model.Root), port).WaitFor("/health/ready");
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        Kill(null, EventArgs.Empty);
        _process.WaitForExit();
        _process.Dispose();
    }

    private ServerProcess WaitFor(string readyPath)
    {
        var waited = Stopwatch.StartNew();
        while (PlainHttp.Get(Port, readyPath).Status != 200)
        {
            if (_process.HasExited || waited.Elapsed > Patience)
            {
                Dispose();
                throw new InvalidOperationException($"The server did not come up:\n{string.Join('\n', _lastLines)}");
            }
            Thread.Sleep(50);
        }
        return this;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
            return;
        lock (_lastLines)
        {
            _lastLines.Enqueue(line.Data);
            if (_lastLines.Count > KeptLines)
                _lastLines.Dequeue();
        }
    }

    private void Kill(object? sender, EventArgs e)
    {
        if (!_process.HasExited)
            _process.Kill();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
