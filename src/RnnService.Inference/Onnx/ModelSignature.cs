using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RnnService.Core;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;

namespace RnnService.Inference.Onnx;

/// <summary>An output of the graph that scores the labels of one level.</summary>
/// <param name="Output">Name of the graph output, float [batch, width].</param>
/// <param name="Width">Number of labels.</param>
/// <param name="Offset">Where the head begins in a row that holds all heads.</param>
/// <param name="EndsInSoftmax">Whether the output is probabilities already; their logarithms are then taken for logits, which have the same softmax.</param>
public sealed record Head(string Output, int Width, int Offset, bool EndsInSoftmax = false);


/// <summary>How sequences go into a graph and logits come out: found in the graph, completed by the manifest, checked against each other.</summary>
internal sealed record ModelSignature(
    string IdsInput,
    TensorElementType IdsType,
    string? LengthsInput,
    TensorElementType LengthsType,
    IReadOnlyList<Head> Heads,
    IReadOnlyList<TensorDescription> Inputs,
    IReadOnlyList<TensorDescription> Outputs)
{
    /// <summary>Whether the ids are [time, batch] instead of [batch, time].</summary>
    public bool TimeMajor { get; init; }

    /// <summary>The two dimensions of the ids as the graph declares them; -1 is one that varies.</summary>
    public IReadOnlyList<int> IdsShape => Inputs.First(i => i.Name == IdsInput).Shape;

    /// <summary>Logits of one sequence, all heads.</summary>
    public int RowWidth => Heads.Sum(h => h.Width);

    /// <returns>Null when faults were added.</returns>
    public static ModelSignature? Find(InferenceSession session, OnnxGraph graph, ModelManifest manifest, List<Fault> faults)
    {
        int before = faults.Count;
        var ids = FindInput(session, manifest.Input, "/input", 2, "token ids, int64 or int32 [batch, time]", null, faults);
        var lengths = FindInput(session, manifest.Lengths, "/lengths", 1, "sequence lengths, int64 or int32 [batch]", ids, faults);
        if (ids is null && faults.Count == before)
            faults.Add(new Fault("/input", $"No input of the graph takes token ids, int64 or int32 [batch, time]; it has {Describe(session.InputMetadata)}."));
        foreach (var name in session.InputMetadata.Keys.Where(n => n != ids && n != lengths))
            faults.Add(new Fault("", $"The graph's input \"{name}\" is neither the token ids nor the lengths, so nothing would feed it; export the model without it."));
        var heads = FindHeads(session, graph, manifest, faults);
        if (faults.Count > before)
            return null;
        return new ModelSignature(
            ids!, session.InputMetadata[ids!].ElementDataType,
            lengths, lengths is null ? default : session.InputMetadata[lengths].ElementDataType,
            heads, Describe(session.InputMetadata.Values, session.InputMetadata.Keys), Describe(session.OutputMetadata.Values, session.OutputMetadata.Keys));
    }

    /// <summary>Pairs heads with the levels of the label tree and checks that they are as wide as the levels.</summary>
    /// <returns>For each level the offset of its head in a row; null when faults were added.</returns>
    public int[]? Match(LabelTree tree, ModelManifest manifest, List<Fault> faults)
    {
        int before = faults.Count;
        if (Heads.Count != tree.Levels.Count)
        {
            faults.Add(new Fault("", $"labels.json has {tree.Levels.Count} level(s) ({string.Join(", ", tree.Levels)}) and the graph {Heads.Count} head(s) ({string.Join(", ", Heads.Select(h => h.Output))}); every level needs one head."));
            return null;
        }
        var offsets = new int[tree.Levels.Count];
        for (int level = 0; level < offsets.Length; level++)
        {
            var name = tree.Levels[level];
            var output = manifest.Heads?.FirstOrDefault(h => h.Level == name)?.Output;
            var head = output is null ? Heads[level] : Heads.First(h => h.Output == output);
            if (manifest.Heads is { } stated && output is null && stated.Any(h => h.Level is not null))
                faults.Add(new Fault("/heads", $"No head is said to score the level \"{name}\" of labels.json."));
            else if (head.Width != tree.NodesOfLevel[level].Length)
                faults.Add(new Fault("/heads", $"The output \"{head.Output}\" is {head.Width} wide, but the level \"{name}\" of labels.json has {tree.NodesOfLevel[level].Length} labels."));
            offsets[level] = head.Offset;
        }
        return faults.Count == before ? offsets : null;
    }

    private static string? FindInput(InferenceSession session, string? named, string pointer, int rank, string wanted, string? taken, List<Fault> faults)
    {
        if (named is not null)
        {
            if (!session.InputMetadata.TryGetValue(named, out var meta))
                faults.Add(new Fault(pointer, $"The graph has no input \"{named}\"; it has {Describe(session.InputMetadata)}."));
            else if (!IsInteger(meta, rank))
                faults.Add(new Fault(pointer, $"The graph's input \"{named}\" cannot take {wanted}; it is {Describe(meta)}."));
            return named;
        }
        return session.InputMetadata.FirstOrDefault(i => i.Key != taken && IsInteger(i.Value, rank)).Key;
    }

    private static List<Head> FindHeads(InferenceSession session, OnnxGraph graph, ModelManifest manifest, List<Fault> faults)
    {
        var outputs = session.OutputMetadata;
        var names = manifest.Heads?.Select(h => h.Output).ToArray()
            ?? [.. outputs.Where(o => IsHead(o.Value)).Select(o => o.Key)];
        var heads = new List<Head>();
        int offset = 0;
        foreach (var name in names)
        {
            if (!outputs.TryGetValue(name, out var meta))
                faults.Add(new Fault("/heads", $"The graph has no output \"{name}\"; it has {Describe(outputs)}."));
            else if (!IsHead(meta))
                faults.Add(new Fault("/heads", $"The output \"{name}\" is {Describe(meta)}; a head is float [batch, labels] with a fixed number of labels."));
            else if (graph.EndsIn(name) is "Sigmoid" or "HardSigmoid")
                faults.Add(new Fault("/heads", $"The output \"{name}\" ends in a sigmoid, so its labels do not exclude each other and make no distribution. Export the logits of a softmax head."));
            else
            {
                heads.Add(new Head(name, meta.Dimensions[1], offset, graph.EndsIn(name) == "Softmax"));
                offset += meta.Dimensions[1];
            }
        }
        if (names.Length == 0)
            faults.Add(new Fault("/heads", $"No output of the graph is a head, float [batch, labels] with a fixed number of labels; it has {Describe(outputs)}."));
        return heads;
    }

    private static bool IsInteger(NodeMetadata meta, int rank) =>
        meta.IsTensor && meta.Dimensions.Length == rank && meta.ElementDataType is TensorElementType.Int64 or TensorElementType.Int32;

    private static bool IsHead(NodeMetadata meta) =>
        meta.IsTensor && meta.ElementDataType == TensorElementType.Float && meta.Dimensions is [_, > 0];

    private static IReadOnlyList<TensorDescription> Describe(IEnumerable<NodeMetadata> metas, IEnumerable<string> names) =>
        [.. names.Zip(metas, (name, meta) => new TensorDescription(name, TypeName(meta), meta.IsTensor ? meta.Dimensions : []) { Datatype = meta.IsTensor ? TensorDescription.DatatypeOf(meta.ElementDataType) : null })];

    private static string Describe(IReadOnlyDictionary<string, NodeMetadata> metas) =>
        string.Join(", ", metas.Select(m => $"\"{m.Key}\" {Describe(m.Value)}"));

    private static string Describe(NodeMetadata meta) =>
        meta.IsTensor ? $"{TypeName(meta)} [{string.Join(", ", meta.Dimensions.Select((d, i) => d < 0 ? meta.SymbolicDimensions[i] is { Length: > 0 } s ? s : "?" : $"{d}"))}]" : TypeName(meta);

    private static string TypeName(NodeMetadata meta) =>
        meta.IsTensor ? meta.ElementDataType.ToString().ToLowerInvariant() : meta.OnnxValueType.ToString().ToLowerInvariant();
}
