using System.Buffers;
using RnnService.Api.Errors;
using RnnService.Core;

namespace RnnService.Api.Predict;

/// <summary>Waits until the whole body of a request lies in Kestrel's buffers, or is known to be too large.</summary>
internal static class RequestBody
{
    /// <returns>The body and null, or nothing and the problem. After a body the caller must advance the reader past it.</returns>
    /// <exception cref="BadHttpRequestException">The body broke off, or is larger than Kestrel's own limit.</exception>
    public static async ValueTask<(ReadOnlySequence<byte> Body, Problem? Problem)> ReadAsync(HttpRequest request, int limit, CancellationToken cancel)
    {
        if (request.ContentLength > limit)
            return (default, TooLarge(limit));
        var reader = request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(cancel);
            if (read.Buffer.Length > limit)
            {
                reader.AdvanceTo(read.Buffer.End);
                return (default, TooLarge(limit));
            }
            if (read.IsCompleted || read.Buffer.Length == request.ContentLength)
                return (read.Buffer, null);
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static Problem TooLarge(int limit) => Problem.TooLarge(
        [new Fault("", $"The request body is over the limit of {limit} bytes. Send fewer sequences a request, or raise Limits:BodyBytes.")]);
}
