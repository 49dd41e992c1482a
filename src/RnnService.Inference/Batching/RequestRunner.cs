using System.Diagnostics;
using Microsoft.Extensions.Logging;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Batching;

/// <summary>
/// Runs the sequences of one request as one padded batch, as many requests at a time as there are processors.
/// The one place that decides what runs together: joining requests means replacing this class.
/// </summary>
internal sealed partial class RequestRunner(OnnxRunner runner, int width, int workers, ILogger logger) : IDisposable
{
    private readonly SemaphoreSlim _free = new(workers);

    public async ValueTask<RunOutcome> RunAsync(SequenceRequest request, TimeSpan timeout, CancellationToken callerGone)
    {
        long arrived = Stopwatch.GetTimestamp();
        try
        {
            if (!await _free.WaitAsync(timeout, callerGone))
                return RunOutcome.TimedOut;
        }
        catch (OperationCanceledException)
        {
            return RunOutcome.Abandoned;
        }
        try
        {
            request.QueueTime = Stopwatch.GetElapsedTime(arrived);
            request.Reserve(width);
            long started = Stopwatch.GetTimestamp();
            using var batch = new PaddedBatch(request);
            runner.Run(batch);
            request.InferTime = Stopwatch.GetElapsedTime(started);
            request.BatchRows = batch.Rows;
            request.BatchTime = batch.Time;
            return Stopwatch.GetElapsedTime(arrived) < timeout ? RunOutcome.Done : RunOutcome.TimedOut;
        }
        catch (Exception e) when (e is Microsoft.ML.OnnxRuntime.OnnxRuntimeException or InvalidOperationException)
        {
            LogFailed(logger, e, request.Count);
            return RunOutcome.Failed;
        }
        finally
        {
            _free.Release();
        }
    }

    public void Dispose() => _free.Dispose();

    [LoggerMessage(EventId = 20, Level = LogLevel.Error, Message = "The graph failed on a batch of {Sequences} sequence(s)")]
    private static partial void LogFailed(ILogger logger, Exception exception, int sequences);
}
