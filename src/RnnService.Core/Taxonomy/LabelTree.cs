namespace RnnService.Core.Taxonomy;

/// <summary>
/// A tree of labels in level order per branch ("tree order", depth first). Nodes are numbered from 0 in tree order; the root is not a node.
/// Immutable. A flat label set is a tree with one level.
/// </summary>
public sealed class LabelTree
{
    /// <summary>Stands for the root where a node's number is asked for.</summary>
    public const int Root = -1;

    private readonly Node[] _nodes;
    private readonly int[] _topLevel;

    private LabelTree(string[] levels, Node[] nodes, int[] topLevel)
    {
        Levels = levels;
        _nodes = nodes;
        _topLevel = topLevel;
        Leaves = [.. Enumerable.Range(0, nodes.Length).Where(n => nodes[n].Children.Length == 0)];
        NodesOfLevel = [.. levels.Select((_, level) => Enumerable.Range(0, nodes.Length).Where(n => nodes[n].Level == level).ToArray())];
    }

    /// <summary>Whether labels of one level belong under those of the level above; false for heads that have nothing to do with each other.</summary>
    public bool IsHierarchy { get; private init; } = true;

    /// <summary>Names of the levels from coarse to fine.</summary>
    public IReadOnlyList<string> Levels { get; }

    /// <summary>Number of nodes, the root not counted.</summary>
    public int Count => _nodes.Length;

    /// <summary>Nodes without children, in tree order.</summary>
    public int[] Leaves { get; private init; }

    /// <summary>For each level its nodes in tree order.</summary>
    public int[][] NodesOfLevel { get; }

    /// <summary>The label of a node; unique in its level.</summary>
    public string Label(int node) => _nodes[node].Label;

    /// <summary>The level of a node, 0 for the coarsest.</summary>
    public int Level(int node) => _nodes[node].Level;

    /// <summary>The parent of a node, <see cref="Root"/> for a node of the coarsest level.</summary>
    public int Parent(int node) => _nodes[node].Parent;

    /// <summary>Index of the node's logit in the head that scores it, as stated in <c>labels.json</c>; null where nothing is stated.</summary>
    public int? StatedIndex(int node) => _nodes[node].Index;

    /// <summary>The children of a node, or of the <see cref="Root"/>, in tree order.</summary>
    public ReadOnlySpan<int> Children(int node) => node == Root ? _topLevel : _nodes[node].Children;

    /// <summary>The nodes from the root's child to <paramref name="node"/>, written into <paramref name="path"/>, which has room for a node a level.</summary>
    /// <returns>The part of <paramref name="path"/> that was written.</returns>
    public ReadOnlySpan<int> PathTo(int node, Span<int> path)
    {
        int length = IsHierarchy ? Level(node) + 1 : 1;
        for (int i = length - 1; i >= 0; i--, node = Parent(node))
            path[i] = node;
        return path[..length];
    }

    /// <summary>The labels from the root's child to the node, <c>A/B/C</c>.</summary>
    public string PathName(int node) => Parent(node) == Root ? Label(node) : $"{PathName(Parent(node))}/{Label(node)}";

    /// <summary>JSON Pointer to the node in <c>labels.json</c>.</summary>
    public string Pointer(int node)
    {
        int place = Children(Parent(node)).IndexOf(node);
        return Parent(node) == Root ? $"/tree/{place}" : $"{Pointer(Parent(node))}/children/{place}";
    }

    /// <summary>Builds a tree.</summary>
    /// <param name="levels">Names of the levels, coarse to fine.</param>
    /// <param name="roots">Children of the root.</param>
    /// <param name="faults">Receives everything that is wrong, with pointers into <c>labels.json</c>.</param>
    /// <returns>Null when faults were added.</returns>
    public static LabelTree? Build(IReadOnlyList<string> levels, IReadOnlyList<LabelNode> roots, List<Fault> faults)
    {
        ArgumentNullException.ThrowIfNull(levels);
        ArgumentNullException.ThrowIfNull(roots);
        ArgumentNullException.ThrowIfNull(faults);
        int before = faults.Count;
        if (levels.Count == 0)
            faults.Add(new Fault("/levels", "A label tree needs at least one level; name them from coarse to fine."));
        if (levels.Distinct(StringComparer.Ordinal).Count() != levels.Count)
            faults.Add(new Fault("/levels", "Level names must differ from each other."));
        for (int level = 0; level < levels.Count; level++)
        {
            if (string.IsNullOrWhiteSpace(levels[level]))
                faults.Add(new Fault($"/levels/{level}", "A level needs a name."));
        }
        if (roots.Count == 0)
            faults.Add(new Fault("/tree", "A label tree needs at least one label."));

        var builder = new Builder(levels, faults);
        var top = builder.Add(roots, Root, 0, "/tree");
        builder.CheckLevels();
        return faults.Count == before ? new LabelTree([.. levels], [.. builder.Nodes], top) : null;
    }

    /// <summary>A tree with one level, for a head without a label tree: its labels are <c>head:index</c>.</summary>
    public static LabelTree Flat(string head, int width) =>
        Build([head], [.. Enumerable.Range(0, width).Select(i => new LabelNode($"{head}:{i}"))], [])!;

    /// <summary>
    /// Several heads without a label tree: a level a head, its labels <c>head:index</c>, none under another.
    /// The last head's labels are the leaves, the ones that are ranked.
    /// </summary>
    public static LabelTree Unrelated(IReadOnlyList<(string Head, int Width)> heads)
    {
        ArgumentNullException.ThrowIfNull(heads);
        Node[] nodes = [.. heads.SelectMany((h, level) => Enumerable.Range(0, h.Width).Select(i => new Node($"{h.Head}:{i}", level, Root, null, [])))];
        int[] last = [.. Enumerable.Range(nodes.Length - heads[^1].Width, heads[^1].Width)];
        return new LabelTree([.. heads.Select(h => h.Head)], nodes, last) { IsHierarchy = false, Leaves = last };
    }

    private sealed class Builder(IReadOnlyList<string> levels, List<Fault> faults)
    {
        private readonly HashSet<(int Level, string Label)> _seen = [];

        public List<Node> Nodes { get; } = [];

        public int[] Add(IReadOnlyList<LabelNode> siblings, int parent, int level, string pointer)
        {
            if (level >= levels.Count)
            {
                if (siblings.Count > 0)
                    faults.Add(new Fault(pointer, $"The tree is deeper than the {levels.Count} level(s) named in /levels; name the missing level or remove the children."));
                return [];
            }
            var numbers = new int[siblings.Count];
            for (int i = 0; i < siblings.Count; i++)
            {
                if (siblings[i] is not var (label, children, index))
                {
                    faults.Add(new Fault($"{pointer}/{i}", "A label is an object {\"label\": …, \"children\": […]}, not null."));
                    continue;
                }
                if (string.IsNullOrWhiteSpace(label))
                    faults.Add(new Fault($"{pointer}/{i}/label", "A label must not be empty."));
                else if (!_seen.Add((level, label)))
                    faults.Add(new Fault($"{pointer}/{i}/label", $"The label \"{label}\" occurs twice in level \"{levels[level]}\"; labels must differ within a level."));
                if (index < 0)
                    faults.Add(new Fault($"{pointer}/{i}/index", $"An index counts from 0; it is {index}."));
                int number = numbers[i] = Nodes.Count;
                Nodes.Add(new Node(label, level, parent, index, []));
                var added = Add(children ?? [], number, level + 1, $"{pointer}/{i}/children");
                Nodes[number] = Nodes[number] with { Children = added };
            }
            return numbers;
        }

        /// <summary>A level without labels would be a distribution over nothing.</summary>
        public void CheckLevels()
        {
            for (int level = 0; level < levels.Count; level++)
            {
                if (Nodes.Count > 0 && Nodes.All(n => n.Level != level))
                    faults.Add(new Fault($"/levels/{level}", $"No label of the tree is in the level \"{levels[level]}\"; give the level labels or remove it."));
            }
        }
    }

    private readonly record struct Node(string Label, int Level, int Parent, int? Index, int[] Children);
}
