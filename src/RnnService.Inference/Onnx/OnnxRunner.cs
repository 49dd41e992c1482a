using Microsoft.ML.OnnxRuntime;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Onnx;

/// <summary>Runs batches through one session. Safe for concurrent use, as the session is; weights are in memory once.</summary>
internal sealed class OnnxRunner : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly bool _ownsSession;
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;

    /// <param name="session">The session.</param>
    /// <param name="signature">What goes in and comes out.</param>
    /// <param name="ownsSession">Whether the session ends with the runner.</param>
    /// <param name="quiet">Whether runs may fail without a line on standard error, because failing is what they are to find out.</param>
    public OnnxRunner(InferenceSession session, ModelSignature signature, bool ownsSession = true, bool quiet = false)
    {
        if (quiet)
            _runOptions.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
        _session = session;
        _ownsSession = ownsSession;
        Signature = signature;
        _inputNames = signature.LengthsInput is null ? [signature.IdsInput] : [signature.IdsInput, signature.LengthsInput];
        _outputNames = [.. signature.Heads.Select(h => h.Output)];
    }

    public ModelSignature Signature { get; }

    /// <summary>Runs what the tensors hold and leaves the logits in them.</summary>
    /// <exception cref="OnnxRuntimeException">The graph failed on this batch, or answers in another shape than [rows, labels].</exception>
    public void Run(BatchTensors batch)
    {
        using var ids = batch.IdsValue();
        using var lengths = Signature.LengthsInput is null ? null : batch.LengthsValue();
        var outputs = new OrtValue[_outputNames.Length];
        try
        {
            for (int h = 0; h < outputs.Length; h++)
                outputs[h] = batch.LogitsValue(h);
            _session.Run(_runOptions, _inputNames, lengths is null ? [ids] : [ids, lengths], _outputNames, outputs);
        }
        finally
        {
            foreach (var output in outputs)
                output?.Dispose();
        }
    }

    public void Dispose()
    {
        _runOptions.Dispose();
        if (_ownsSession)
            _session.Dispose();
    }
}
