using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace RnnService.Benchmarks.Load;

/// <summary>One kept-alive connection; one request at a time.</summary>
internal sealed class Connection(int port) : IDisposable
{
    private Socket _socket = Connect(port);
    private byte[] _received = new byte[65536];

    /// <returns>Status 0 when the connection broke; it is then made anew.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ResponseFrame> AskAsync(ReadOnlyMemory<byte> request)
    {
        try
        {
            for (int sent = 0; sent < request.Length;)
                sent += await _socket.SendAsync(request[sent..], SocketFlags.None).ConfigureAwait(false);
            for (int length = 0; ;)
            {
                int n = await _socket.ReceiveAsync(_received.AsMemory(length), SocketFlags.None).ConfigureAwait(false);
                length += n;
                if (n == 0)
                    break;
                if (ResponseFrame.TryRead(_received.AsSpan(0, length), out var frame))
                    return frame;
                if (length == _received.Length)
                    Array.Resize(ref _received, 2 * length);
            }
            Reconnect();
        }
        catch (SocketException)
        {
            Reconnect();
        }
        catch (ObjectDisposedException)
        {
            // the run is over
        }
        return default;
    }

    public void Dispose() => _socket.Dispose();

    private void Reconnect()
    {
        _socket.Dispose();
        _socket = Connect(port);
    }

    private static Socket Connect(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }
}
