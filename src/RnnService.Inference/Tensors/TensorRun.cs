using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core.Tensors;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Tensors;

/// <summary>One run of a graph, which its caller need not wait for to the end.</summary>
internal sealed partial class TensorRun(TensorSession session, IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs, TimeSpan queued) : IThreadPoolWorkItem
{
    private const int LongestDetail = 600;

    private readonly TaskCompletionSource<TensorAnswer?> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private RunOptions? _options;
    private bool _stopped;

    /// <summary>The answer; null when it was stopped before.</summary>
    public Task<TensorAnswer?> Task => _source.Task;

    /// <summary>Nobody waits for the answer any more: the graph stops after the node that it is at.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            if (_options is not null)
                _options.Terminate = true;
        }
        _source.TrySetResult(null);
    }

    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            var answer = Run();
            if (!_source.TrySetResult(answer))
                answer?.Dispose();
        }
        catch (OnnxRuntimeException e)
        {
            _source.TrySetResult(TensorAnswer.Ended(RunOutcome.Failed, $"The graph failed on these inputs: {Clean(e.Message)}"));
        }
        catch (TensorTooLargeException e)
        {
            _source.TrySetResult(TensorAnswer.Ended(RunOutcome.Failed, e.Message));
        }
        catch (Exception e)
        {
            _source.TrySetException(e);   // a fault of this code; whoever waits must not wait for ever
        }
        finally
        {
            session.Ended();
        }
    }

    private TensorAnswer? Run()
    {
        // what the caller sent may well fail, and the caller is told: nothing for standard error
        using var options = new RunOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        lock (_gate)
        {
            if (_stopped)
                return null;
            _options = options;
        }
        try
        {
            return session.Run(options, inputs, outputs, queued);
        }
        finally
        {
            lock (_gate)
                _options = null;
        }
    }

    /// <summary>ONNX Runtime's message without its error code, the paths of its source files, and line breaks.</summary>
    internal static string Clean(string message)
    {
        var text = Space().Replace(SourcePlace().Replace(ErrorCode().Replace(message, ""), ""), " ").Trim();
        return text.Length > LongestDetail ? $"{text[..LongestDetail]}…" : text;
    }

    [GeneratedRegex(@"^\[ErrorCode:\w+\]\s*")]
    private static partial Regex ErrorCode();

    [GeneratedRegex(@"\S*/\S+\.(cc|h|hpp|cpp):\d+\s*(?=\S)")]
    private static partial Regex SourcePlace();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
