namespace RnnService.Core.Taxonomy;

/// <summary>
/// Where each label of a tree has its logit in a row of logits, all heads of one sequence one after the other. Immutable.
/// </summary>
public sealed class ScoreMap
{
    /// <summary>Stands where a label has no logit of its own.</summary>
    public const int None = -1;

    private readonly int[] _positions;
    private readonly int[] _indices;

    /// <param name="tree">The labels.</param>
    /// <param name="scheme">How heads score them.</param>
    /// <param name="offsets">For each label where its head begins in a row, or <see cref="None"/>.</param>
    /// <param name="indices">For each label its index within its head; not read where the offset is <see cref="None"/>.</param>
    /// <exception cref="ArgumentException">The lists are not as long as the tree has labels, or a label has no logit where the scheme asks for one.</exception>
    public ScoreMap(LabelTree tree, HeadScheme scheme, IReadOnlyList<int> offsets, IReadOnlyList<int> indices)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(offsets);
        ArgumentNullException.ThrowIfNull(indices);
        if (offsets.Count != tree.Count || indices.Count != tree.Count)
            throw new ArgumentException($"The tree has {tree.Count} labels, not {offsets.Count} offsets and {indices.Count} indices.", nameof(offsets));
        for (int node = 0; node < tree.Count; node++)
        {
            if (offsets[node] == None && !MayHaveNone(tree, scheme, node))
                throw new ArgumentException($"The label \"{tree.PathName(node)}\" needs a logit.", nameof(offsets));
        }
        Tree = tree;
        Scheme = scheme;
        _indices = [.. indices];
        _positions = [.. offsets.Select((offset, node) => offset == None ? None : offset + indices[node])];
    }

    /// <summary>The labels.</summary>
    public LabelTree Tree { get; }

    /// <summary>How heads score the labels.</summary>
    public HeadScheme Scheme { get; }

    /// <summary>Where a label's logit is in a row of logits, or <see cref="None"/>: a label that divides under one head over the leaves, or an only child without a head.</summary>
    public int Position(int node) => _positions[node];

    /// <summary>Index of a label within its head; null where it has no logit of its own.</summary>
    public int? Index(int node) => _positions[node] == None ? null : _indices[node];

    /// <summary>A head per level, its labels numbered as stated or in tree order.</summary>
    /// <param name="tree">The labels.</param>
    /// <param name="offsets">For each level where its head begins in a row.</param>
    public static ScoreMap PerLevel(LabelTree tree, IReadOnlyList<int> offsets)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(offsets);
        var indices = new int[tree.Count];
        foreach (var nodes in tree.NodesOfLevel)
        {
            for (int i = 0; i < nodes.Length; i++)
                indices[nodes[i]] = tree.StatedIndex(nodes[i]) ?? i;
        }
        return new ScoreMap(tree, HeadScheme.Levels, [.. Enumerable.Range(0, tree.Count).Select(n => offsets[tree.Level(n)])], indices);
    }

    private static bool MayHaveNone(LabelTree tree, HeadScheme scheme, int node) => scheme switch
    {
        HeadScheme.Leaves => !tree.Children(node).IsEmpty,
        HeadScheme.Children => tree.Children(tree.Parent(node)).Length == 1,
        _ => false,
    };
}
