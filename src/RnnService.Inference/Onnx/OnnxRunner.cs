using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Onnx;

/// <summary>Runs padded batches through one session. Safe for concurrent use, as the session is; weights are in memory once.</summary>
internal sealed class OnnxRunner : IDisposable
{
    private readonly InferenceSession _session;
    private readonly ModelSignature _signature;
    private readonly RunOptions _runOptions = new();
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;

    public OnnxRunner(InferenceSession session, ModelSignature signature)
    {
        _session = session;
        _signature = signature;
        _inputNames = signature.LengthsInput is null ? [signature.IdsInput] : [signature.IdsInput, signature.LengthsInput];
        _outputNames = [.. signature.Heads.Select(h => h.Output)];
    }

    /// <summary>Runs a batch and hands each row of logits to the sequence it belongs to.</summary>
    /// <exception cref="OnnxRuntimeException">The graph failed on this batch.</exception>
    /// <exception cref="InvalidOperationException">The graph answered with another shape than it declares.</exception>
    public void Run(PaddedBatch batch)
    {
        using var ids = Tensor(batch.Ids, _signature.IdsType, [batch.Rows, batch.Time]);
        using var lengths = _signature.LengthsInput is null ? null : Tensor(batch.Lengths, _signature.LengthsType, [batch.Rows]);
        using var outputs = _session.Run(_runOptions, _inputNames, lengths is null ? [ids] : [ids, lengths], _outputNames);
        for (int h = 0; h < _signature.Heads.Count; h++)
        {
            var head = _signature.Heads[h];
            var logits = outputs[h].GetTensorDataAsSpan<float>();
            if (logits.Length != batch.Rows * head.Width)
                throw new InvalidOperationException($"The output \"{head.Output}\" has {logits.Length} values for {batch.Rows} sequence(s) of {head.Width} labels.");
            for (int row = 0; row < batch.Rows; row++)
                logits.Slice(row * head.Width, head.Width).CopyTo(batch.Logits(row).Slice(head.Offset, head.Width));
        }
    }

    public void Dispose()
    {
        _runOptions.Dispose();
        _session.Dispose();
    }

    private static OrtValue Tensor(Memory<long> values, TensorElementType type, long[] shape)
    {
        if (type == TensorElementType.Int64)
            return OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, values, shape);
        var narrow = new int[values.Length];
        for (int i = 0; i < narrow.Length; i++)
            narrow[i] = (int)values.Span[i];
        return OrtValue.CreateTensorValueFromMemory(narrow, shape);
    }
}
