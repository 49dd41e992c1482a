using RnnService.Inference.Onnx.Format;

namespace RnnService.Inference.Onnx;

/// <summary>
/// Follows the axes of a graph's inputs through its nodes, so that it is known and not guessed which axis of an input is the batch of a recurrent node,
/// which its time, and what an output's axes are. What an operation does to axes is stated here once; one that is not known ends the trace of its value, never wrongly.
/// </summary>
internal sealed class AxisTracer
{
    private readonly Dictionary<string, TracedValue> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<Axis, long> _declared = [];
    private static readonly TracedValue Unknown = new();

    /// <summary>What is known of each value.</summary>
    public TracedValue this[string value] => _values.GetValueOrDefault(value, Unknown);

    public AxisTracer(OnnxFile file)
    {
        foreach (var input in file.Inputs)
        {
            var shape = input.Type?.TensorType?.Shape;
            for (int i = 0; i < shape?.Dim.Count; i++)
                _declared[new Axis(input.Name, i)] = shape.Dim[i].DimValue;
            _values[input.Name] = new TracedValue
            {
                Axes = shape is null ? null : [.. Enumerable.Range(0, shape.Dim.Count).Select(i => (Axis?)new Axis(input.Name, i))],
                SameAs = input.Name,
                DependsOn = new HashSet<string>(StringComparer.Ordinal) { input.Name },
            };
        }
        foreach (var (name, tensor) in file.Initializers)
            _values[name] = Constant(tensor);
        foreach (var node in file.Nodes)
        {
            Visit(node);
            _values.Remove("");   // an output that the node does not give
        }
    }

    private static TracedValue Constant(Tensor tensor) => new()
    {
        Axes = new Axis?[tensor.Dims.Count],
        Shape = tensor.Dims.Count <= 1 && OnnxFile.Integers(tensor) is { Length: > 0 } integers ? [.. integers.Select(i => new ShapeEntry(i, null))] : null,
    };

    private void Visit(Node node)
    {
        var first = this[node.In(0)];
        var depends = DependenciesOf(node);
        if (node.IsRecurrent())
        {
            VisitRecurrent(node, first, depends);
            return;
        }
        if (node.OpType == "Constant")
        {
            _values[node.Out(0)] = node.Find("value")?.T is { } tensor ? Constant(tensor) : ConstantOf(node);
            return;
        }
        var axes = AxesOf(node, first);
        var result = new TracedValue
        {
            Axes = axes,
            Shape = ShapeOf(node, first),
            SameAs = KeepsValues(node) ? first.SameAs : null,
            DependsOn = depends,
            IsState = (KeepsValues(node) || OnlyCuts(node)) && first.IsState,
        };
        foreach (var output in node.Output)
            _values[output] = result;
        // the labels that a classifier of ai.onnx.ml answers beside the scores have no axis of classes
        if (node.OpType is "LinearClassifier" or "SVMClassifier" or "TreeEnsembleClassifier")
            _values[node.Out(1)] = result with { Axes = [first.AxisAt(0), null] };
    }

    private void VisitRecurrent(Node node, TracedValue x, IReadOnlySet<string> depends)
    {
        bool batchFirst = node.Integer("layout", 0) == 1;
        var time = x.AxisAt(batchFirst ? 1 : 0);
        var batch = x.AxisAt(batchFirst ? 0 : 1);
        var state = new TracedValue { Axes = batchFirst ? [batch, null, null] : [null, batch, null], DependsOn = depends, IsState = true };
        _values[node.Out(0)] = state with { Axes = batchFirst ? [batch, time, null, null] : [time, null, batch, null] };
        _values[node.Out(1)] = _values[node.Out(2)] = state;
    }

    private static TracedValue ConstantOf(Node node)
    {
        var integers = node.Find("value_ints")?.Ints ?? (node.Find("value_int") is { } one ? [one.I] : null);
        return new TracedValue { Axes = node.Find("value_ints") is null ? [] : [null], Shape = integers is null ? null : [.. integers.Select(i => new ShapeEntry(i, null))] };
    }

    private IReadOnlySet<string> DependenciesOf(Node node)
    {
        HashSet<string>? all = null;
        if (node.OpType is "Shape" or "Size")
            return TracedValue.Nothing;   // a size is no content
        foreach (var input in node.Input)
        {
            var own = this[input].DependsOn;
            if (own.Count > 0)
                (all ??= new HashSet<string>(StringComparer.Ordinal)).UnionWith(own);
        }
        // a sub-graph may use any value of the graph around it
        foreach (var inner in node.Attribute.Where(a => a.G is not null).SelectMany(a => a.G.Node).SelectMany(n => n.Input))
            (all ??= new HashSet<string>(StringComparer.Ordinal)).UnionWith(this[inner].DependsOn);
        return all ?? TracedValue.Nothing;
    }

    private static bool KeepsValues(Node node) => node.OpType is "Identity" or "Cast" or "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten" or "Transpose" or "Dropout";

    private static bool OnlyCuts(Node node) => node.OpType is "Slice" or "Gather" or "Split" or "Concat" or "GatherElements" or "GatherND" or "Expand" or "ReverseSequence";

    private Axis?[]? AxesOf(Node node, TracedValue first)
    {
        var axes = first.Axes;
        switch (node.OpType)
        {
            case "Transpose":
                return axes is null ? null : [.. Permutation(node, axes.Length).Select(p => first.AxisAt(p))];
            case "Unsqueeze":
                return Insert(axes, AxesArgument(node));
            case "Squeeze":
                return Remove(axes, AxesArgument(node));
            case "Gather":
                return GatherAxes(node, first, this[node.In(1)]);
            case "MatMul":
                return MatMulAxes(axes, this[node.In(1)].Axes);
            case "Gemm":
                return [first.AxisAt(node.Integer("transA", 0) == 1 ? 1 : 0), this[node.In(1)].AxisAt(node.Integer("transB", 0) == 1 ? 0 : 1)];
            case "Conv" or "MaxPool" or "AveragePool" or "GlobalMaxPool" or "GlobalAveragePool":
                return axes is null or [] ? null : [axes[0], node.OpType == "Conv" ? null : first.AxisAt(1), .. axes.Skip(2).Select(a => node.OpType.StartsWith("Global", StringComparison.Ordinal) ? null : a)];
            case "Reshape":
                return ReshapeAxes(first, this[node.In(1)].Shape);
            case "Flatten":
                return axes is null ? null : [node.Integer("axis", 1) == 1 ? first.AxisAt(0) : null, axes.Length > 0 && node.Integer("axis", 1) == axes.Length - 1 ? axes[^1] : null];
            case "Expand":
                return Broadcast([axes, FromShape(this[node.In(1)].Shape)]);
            case "ConstantOfShape":
                return FromShape(first.Shape);
            case "Shape":
                return [null];
            case "Concat" or "Split" or "TopK":
                return Concatenated(node, first);
            case "Slice":
                return SliceAxes(node, axes);
            case "OneHot":
                return axes is null ? null : [.. axes, null];
            case "LinearClassifier" or "SVMClassifier" or "TreeEnsembleClassifier":
                return [first.AxisAt(0)];
        }
        if (node.OpType.StartsWith("Reduce", StringComparison.Ordinal) || node.OpType is "ArgMax" or "ArgMin")
            return ReduceAxes(node, axes);
        // the rest works element by element, or along an axis that stays
        return Elementwise.Contains(node.OpType) ? Broadcast(node.Input.Where(i => i.Length > 0).Select(i => this[i].Axes)) : SameShape.Contains(node.OpType) ? axes : null;
    }

    private static readonly HashSet<string> Elementwise =
    [
        "Add", "Sub", "Mul", "Div", "Pow", "Where", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor", "Max", "Min", "Sum", "Mean", "Mod", "PRelu",
    ];

    private static readonly HashSet<string> SameShape =
    [
        "Identity", "Cast", "Relu", "LeakyRelu", "Elu", "Selu", "Gelu", "Celu", "HardSwish", "Mish", "Tanh", "Sigmoid", "HardSigmoid", "Softplus", "Softsign", "Exp", "Log", "Sqrt", "Neg", "Abs", "Not", "Sign",
        "Softmax", "LogSoftmax", "Hardmax", "LayerNormalization", "InstanceNormalization", "BatchNormalization", "GroupNormalization", "RMSNormalization", "SkipLayerNormalization", "LpNormalization", "Dropout",
        "Clip", "CumSum", "Floor", "Ceil", "Round", "Erf", "Reciprocal", "IsNaN", "IsInf", "ReverseSequence", "ScatterElements", "ScatterND", "Scatter", "CastLike", "Trilu", "Pad", "LabelEncoder", "Normalizer",
        "Scaler", "Imputer", "QuantizeLinear", "DequantizeLinear", "StringNormalizer", "Swish", "FusedMatMul",
    ];

    private ShapeEntry[]? ShapeOf(Node node, TracedValue first)
    {
        switch (node.OpType)
        {
            case "Shape":
                if (first.Axes is not { } axes)
                    return null;
                int start = Wrap(node.Integer("start", 0), axes.Length);
                int end = Wrap(node.Integer("end", axes.Length), axes.Length);
                return [.. axes.Take(end).Skip(start).Select(a => new ShapeEntry(null, a))];
            case "Cast" or "Identity" or "Squeeze" or "Unsqueeze" or "Reshape":
                return first.Shape;
            case "Gather" when first.Shape is { } shape && this[node.In(1)].Shape is { } indices && indices.All(i => i.Constant is { } c && c < shape.Length && c >= -shape.Length):
                return [.. indices.Select(i => shape[Wrap(i.Constant!.Value, shape.Length)])];
            case "Slice" when first.Shape is { } shape:
                var from = node.Find("starts")?.Ints.FirstOrDefault() ?? this[node.In(1)].Shape?.FirstOrDefault().Constant;
                var to = node.Find("ends")?.Ints.FirstOrDefault() ?? this[node.In(2)].Shape?.FirstOrDefault().Constant;
                return from is null || to is null ? null : [.. shape.Take(Wrap(to.Value, shape.Length)).Skip(Wrap(from.Value, shape.Length))];
            case "Concat":
                var parts = node.Input.Select(i => this[i].Shape).ToArray();
                return parts.Any(p => p is null) ? null : [.. parts.SelectMany(p => p!)];
            default:
                return null;
        }
    }

    /// <summary>The axes that a node names, as an attribute or, in newer operator sets, as an input; null when it names none.</summary>
    private long[]? AxesArgument(Node node) =>
        node.Find("axes") is { } attribute ? [.. attribute.Ints] : this[node.In(1)].Shape is { } shape && shape.All(s => s.Constant is not null) ? [.. shape.Select(s => s.Constant!.Value)] : null;

    private static IEnumerable<int> Permutation(Node node, int rank) =>
        node.Find("perm")?.Ints.Select(i => (int)i) ?? Enumerable.Range(0, rank).Reverse();

    private static Axis?[]? Insert(Axis?[]? axes, long[]? places)
    {
        if (axes is null || places is null)
            return null;
        int rank = axes.Length + places.Length;
        var inserted = places.Select(p => Wrap(p, rank)).ToHashSet();
        var rest = new Queue<Axis?>(axes);
        return inserted.Count != places.Length ? null : [.. Enumerable.Range(0, rank).Select(i => inserted.Contains(i) || rest.Count == 0 ? null : rest.Dequeue())];
    }

    private static Axis?[]? Remove(Axis?[]? axes, long[]? places)
    {
        if (axes is null || places is null)
            return null;
        var removed = places.Select(p => Wrap(p, axes.Length)).ToHashSet();
        return [.. axes.Where((_, i) => !removed.Contains(i))];
    }

    private static Axis?[]? GatherAxes(Node node, TracedValue data, TracedValue indices)
    {
        if (data.Axes is not { } axes || indices.Axes is not { } places)
            return null;
        int axis = Wrap(node.Integer("axis", 0), axes.Length);
        return [.. axes.Take(axis), .. places, .. axes.Skip(axis + 1)];
    }

    private static Axis?[]? MatMulAxes(Axis?[]? left, Axis?[]? right)
    {
        if (left is null || right is null || left.Length == 0 || right.Length == 0)
            return null;
        if (right.Length == 1)
            return left[..^1];
        if (left.Length == 1)
            return [.. right[..^2], right[^1]];
        var batch = Broadcast([left[..^2], right[..^2]]);
        return batch is null ? null : [.. batch, left[^2], right[^1]];
    }

    private Axis?[]? ReshapeAxes(TracedValue value, ShapeEntry[]? shape)
    {
        if (shape is null)
            return null;
        var axes = new Axis?[shape.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            // 0 keeps an axis; -1 takes what is left, which is one axis alone when all others kept their places
            if (shape[i].Size is { } size)
                axes[i] = size;
            else if (shape[i].Constant == 0 || (shape[i].Constant == -1 && value.Axes?.Length == shape.Length && Enumerable.Range(0, shape.Length).All(j => j == i || Stays(value.AxisAt(j), shape[j]))))
                axes[i] = value.AxisAt(i);
            else if (shape[i].Constant == -1 && i == 0 && value.Axes is { Length: > 0 } before && shape.Skip(1).All(s => s.Constant > 0) && before.Skip(1).All(a => a is null))
                axes[i] = before[0];   // [B, 2, H] to [-1, 2H]
        }
        return axes;
    }

    /// <summary>Whether an axis that is reshaped to a constant keeps its place: it does unless it is known to be another, which then lies in the axis of size -1.</summary>
    private bool Stays(Axis? axis, ShapeEntry entry) =>
        entry.Constant == 0 || (entry.Constant > 0 && (axis is not { } known || _declared[known] == entry.Constant));

    private static Axis?[]? FromShape(ShapeEntry[]? shape) => shape is null ? null : [.. shape.Select(s => s.Size)];

    private Axis?[]? Concatenated(Node node, TracedValue first)
    {
        var axes = node.OpType == "Concat" ? Broadcast(node.Input.Select(i => this[i].Axes)) : first.Axes?.ToArray();
        return axes is null ? null : Without(axes, [node.Integer("axis", node.OpType == "TopK" ? -1 : 0)]);
    }

    private Axis?[]? SliceAxes(Node node, Axis?[]? axes)
    {
        if (axes is null)
            return null;
        // what is cut along axes that nobody knows, or along all, keeps none
        var cut = node.Find("axes")?.Ints.ToArray() ?? (this[node.In(3)].Shape is { } named && named.All(s => s.Constant is not null) ? [.. named.Select(s => s.Constant!.Value)] : null);
        return cut is null ? new Axis?[axes.Length] : Without(axes, cut);
    }

    /// <summary>The axes with some of them changed in size; null when there are no such axes, which ONNX Runtime will refuse.</summary>
    private static Axis?[]? Without(Axis?[] axes, long[] changed)
    {
        var kept = axes.ToArray();
        foreach (long axis in changed)
        {
            long place = axis < 0 ? axis + kept.Length : axis;
            if (place < 0 || place >= kept.Length)
                return null;
            kept[place] = null;
        }
        return kept;
    }

    private Axis?[]? ReduceAxes(Node node, Axis?[]? axes)
    {
        if (axes is null)
            return null;
        long[]? reduced = node.OpType is "ArgMax" or "ArgMin" ? [node.Integer("axis", 0)] : AxesArgument(node);
        var gone = reduced?.Select(a => Wrap(a, axes.Length)).ToHashSet() ?? [.. Enumerable.Range(0, axes.Length)];
        return node.Integer("keepdims", 1) == 1
            ? [.. axes.Select((a, i) => gone.Contains(i) ? null : a)]
            : [.. axes.Where((_, i) => !gone.Contains(i))];
    }

    /// <summary>Axes of values of several shapes together: aligned at the end, the first that is known counts.</summary>
    private static Axis?[]? Broadcast(IEnumerable<Axis?[]?> operands)
    {
        Axis?[] result = [];
        foreach (var axes in operands)
        {
            if (axes is null)
                return null;
            var (longer, shorter) = axes.Length > result.Length ? (axes.ToArray(), result) : (result.ToArray(), axes);
            int offset = longer.Length - shorter.Length;
            for (int i = 0; i < shorter.Length; i++)
                longer[offset + i] ??= shorter[i];
            result = longer;
        }
        return result;
    }

    private static int Wrap(long index, int rank) => (int)Math.Clamp(index < 0 ? index + rank : index, 0, Math.Max(0, rank));
}
