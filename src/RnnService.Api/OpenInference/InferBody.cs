using System.Globalization;
using RnnService.Api.Errors;

namespace RnnService.Api.OpenInference;

/// <summary>The body of an inference request: JSON, then the binary data of the tensors that have some.</summary>
/// <param name="Buffer">Holds it.</param>
/// <param name="Start">Where it begins: such that the binary data, and so its first tensor, begin at a multiple of 8.</param>
/// <param name="JsonLength">Bytes of JSON.</param>
/// <param name="Raw">Whether there is no JSON: the body is the data of one tensor and nothing else.</param>
internal readonly record struct InferBody(PooledBuffer Buffer, int Start, int JsonLength, bool Raw)
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    private const int Alignment = 8;
    private const int FirstBytes = 1 << 20;

    public ReadOnlySpan<byte> Json => Buffer.WrittenSpan.Slice(Start, JsonLength);

    public ReadOnlyMemory<byte> Binary => Buffer.Written[(Start + JsonLength)..];

    /// <summary>Reads it whole, decompressed already.</summary>
    /// <param name="request">The request.</param>
    /// <param name="limit">Most bytes.</param>
    /// <param name="share">What it may take of the memory for bodies; null where that is not counted.</param>
    /// <param name="cancel">Set when nobody waits for the answer any more.</param>
    /// <exception cref="InvalidRequestException">It is not what its headers say.</exception>
    public static async ValueTask<(InferBody Body, Problem? Problem)> ReadAsync(HttpRequest request, int limit, BodyShare? share, CancellationToken cancel)
    {
        if (request.ContentLength > limit)
            return (default, TooLarge(limit));
        if (share?.HasRoom(request.ContentLength ?? 0) == false)
            return (default, share.Exhausted);
        int? json = ReadHeaderLength(request);
        int start = json is { } length ? (Alignment - (length % Alignment)) % Alignment : 0;
        // no more than has come, or nearly: a length is quickly said
        var buffer = new PooledBuffer((int)Math.Min(request.ContentLength ?? 0, FirstBytes) + start + 1);
        try
        {
            buffer.GetSpan(start)[..start].Clear();
            buffer.Advance(start);
            while (true)
            {
                int read = await request.Body.ReadAsync(buffer.GetMemory(), cancel);
                if (read == 0)
                    break;
                buffer.Advance(read);
                if (buffer.Length - start > limit)
                {
                    buffer.Dispose();
                    return (default, TooLarge(limit));
                }
                if (share?.TryTake(read) == false)
                {
                    buffer.Dispose();
                    return (default, share.Exhausted);
                }
            }
            if (json > buffer.Length - start)
                throw new InvalidRequestException($"The header {HeaderLength} says {json} bytes of JSON, and the body has {buffer.Length - start} in all. It must be the length of the JSON before the binary data.");
            return (new InferBody(buffer, start, json ?? buffer.Length, json == 0), null);
        }
        catch (InvalidDataException)
        {
            buffer.Dispose();
            throw new InvalidRequestException("The body cannot be decompressed; it is not what the header Content-Encoding says, or it broke off.");
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    private static int? ReadHeaderLength(HttpRequest request)
    {
        var header = request.Headers[HeaderLength];
        if (header.Count == 0)
            return null;
        return int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            ? length
            : throw new InvalidRequestException($"The header {HeaderLength} is the length of the JSON before the binary data, in bytes: a whole number, and not \"{header}\".");
    }

    private static Problem TooLarge(int limit) =>
        Problem.Whole(413, "too-large", "The request is over a limit.", $"The request body is over the limit of {limit} bytes. Send less at a time, or raise Limits:TensorBodyBytes.");
}
