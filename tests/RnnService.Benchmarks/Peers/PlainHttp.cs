using System.Net;
using System.Net.Sockets;
using System.Text;
using RnnService.Benchmarks.Load;

namespace RnnService.Benchmarks.Peers;

/// <summary>One request on one blocking connection. HttpClient would run its continuations on the one thread that carries the load.</summary>
internal static class PlainHttp
{
    /// <returns>Status 0 when nobody listens.</returns>
    public static (int Status, string Body) Get(int port, string path) =>
        Exchange(port, Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));

    /// <summary>Sends a rendered request as it is, and reads until the server closes: the request must ask for that.</summary>
    public static (int Status, string Body) Exchange(int port, ReadOnlySpan<byte> request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            socket.Send(request);
            using var answer = new MemoryStream();
            var buffer = new byte[16384];
            for (int n; (n = socket.Receive(buffer)) > 0;)
                answer.Write(buffer, 0, n);
            return Parse(answer.ToArray());
        }
        catch (SocketException)
        {
            return (0, "");
        }
    }

    private static (int Status, string Body) Parse(ReadOnlySpan<byte> answer)
    {
        if (!ResponseFrame.TryRead(answer, out var frame))
            return (0, "");
        var body = answer[frame.HeadLength..frame.Length];
        bool chunked = answer[..frame.HeadLength].IndexOf("Transfer-Encoding: chunked"u8) >= 0;
        return (frame.Status, chunked ? Join(body) : Encoding.UTF8.GetString(body));
    }

    private static string Join(ReadOnlySpan<byte> chunks)
    {
        using var joined = new MemoryStream();
        while (ResponseFrame.TryReadChunk(chunks, out int start, out int size) && size > 0)
        {
            joined.Write(chunks.Slice(start, size));
            chunks = chunks[(start + size + 2)..];
        }
        return Encoding.UTF8.GetString(joined.ToArray());
    }
}
