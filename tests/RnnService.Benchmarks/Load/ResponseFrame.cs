using System.Buffers.Text;

namespace RnnService.Benchmarks.Load;

/// <summary>As much of an HTTP/1.1 response as a load generator must know. Header names are expected as Kestrel writes them.</summary>
/// <param name="Status">The status code.</param>
/// <param name="HeadLength">Bytes up to the body.</param>
/// <param name="Length">Bytes of the whole response.</param>
/// <param name="SaysRetryAfter">Whether it has a header <c>Retry-After</c>.</param>
internal readonly record struct ResponseFrame(int Status, int HeadLength, int Length, bool SaysRetryAfter)
{
    /// <returns>False while the response is not complete.</returns>
    public static bool TryRead(ReadOnlySpan<byte> received, out ResponseFrame frame)
    {
        frame = default;
        int headEnd = received.IndexOf("\r\n\r\n"u8);
        if (headEnd < 0)
            return false;
        var head = received[..headEnd];
        int status = Number(head["HTTP/1.1 ".Length..], 'D');
        int length = headEnd + 4;
        int field = head.IndexOf("Content-Length: "u8);
        if (field >= 0)
            length += Number(head[(field + "Content-Length: ".Length)..], 'D');
        else if (!TrySkipChunks(received, ref length))
            return false;
        if (received.Length < length)
            return false;
        frame = new ResponseFrame(status, headEnd + 4, length, status == 429 && head.IndexOf("Retry-After: "u8) >= 0);
        return true;
    }

    /// <summary>Reads the line that begins a chunk.</summary>
    /// <param name="chunks">Begins with the line.</param>
    /// <param name="start">Where the chunk's bytes begin.</param>
    /// <param name="size">How many they are; 0 for the last chunk, which has none.</param>
    /// <returns>False while the line is not complete.</returns>
    public static bool TryReadChunk(ReadOnlySpan<byte> chunks, out int start, out int size)
    {
        int line = chunks.IndexOf("\r\n"u8);
        start = line + 2;
        size = line < 0 ? 0 : Number(chunks[..line], 'X');
        return line >= 0;
    }

    private static bool TrySkipChunks(ReadOnlySpan<byte> received, ref int position)
    {
        while (position <= received.Length && TryReadChunk(received[position..], out int start, out int size))
        {
            position += start + size + 2;
            if (size == 0)
                return true;
        }
        return false;
    }

    /// <exception cref="FormatException">There is no number: this is not HTTP.</exception>
    private static int Number(ReadOnlySpan<byte> text, char format) =>
        Utf8Parser.TryParse(text, out int number, out _, format) ? number : throw new FormatException("That is no HTTP/1.1 response.");
}
