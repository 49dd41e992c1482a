using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace RnnService.Inference.Onnx;

/// <summary>ONNX Runtime's description of inputs and outputs, in words and in the few questions that are asked of it.</summary>
internal static class Metadata
{
    public static int Rank(NodeMetadata meta) => meta.IsTensor ? meta.Dimensions.Length : -1;

    public static bool IsInteger(NodeMetadata meta) => meta.IsTensor && meta.ElementDataType is TensorElementType.Int64 or TensorElementType.Int32;

    public static bool IsFloat(NodeMetadata meta) => meta.IsTensor && meta.ElementDataType is TensorElementType.Float or TensorElementType.Float16 or TensorElementType.Double;

    public static bool IsNumber(NodeMetadata meta) => IsInteger(meta) || IsFloat(meta) || (meta.IsTensor && meta.ElementDataType is TensorElementType.Bool or TensorElementType.Int8 or TensorElementType.UInt8);

    public static IReadOnlyList<TensorDescription> List(IReadOnlyDictionary<string, NodeMetadata> metas) =>
        [.. metas.Select(m => new TensorDescription(m.Key, TypeName(m.Value), m.Value.IsTensor ? m.Value.Dimensions : []) { Datatype = m.Value.IsTensor ? TensorDescription.DatatypeOf(m.Value.ElementDataType) : null })];

    public static string Describe(IReadOnlyDictionary<string, NodeMetadata> metas) => string.Join(", ", metas.Select(m => $"\"{m.Key}\" {Describe(m.Value)}"));

    /// <summary>For example <c>float [batch, ?, 9]</c>.</summary>
    public static string Describe(NodeMetadata meta) =>
        meta.IsTensor ? $"{TypeName(meta)} [{string.Join(", ", meta.Dimensions.Select((d, i) => d < 0 ? meta.SymbolicDimensions[i] is { Length: > 0 } s ? s : "?" : $"{d}"))}]" : TypeName(meta);

    private static string TypeName(NodeMetadata meta) => (meta.IsTensor ? meta.ElementDataType.ToString() : meta.OnnxValueType.ToString()).ToLowerInvariant();
}
