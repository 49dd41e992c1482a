namespace RnnService.Core.Tensors;

/// <summary>A named tensor as callers send and get it. Whoever makes it owns the memory behind <see cref="Data"/> and keeps it while the tensor is used.</summary>
/// <param name="Name">Name of the graph's input or output.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">Its dimensions, batch included; none is negative, and none at all is a scalar.</param>
/// <param name="Data">
/// The elements in row-major order as the binary tensor data extension puts them on the wire: little-endian, BOOL as one byte,
/// an element of BYTES as its length in 4 bytes and then its bytes.
/// </param>
public sealed record Tensor(string Name, Datatype Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>Number of elements.</summary>
    public long Count => CountOf(Shape);

    /// <exception cref="OverflowException">The shape has more elements than can be counted.</exception>
    public static long CountOf(IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        long count = 1;
        foreach (long size in shape)
            count = checked(count * size);
        return count;
    }
}
