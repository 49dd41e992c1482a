using RnnService.Core.Numerics;

namespace RnnService.Core.Taxonomy;

/// <summary>
/// Turns the logits of one sequence into a path of labels.
/// Coherent by construction: p(node) = p(parent) * p(node | parent), where p(node | parent) is the softmax of the level's
/// head over the node's siblings only. So children sum to their parent whatever the heads say, and no answer contradicts itself.
/// Reuse one instance per thread or request: it owns the scratch memory and the result, which the next call overwrites.
/// </summary>
public sealed class HierarchyDecoder
{
    private const int LongestInsertion = 64;

    private readonly LabelTree _tree;
    private readonly int[] _headOffsets;
    private readonly double[] _probability;
    private readonly double[] _scratch;
    private readonly int[] _path;
    private readonly double[] _pathProbability;
    private readonly int[] _ranked;

    /// <param name="tree">The label tree.</param>
    /// <param name="headOffsets">For each level, where its head begins in a row of logits.</param>
    public HierarchyDecoder(LabelTree tree, int[] headOffsets)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(headOffsets);
        _tree = tree;
        _headOffsets = headOffsets;
        _probability = new double[tree.Count];
        _scratch = new double[tree.Count];
        _path = new int[tree.Levels.Count];
        _pathProbability = new double[tree.Levels.Count];
        _ranked = new int[tree.Leaves.Length];
    }

    /// <summary>Nodes of the answer from coarse to fine.</summary>
    public ReadOnlySpan<int> Path => _path.AsSpan(0, PathLength);

    /// <summary>Probability of each node of <see cref="Path"/>, 0 to 1.</summary>
    public ReadOnlySpan<double> PathProbability => _pathProbability.AsSpan(0, PathLength);

    /// <summary>Whether each node of <see cref="Path"/> is a child of the one before; always true but for <see cref="Decoding.Independent"/>.</summary>
    public bool Consistent { get; private set; }

    /// <summary>Whether the threshold ended the descent before a leaf.</summary>
    public bool Stopped { get; private set; }

    /// <summary>The most probable leaves, falling, ties in tree order.</summary>
    public ReadOnlySpan<int> RankedLeaves => _ranked.AsSpan(0, RankedCount);

    private int PathLength { get; set; }

    private int RankedCount { get; set; }

    /// <summary>The coherent probability of a node, 0 to 1.</summary>
    public double Probability(int node) => _probability[node];

    /// <summary>Decodes one row of logits.</summary>
    /// <param name="logits">All heads of one sequence, laid out as the offsets say.</param>
    /// <param name="decoding">How the path is chosen.</param>
    /// <param name="threshold">The descent ends at the last node whose probability is at least this; the coarsest level is always answered. 0 never stops.</param>
    /// <param name="topK">How many leaves to rank.</param>
    /// <returns>False when the logits hold NaN or positive infinity, or nothing but negative infinity among siblings.</returns>
    public bool TryDecode(ReadOnlySpan<float> logits, Decoding decoding, double threshold, int topK)
    {
        PathLength = RankedCount = 0;
        Stopped = false;
        Consistent = true;
        if (!TrySpread(logits, LabelTree.Root, 1))
            return false;
        if (topK > 1)
            Rank(Math.Min(topK, _ranked.Length));
        switch (decoding)
        {
            case Decoding.BestPath:
                ClimbFrom(MostProbableLeaf());
                break;
            case Decoding.TopDown:
                Descend();
                break;
            default:
                return TryIndependent(logits);
        }
        Cut(threshold);
        return true;
    }

    /// <summary>Gives the children of a node, and theirs, their share of the node's probability.</summary>
    private bool TrySpread(ReadOnlySpan<float> logits, int parent, double mass)
    {
        var children = _tree.Children(parent);
        if (children.IsEmpty)
            return true;
        var share = _scratch.AsSpan(0, children.Length);
        for (int i = 0; i < children.Length; i++)
            share[i] = logits[_headOffsets[_tree.Level(children[i])] + _tree.HeadIndex(children[i])];
        if (!Softmax.TryApply(share))
            return false;
        for (int i = 0; i < children.Length; i++)
            _probability[children[i]] = mass * share[i];
        foreach (int child in children)
        {
            if (!TrySpread(logits, child, _probability[child]))
                return false;
        }
        return true;
    }

    private int MostProbableLeaf()
    {
        int best = _tree.Leaves[0];
        foreach (int leaf in _tree.Leaves)
        {
            if (_probability[leaf] > _probability[best])
                best = leaf;
        }
        return best;
    }

    private void ClimbFrom(int leaf)
    {
        PathLength = _tree.Level(leaf) + 1;
        for (int node = leaf; node != LabelTree.Root; node = _tree.Parent(node))
        {
            _path[_tree.Level(node)] = node;
            _pathProbability[_tree.Level(node)] = _probability[node];
        }
    }

    private void Descend()
    {
        int node = LabelTree.Root;
        while (!_tree.Children(node).IsEmpty)
        {
            var children = _tree.Children(node);
            node = children[0];
            foreach (int child in children)
            {
                if (_probability[child] > _probability[node])
                    node = child;
            }
            _path[PathLength] = node;
            _pathProbability[PathLength++] = _probability[node];
        }
    }

    private bool TryIndependent(ReadOnlySpan<float> logits)
    {
        int parent = LabelTree.Root;
        for (int level = 0; level < _tree.Levels.Count; level++)
        {
            var nodes = _tree.NodesOfLevel[level];
            var share = _scratch.AsSpan(0, nodes.Length);
            for (int i = 0; i < nodes.Length; i++)
                share[i] = logits[_headOffsets[level] + _tree.HeadIndex(nodes[i])];
            if (!Softmax.TryApply(share))
                return false;
            int best = 0;
            for (int i = 1; i < nodes.Length; i++)
            {
                if (share[i] > share[best])
                    best = i;
            }
            Consistent &= _tree.Parent(nodes[best]) == parent;
            parent = _path[level] = nodes[best];
            _pathProbability[level] = share[best];
        }
        PathLength = _tree.Levels.Count;
        return true;
    }

    /// <summary>Probabilities fall along a coherent path, so the descent ends where the first one is too small.</summary>
    private void Cut(double threshold)
    {
        for (int depth = 1; depth < PathLength; depth++)
        {
            if (_pathProbability[depth] < threshold)
            {
                PathLength = depth;
                Stopped = true;
            }
        }
    }

    /// <summary>Insertion into a short ordered list where k is small, else a sort; equal probabilities keep tree order.</summary>
    private void Rank(int k)
    {
        if (k > LongestInsertion)
        {
            _tree.Leaves.CopyTo(_ranked, 0);
            Array.Sort(_ranked, (a, b) => _probability[a] != _probability[b] ? _probability[b].CompareTo(_probability[a]) : a.CompareTo(b));
            RankedCount = k;
            return;
        }
        foreach (int leaf in _tree.Leaves)
        {
            double p = _probability[leaf];
            if (RankedCount == k && p <= _probability[_ranked[k - 1]])
                continue;
            int at = RankedCount < k ? RankedCount++ : k - 1;
            while (at > 0 && _probability[_ranked[at - 1]] < p)
            {
                _ranked[at] = _ranked[at - 1];
                at--;
            }
            _ranked[at] = leaf;
        }
    }
}
