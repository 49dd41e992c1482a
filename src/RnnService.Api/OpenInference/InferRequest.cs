using RnnService.Core.Tensors;

namespace RnnService.Api.OpenInference;

/// <summary>An output as a request wants it.</summary>
/// <param name="Name">Name of the graph's output.</param>
/// <param name="Binary">Whether as binary data; null is as the request says for all.</param>
/// <param name="Classes">How many of the largest values are wanted with their indices and labels instead of the tensor; 0 is the tensor.</param>
internal sealed record RequestedOutput(string Name, bool? Binary, int Classes);

/// <summary>An inference request that has been read. Owns the memory of its tensors.</summary>
internal sealed class InferRequest : IDisposable
{
    private readonly List<PooledBuffer> _buffers = [];

    /// <summary>What the caller calls the request; null when it did not say.</summary>
    public string? Id { get; set; }

    /// <summary>How long the answer may take, in microseconds; null when the caller did not say.</summary>
    public long? TimeoutMicroseconds { get; set; }

    /// <summary>Whether outputs that do not say otherwise are answered as binary data.</summary>
    public bool BinaryOutputs { get; set; }

    public List<Tensor> Inputs { get; } = [];

    /// <summary>The wanted outputs; none is all.</summary>
    public List<RequestedOutput> Outputs { get; } = [];

    public PooledBuffer Rent(int capacity)
    {
        var buffer = new PooledBuffer(capacity);
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>Takes the body, which inputs lie in, into its care.</summary>
    public void Own(PooledBuffer body) => _buffers.Add(body);

    /// <summary>A run may still read the inputs: their memory is left to the garbage collector.</summary>
    public void Forget()
    {
        foreach (var buffer in _buffers)
            buffer.Forget();
    }

    public void Dispose()
    {
        foreach (var buffer in _buffers)
            buffer.Dispose();
    }
}

/// <summary>What a caller sent cannot be read; the message says why, where, and what to do.</summary>
internal sealed class InvalidRequestException(string message) : Exception(message);
