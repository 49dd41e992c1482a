using Microsoft.Extensions.Options;
using RnnService.Api.Configuration;
using RnnService.Api.Errors;

namespace RnnService.Api.OpenInference;

/// <summary>
/// Keeps the bodies with raw tensors that are held at the same time within <see cref="LimitsOptions.TensorBytesInFlight"/>, whatever their number.
/// Bytes count once they have come: a length that a caller only says takes no room from others. Safe for concurrent use.
/// </summary>
internal sealed class BodyBudget(IOptions<LimitsOptions> limits)
{
    private readonly long _most = limits.Value.TensorBytesInFlight;
    private long _held;

    /// <summary>Opens an account for one body; disposing it gives all its bytes back.</summary>
    public BodyShare Open() => new(this);

    /// <summary>Whether so many more bytes would be within the budget right now.</summary>
    public bool HasRoom(long bytes) => bytes <= _most - Volatile.Read(ref _held);

    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= _most)
            return true;
        Return(bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _held, -bytes);

    /// <summary>Why a body is not read, or not read to its end.</summary>
    public Problem Exhausted => new(429, "queue-full", "The service has more to do than it can take.", Detail, [new("", Detail)], RetryAfterSeconds: 1);

    private string Detail =>
        $"The bodies of the requests that are being answered are all that the limit of {_most} bytes lets the server hold at the same time. Nothing of this request was accepted: send it whole again after Retry-After, or raise Limits:TensorBytesInFlight.";
}

/// <summary>The bytes of one body in a <see cref="BodyBudget"/>. For one request, not safe for concurrent use.</summary>
internal sealed class BodyShare(BodyBudget budget) : IDisposable
{
    private long _taken;

    public Problem Exhausted => budget.Exhausted;

    public bool HasRoom(long bytes) => budget.HasRoom(bytes);

    public bool TryTake(int bytes)
    {
        if (!budget.TryTake(bytes))
            return false;
        _taken += bytes;
        return true;
    }

    public void Dispose()
    {
        budget.Return(_taken);
        _taken = 0;
    }
}
