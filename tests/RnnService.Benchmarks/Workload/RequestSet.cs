using System.Text;

namespace RnnService.Benchmarks.Workload;

/// <summary>Requests as the bytes that go over the wire, made before anything is measured.</summary>
/// <param name="Requests">Each one whole HTTP request.</param>
/// <param name="Rows">Sequences in each.</param>
/// <param name="Padding">Tokens / padded tokens when each request is one padded batch, 0 to 1.</param>
internal sealed record RequestSet(ReadOnlyMemory<byte>[] Requests, int Rows, double Padding)
{
    public static RequestSet Of(int[][] sequences, int rows)
    {
        var groups = sequences.Chunk(rows).Where(g => g.Length == rows).ToArray();
        long tokens = groups.Sum(g => g.Sum(s => (long)s.Length));
        long padded = groups.Sum(g => (long)rows * g.Max(s => s.Length));
        return new RequestSet([.. groups.Select(g => Render(Body(g)))], rows, (double)tokens / padded);
    }

    /// <summary>The body that the service and the naive server both read.</summary>
    public static string Body(IEnumerable<int[]> sequences) =>
        $$"""{"inputs":[{{string.Join(',', sequences.Select(s => $$"""{"ids":[{{string.Join(',', s)}}]}"""))}}]}""";

    private static ReadOnlyMemory<byte> Render(string body) => Encoding.ASCII.GetBytes(
        $"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
}
