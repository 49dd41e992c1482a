using System.Text.Json.Serialization;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Manifests;

/// <summary>The label tree of a model.</summary>
/// <param name="Levels">Names of the levels, coarse to fine.</param>
/// <param name="Tree">The labels of the coarsest level.</param>
public sealed record LabelsDocument(IReadOnlyList<string> Levels, IReadOnlyList<LabelNode> Tree)
{
    /// <summary>Address of this schema, for editors; not read.</summary>
    [JsonPropertyName("$schema"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Schema { get; init; }

    /// <summary>Reads and checks <c>labels.json</c>.</summary>
    /// <returns>Null when faults were added.</returns>
    public static LabelTree? Parse(ReadOnlySpan<byte> json, List<Fault> faults)
    {
        ArgumentNullException.ThrowIfNull(faults);
        var document = Document.Read(json, ManifestJson.Default.LabelsDocument, "labels.json", faults);
        return document is null ? null : LabelTree.Build(document.Levels, document.Tree, faults);
    }

    /// <summary>The document that describes a tree, with the index of every label that has a logit of its own written out.</summary>
    public static LabelsDocument Of(ScoreMap scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var tree = scores.Tree;
        return new LabelsDocument(tree.Levels, Below(LabelTree.Root));

        List<LabelNode> Below(int node)
        {
            var result = new List<LabelNode>();
            foreach (int child in tree.Children(node))
                result.Add(new LabelNode(tree.Label(child), tree.Children(child).IsEmpty ? null : Below(child), scores.Index(child)));
            return result;
        }
    }
}
