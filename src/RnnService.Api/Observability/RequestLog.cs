using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace RnnService.Api.Observability;

/// <summary>Configuration section <c>RequestLog</c>.</summary>
public sealed class RequestLogOptions
{
    public const string Section = "RequestLog";

    /// <summary><c>console</c> for people, <c>json</c> for machines, <c>auto</c>: json in a container, else console.</summary>
    public string Format { get; set; } = "auto";

    /// <summary>Requests that are logged one by one in a second, failures counted apart; the rest of that second is one line. 0 logs none.</summary>
    public int PerSecond { get; set; } = 20;
}

/// <summary>Lists every fault of the section at once.</summary>
public sealed class RequestLogOptionsValidator : IValidateOptions<RequestLogOptions>
{
    public ValidateOptionsResult Validate(string? name, RequestLogOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<string>();
        if (options.Format is not ("auto" or "console" or "json"))
            faults.Add($"RequestLog:Format: \"{options.Format}\" is no format; use auto, console or json.");
        if (options.PerSecond < 0)
            faults.Add($"RequestLog:PerSecond: {options.PerSecond} is no number of lines; use 0 or more.");
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}

/// <summary>
/// One line a request: what was asked of which model, how long each stage took, under which id.
/// Under load a line a request costs more than the request, so each second has a budget of lines and ends in a count of the rest.
/// </summary>
internal sealed partial class RequestLog(RequestDelegate next, RequestMetrics metrics, ILogger<RequestLog> logger, IOptions<RequestLogOptions> options)
{
    private const string NoTrace = "-";

    private readonly LineBudget _answered = new(options.Value.PerSecond);
    private readonly LineBudget _failed = new(options.Value.PerSecond);

    public async Task InvokeAsync(HttpContext context)
    {
        long started = Stopwatch.GetTimestamp();
        var id = RequestId.Assign(context);
        try
        {
            await next(context);
        }
        finally
        {
            var elapsed = Stopwatch.GetElapsedTime(started);
            metrics.Count(context.Response.StatusCode, elapsed);
            Log(context, id, elapsed);
        }
    }

    private void Log(HttpContext context, string id, TimeSpan elapsed)
    {
        int status = context.Response.StatusCode;
        if (status < 400 && context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal))
            return;
        var budget = status < 500 ? _answered : _failed;
        bool admitted = budget.TryTake(Environment.TickCount64, out int skipped);
        if (skipped > 0)
            LogSkipped(logger, skipped);
        if (!admitted)
            return;
        // not ready, draining and too late are states that a probe or a caller is to see, and no faults of the server
        var level = status switch { < 500 => LogLevel.Information, 503 or 504 => LogLevel.Warning, _ => LogLevel.Error };
        var trace = ActivityContext.TryParse(context.Request.Headers.TraceParent, null, out var parent) ? parent.TraceId.ToHexString() : NoTrace;
        if (context.Features.Get<PredictFacts>() is { } facts)
        {
            LogPredict(logger, level, context.Request.Method, context.Request.Path, status, elapsed.TotalMilliseconds, facts.Model, facts.Version, facts.Sequences,
                facts.Queue.TotalMilliseconds, facts.Infer.TotalMilliseconds, facts.Decode.TotalMilliseconds, id, trace);
        }
        else
        {
            LogRequest(logger, level, context.Request.Method, context.Request.Path, status, elapsed.TotalMilliseconds, id, trace);
        }
    }

    [LoggerMessage(EventId = 1, Message = "{Method} {Path} {Status} in {Milliseconds:F1} ms: {Model}/{Version}, {Sequences} sequence(s), queue {QueueMilliseconds:F2}, infer {InferMilliseconds:F2}, decode {DecodeMilliseconds:F2} ms, request {RequestId}, trace {Trace}")]
    private static partial void LogPredict(ILogger logger, LogLevel level, string method, PathString path, int status, double milliseconds, string model, int version, int sequences,
        double queueMilliseconds, double inferMilliseconds, double decodeMilliseconds, string requestId, string trace);

    [LoggerMessage(EventId = 2, Message = "{Method} {Path} {Status} in {Milliseconds:F1} ms, request {RequestId}, trace {Trace}")]
    private static partial void LogRequest(ILogger logger, LogLevel level, string method, PathString path, int status, double milliseconds, string requestId, string trace);

    [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "{Requests} more request(s) in that second are not logged one by one (RequestLog:PerSecond)")]
    private static partial void LogSkipped(ILogger logger, int requests);
}

/// <summary>Counts lines in the current second.</summary>
internal sealed class LineBudget(int perSecond)
{
    private long _second;
    private int _used;

    /// <param name="milliseconds">Now, from any origin.</param>
    /// <param name="skipped">When a new second begins: how many lines the last one did without.</param>
    public bool TryTake(long milliseconds, out int skipped)
    {
        long second = milliseconds / 1000;
        long last = Volatile.Read(ref _second);
        skipped = 0;
        if (second != last && Interlocked.CompareExchange(ref _second, second, last) == last)
            skipped = Math.Max(0, Interlocked.Exchange(ref _used, 0) - perSecond);
        return Interlocked.Increment(ref _used) <= perSecond;
    }
}
