using RnnService.Core.Taxonomy;

namespace RnnService.Core.Manifests;

/// <summary>Finds which output of a graph scores which label, from the label tree, the manifest's heads and the outputs, and checks that every output index stands for exactly one label.</summary>
public static class HeadAssignment
{
    /// <param name="tree">The labels.</param>
    /// <param name="stated">The heads of a <c>model.json</c> that has been read without faults; null when it lists none. An output that they do not name scores nothing.</param>
    /// <param name="heads">The graph's heads in the order in which a row of logits holds them: name of the output and number of its logits.</param>
    /// <param name="faults">Receives everything that contradicts, with both sides: pointers <c>/heads…</c> are into <c>model.json</c>, <c>/tree…</c> into <c>labels.json</c>.</param>
    /// <returns>Null when faults were added.</returns>
    public static ScoreMap? Find(LabelTree tree, IReadOnlyList<HeadManifest>? stated, IReadOnlyList<(string Output, int Width)> heads, List<Fault> faults)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(heads);
        ArgumentNullException.ThrowIfNull(faults);
        int before = faults.Count;
        var used = Locate(stated, heads, faults);
        if (faults.Count > before)
            return null;
        var (scheme, groups) = used.Count == 0 ? default : (used[0].Said?.Says) switch
        {
            "level" => (HeadScheme.Levels, StatedLevels(tree, used, faults)),
            "scores" => Alone(tree, used[0], used[0].Said!.Scores == ScoredLabels.Leaves ? HeadScheme.Leaves : HeadScheme.Nodes),
            "children_of" => (HeadScheme.Children, Conditional(tree, used, faults)),
            _ => Infer(tree, used),
        };
        if (groups is null)
            faults.Add(new Fault("/heads", Disagreement(tree, used)));
        else if (!tree.IsHierarchy && scheme != HeadScheme.Levels)
            faults.Add(new Fault("/heads", "Without labels.json the labels of several heads have nothing to do with each other; add labels.json, or say nothing of what the heads score."));
        if (faults.Count > before)
            return null;

        var offsets = new int[tree.Count];
        var indices = new int[tree.Count];
        Array.Fill(offsets, ScoreMap.None);
        foreach (var group in groups!)
            Place(tree, group, offsets, indices, faults);
        for (int node = 0; scheme == HeadScheme.Leaves && node < tree.Count; node++)
        {
            if (offsets[node] == ScoreMap.None && tree.StatedIndex(node) is { } index)
                faults.Add(new Fault($"{tree.Pointer(node)}/index", $"labels.json gives \"{tree.Label(node)}\" the index {index}, but it has children and the output \"{used[0].Output}\" scores leaves only; remove the index."));
        }
        return faults.Count == before ? new ScoreMap(tree, scheme, offsets, indices) : null;
    }

    private static List<Head> Locate(IReadOnlyList<HeadManifest>? stated, IReadOnlyList<(string Output, int Width)> heads, List<Fault> faults)
    {
        var all = new List<Head>();
        int offset = 0;
        foreach (var (output, width) in heads)
        {
            all.Add(new Head(output, width, offset, "/heads", null));
            offset += width;
        }
        if (stated is null)
            return all;
        var used = new List<Head>();
        for (int i = 0; i < stated.Count; i++)
        {
            if (all.Find(h => h.Output == stated[i].Output) is { } head)
                used.Add(head with { Pointer = $"/heads/{i}", Said = stated[i] });
            else
                faults.Add(new Fault($"/heads/{i}/output", $"model.json names the output \"{stated[i].Output}\" and the graph's heads are {Widths(all)}; name one of them."));
        }
        return used;
    }

    /// <returns>Null groups when neither the number of heads nor their widths fit the tree.</returns>
    private static (HeadScheme Scheme, List<Group>? Groups) Infer(LabelTree tree, List<Head> heads)
    {
        if (heads.Count == tree.Levels.Count)
        {
            bool named = tree.Levels.All(level => heads.Exists(h => h.Output == level));
            return (HeadScheme.Levels, [.. tree.Levels.Select((name, level) => OfLevel(tree, level, named ? heads.Find(h => h.Output == name)! : heads[level]))]);
        }
        if (heads.Count == 1 && heads[0].Width == tree.Leaves.Length)
            return Alone(tree, heads[0], HeadScheme.Leaves);
        return heads.Count == 1 && heads[0].Width == tree.Count ? Alone(tree, heads[0], HeadScheme.Nodes) : default;
    }

    private static (HeadScheme, List<Group>?) Alone(LabelTree tree, Head head, HeadScheme scheme) => scheme == HeadScheme.Leaves
        ? (scheme, [new Group(head, tree.Leaves, "labels.json", "leaves")])
        : (scheme, [new Group(head, [.. Enumerable.Range(0, tree.Count)], "labels.json", "labels in all")]);

    private static Group OfLevel(LabelTree tree, int level, Head head) =>
        new(head, tree.NodesOfLevel[level], $"the level \"{tree.Levels[level]}\" of labels.json", "labels");

    private static List<Group> StatedLevels(LabelTree tree, List<Head> heads, List<Fault> faults)
    {
        foreach (var head in heads.Where(h => !tree.Levels.Contains(h.Said!.Level)))
            faults.Add(new Fault($"{head.Pointer}/level", $"labels.json has {tree.Levels.Count} level(s), {Names(tree.Levels)}, and none named \"{head.Said!.Level}\", which the output \"{head.Output}\" is said to score; name one of them, or add it to labels.json."));
        var groups = new List<Group>();
        for (int level = 0; level < tree.Levels.Count; level++)
        {
            if (heads.Find(h => h.Said!.Level == tree.Levels[level]) is { } head)
                groups.Add(OfLevel(tree, level, head));
            else
                faults.Add(new Fault("/heads", $"No head is said to score the level \"{tree.Levels[level]}\" of labels.json; the heads score {Names(heads.Select(h => h.Said!.Level!))}. Every level needs one head."));
        }
        return groups;
    }

    private static List<Group> Conditional(LabelTree tree, List<Head> heads, List<Fault> faults)
    {
        var headOf = new Dictionary<int, Head>();
        foreach (var head in heads)
        {
            if (Resolve(tree, head, faults) is not { } parent)
                continue;
            if (!headOf.TryAdd(parent, head))
                faults.Add(new Fault($"{head.Pointer}/children_of", $"The children of {Whose(tree, parent)} are scored by the outputs \"{headOf[parent].Output}\" and \"{head.Output}\"; they have one head."));
        }
        var groups = new List<Group>();
        for (int parent = LabelTree.Root; parent < tree.Count; parent++)
        {
            int[] children = [.. tree.Children(parent)];
            if (headOf.TryGetValue(parent, out var head))
                groups.Add(new Group(head, children, $"{Whose(tree, parent)} of labels.json", "children"));
            else if (children.Length > 1)
                faults.Add(new Fault("/heads", $"No head is said to score the {children.Length} children of {Whose(tree, parent)} in labels.json; the heads score those of {Names(heads.Select(h => h.Said!.ChildrenOf!))}. List a head with \"children_of\": \"{(parent == LabelTree.Root ? "" : tree.PathName(parent))}\"."));
        }
        return groups;
    }

    /// <returns>The label whose children a head scores, or the root; null when a fault was added.</returns>
    private static int? Resolve(LabelTree tree, Head head, List<Fault> faults)
    {
        var name = head.Said!.ChildrenOf!;
        if (name is "" or "/")
            return LabelTree.Root;
        int[] found = [.. Enumerable.Range(0, tree.Count).Where(n => tree.Label(n) == name || tree.PathName(n) == name.TrimStart('/'))];
        if (found.Length > 1 && Array.FindAll(found, n => tree.PathName(n) == name.TrimStart('/')) is [int exact])
            found = [exact];
        var pointer = $"{head.Pointer}/children_of";
        if (found.Length == 0)
            faults.Add(new Fault(pointer, $"labels.json has no label \"{name}\"; the labels that divide are {Names(Enumerable.Range(0, tree.Count).Where(n => !tree.Children(n).IsEmpty).Select(tree.PathName))}."));
        else if (found.Length > 1)
            faults.Add(new Fault(pointer, $"labels.json has several labels \"{name}\"; write one of {Names(found.Select(tree.PathName))}."));
        else if (tree.Children(found[0]).IsEmpty)
            faults.Add(new Fault(pointer, $"The output \"{head.Output}\" is said to score the children of \"{name}\", which has none in labels.json; name a label that divides."));
        else
            return found[0];
        return null;
    }

    /// <summary>Gives each label of a head its index: the stated one, else its place among the labels of the head.</summary>
    private static void Place(LabelTree tree, Group group, int[] offsets, int[] indices, List<Fault> faults)
    {
        var (head, nodes, whose, what) = group;
        if (head.Width != nodes.Length)
        {
            faults.Add(new Fault(head.Pointer, $"The output \"{head.Output}\" is {head.Width} wide, but {whose} has {nodes.Length} {what}; they must be as many."));
            return;
        }
        var taken = new Dictionary<int, int>();
        for (int i = 0; i < nodes.Length; i++)
        {
            int node = nodes[i], index = tree.StatedIndex(node) ?? i;
            offsets[node] = head.Offset;
            indices[node] = index;
            var pointer = tree.StatedIndex(node) is null ? tree.Pointer(node) : $"{tree.Pointer(node)}/index";
            if (index >= head.Width)
                faults.Add(new Fault(pointer, $"labels.json gives \"{tree.Label(node)}\" the index {index}, but the output \"{head.Output}\" that scores it has the indices 0 to {head.Width - 1}."));
            else if (!taken.TryAdd(index, node))
                faults.Add(new Fault(pointer, $"\"{tree.Label(node)}\" has the index {index} of the output \"{head.Output}\", which \"{tree.Label(taken[index])}\" has already; every index stands for one label. A label without an index counts by its place."));
        }
    }

    private static string Disagreement(LabelTree tree, List<Head> heads)
    {
        var levels = string.Join(", ", tree.Levels.Select((name, level) => $"\"{name}\" with {tree.NodesOfLevel[level].Length}"));
        return $"labels.json has {tree.Count} labels, {tree.Leaves.Length} of them leaves, in {tree.Levels.Count} level(s) ({levels}), and the graph has {heads.Count} head(s) ({Widths(heads)}). "
            + "A tree is scored by a head a level, by one head over the leaves, or by one over all labels; for a head per label that divides, say in /heads of model.json which is which (children_of).";
    }

    private static string Whose(LabelTree tree, int parent) => parent == LabelTree.Root ? "the root" : $"\"{tree.PathName(parent)}\"";

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(n => $"\"{n}\""));

    private static string Widths(IEnumerable<Head> heads) => string.Join(", ", heads.Select(h => $"\"{h.Output}\" {h.Width} wide"));

    /// <summary>An output with its place in a row of logits, and what the manifest says of it.</summary>
    private sealed record Head(string Output, int Width, int Offset, string Pointer, HeadManifest? Said);

    /// <summary>Labels that one head scores, with words for them.</summary>
    private sealed record Group(Head Head, int[] Nodes, string Whose, string What);
}
