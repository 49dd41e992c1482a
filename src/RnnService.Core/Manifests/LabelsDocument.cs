using RnnService.Core.Taxonomy;

namespace RnnService.Core.Manifests;

/// <summary><c>labels.json</c>: the label tree as it is written on disk and served at <c>/models/{model}/labels</c>.</summary>
/// <param name="Levels">Names of the levels, coarse to fine.</param>
/// <param name="Tree">Children of the root.</param>
public sealed record LabelsDocument(IReadOnlyList<string> Levels, IReadOnlyList<LabelNode> Tree)
{
    /// <summary>Reads and checks <c>labels.json</c>.</summary>
    /// <returns>Null when faults were added.</returns>
    public static LabelTree? Parse(ReadOnlySpan<byte> json, List<Fault> faults)
    {
        ArgumentNullException.ThrowIfNull(faults);
        var document = Document.Read(json, ManifestJson.Default.LabelsDocument, "labels.json", faults);
        return document is null ? null : LabelTree.Build(document.Levels, document.Tree, faults);
    }

    /// <summary>The document that describes <paramref name="tree"/>, with every index written out.</summary>
    public static LabelsDocument Of(LabelTree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        return new LabelsDocument(tree.Levels, Below(LabelTree.Root));

        List<LabelNode> Below(int node)
        {
            var result = new List<LabelNode>();
            foreach (int child in tree.Children(node))
                result.Add(new LabelNode(tree.Label(child), tree.Children(child).IsEmpty ? null : Below(child), tree.HeadIndex(child)));
            return result;
        }
    }
}
