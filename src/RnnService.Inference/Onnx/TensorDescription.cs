using System.Text.Json.Serialization;
using Microsoft.ML.OnnxRuntime.Tensors;
using RnnService.Core.Tensors;

namespace RnnService.Inference.Onnx;

/// <summary>An input or output of the graph as <c>GET /models/{model}</c> shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">ONNX's name of its element type, in lower case, or of what it is when it is no tensor.</param>
/// <param name="Shape">Its dimensions; -1 is one that varies.</param>
public sealed record TensorDescription(string Name, string Type, IReadOnlyList<int> Shape)
{
    /// <summary>The element type in the Open Inference Protocol; null for what that protocol cannot carry, such as maps and sequences.</summary>
    [JsonIgnore]
    public Datatype? Datatype { get; init; }

    internal static Datatype? DatatypeOf(TensorElementType type) => type switch
    {
        TensorElementType.Bool => Core.Tensors.Datatype.Bool,
        TensorElementType.UInt8 => Core.Tensors.Datatype.UInt8,
        TensorElementType.UInt16 => Core.Tensors.Datatype.UInt16,
        TensorElementType.UInt32 => Core.Tensors.Datatype.UInt32,
        TensorElementType.UInt64 => Core.Tensors.Datatype.UInt64,
        TensorElementType.Int8 => Core.Tensors.Datatype.Int8,
        TensorElementType.Int16 => Core.Tensors.Datatype.Int16,
        TensorElementType.Int32 => Core.Tensors.Datatype.Int32,
        TensorElementType.Int64 => Core.Tensors.Datatype.Int64,
        TensorElementType.Float16 => Core.Tensors.Datatype.Fp16,
        TensorElementType.Float => Core.Tensors.Datatype.Fp32,
        TensorElementType.Double => Core.Tensors.Datatype.Fp64,
        TensorElementType.String => Core.Tensors.Datatype.Bytes,
        _ => null,
    };
}
