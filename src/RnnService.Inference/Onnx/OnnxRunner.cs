using Microsoft.ML.OnnxRuntime;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Onnx;

/// <summary>Runs batches through one session. Safe for concurrent use, as the session is; weights are in memory once.</summary>
internal sealed class OnnxRunner : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;

    /// <param name="session">The session; it outlives the runner.</param>
    /// <param name="signature">What goes in and comes out.</param>
    /// <param name="quiet">Whether runs may fail without a line on standard error, because failing is what they are to find out.</param>
    public OnnxRunner(InferenceSession session, ModelSignature signature, bool quiet = false)
    {
        if (quiet)
            _runOptions.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
        _session = session;
        Signature = signature;
        _inputNames = [signature.Sequence.Name, .. signature.Sides.Select(s => s.Name)];
        _outputNames = [.. signature.Heads.Select(h => h.Output)];
    }

    public ModelSignature Signature { get; }

    /// <summary>Runs what the tensors hold and leaves the heads' numbers in them.</summary>
    /// <exception cref="OnnxRuntimeException">The graph failed on this batch, or answers in another shape than one row a sequence.</exception>
    public void Run(BatchTensors batch)
    {
        var inputs = new OrtValue[_inputNames.Length];
        var outputs = new OrtValue[_outputNames.Length];
        try
        {
            for (int i = 0; i < inputs.Length; i++)
                inputs[i] = batch.InputValue(i);
            for (int h = 0; h < outputs.Length; h++)
                outputs[h] = batch.HeadValue(h);
            _session.Run(_runOptions, _inputNames, inputs, _outputNames, outputs);
            GC.KeepAlive(batch);
        }
        finally
        {
            foreach (var value in inputs)
                value?.Dispose();
            foreach (var value in outputs)
                value?.Dispose();
        }
    }

    /// <summary>Runs what the tensors hold and says what shapes the heads' outputs have.</summary>
    /// <exception cref="OnnxRuntimeException">The graph failed on this batch.</exception>
    public long[][] ShapesOf(BatchTensors batch)
    {
        OrtValue[] inputs = [.. _inputNames.Select((_, i) => batch.InputValue(i))];
        try
        {
            using var outputs = _session.Run(_runOptions, _inputNames, inputs, _outputNames);
            return [.. outputs.Select(o => o.GetTensorTypeAndShape().Shape)];
        }
        finally
        {
            foreach (var value in inputs)
                value.Dispose();
        }
    }

    /// <summary>Whether a run failed for what it was given, the graph having refused it or memory being too small for it: the next run may succeed.</summary>
    public static bool IsOfTheBatch(Exception e) => e is OnnxRuntimeException or OutOfMemoryException or OverflowException;

    public void Dispose() => _runOptions.Dispose();
}
