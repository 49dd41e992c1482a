using RnnService.Core.Numerics;

namespace RnnService.Core.Taxonomy;

/// <summary>
/// Turns the logits of one sequence, one row or a row per window, into a path of labels.
/// Coherent by construction: p(node) = p(parent) * p(node | parent), where p(node | parent) is the softmax of the node's logit
/// over its siblings' only. So children sum to their parent whatever the heads say, and no answer contradicts itself.
/// Under one head over the leaves, the leaves have its softmax, and a label that divides has the sum of its leaves: its logit is their logsumexp.
/// Where all siblings are impossible (logits of negative infinity, as from a softmax that underflowed), they share their parent's probability equally.
/// Over several rows, probabilities are means, which are as coherent because they are linear.
/// Reuse one instance per thread or request: it owns the scratch memory and the result, which the next call overwrites.
/// </summary>
public sealed class HierarchyDecoder
{
    private const int LongestInsertion = 64;

    private readonly ScoreMap _scores;
    private readonly LabelTree _tree;
    private readonly double[] _logit;
    private readonly double[] _row;
    private readonly double[] _probability;
    private readonly double[] _scratch;
    private readonly int[] _path;
    private readonly double[] _pathProbability;
    private readonly int[] _ranked;
    private double[]? _levelShare;
    private Decoding _decoding;
    private int _rows;

    /// <param name="scores">The labels, and where their logits are in a row.</param>
    public HierarchyDecoder(ScoreMap scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        _scores = scores;
        _tree = scores.Tree;
        _logit = new double[_tree.Count];
        _row = new double[_tree.Count];
        _probability = new double[_tree.Count];
        _scratch = new double[_tree.Count];
        _path = new int[_tree.Levels.Count];
        _pathProbability = new double[_tree.Levels.Count];
        _ranked = new int[_tree.Leaves.Length];
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
    /// <param name="logits">All heads of one sequence, laid out as the score map says.</param>
    /// <param name="decoding">How the path is chosen.</param>
    /// <param name="threshold">The descent ends at the last node whose probability is at least this; the coarsest level is always answered. 0 never stops.</param>
    /// <param name="topK">How many leaves to rank; 1 ranks none.</param>
    /// <returns>False when the logits hold NaN or positive infinity, or nothing but negative infinity among the coarsest labels.</returns>
    public bool TryDecode(ReadOnlySpan<float> logits, Decoding decoding, double threshold, int topK)
    {
        Begin(decoding);
        if (!TryAdd(logits))
            return false;
        Finish(threshold, topK);
        return true;
    }

    /// <summary>Begins an answer that averages rows of logits: <see cref="TryAdd"/> each, then <see cref="Finish"/>.</summary>
    /// <param name="decoding">How the path is chosen. With conditional heads <see cref="Decoding.Independent"/> is <see cref="Decoding.TopDown"/>, because a head there says nothing without its parent's.</param>
    public void Begin(Decoding decoding)
    {
        _decoding = decoding == Decoding.Independent && _scores.Scheme == HeadScheme.Children ? Decoding.TopDown : decoding;
        _rows = PathLength = RankedCount = 0;
        Stopped = false;
        Consistent = true;
        Array.Clear(_probability);
        if (_decoding == Decoding.Independent)
            Array.Clear(_levelShare ??= new double[_tree.Count]);
    }

    /// <summary>Adds a row of logits, such as those of one window.</summary>
    /// <param name="logits">All heads, laid out as the score map says.</param>
    /// <returns>False when the logits hold NaN or positive infinity, or nothing but negative infinity among the coarsest labels; there is then no answer, and <see cref="Begin"/> begins the next.</returns>
    public bool TryAdd(ReadOnlySpan<float> logits)
    {
        if (!TryReadLogits(logits) || !(_scores.Scheme == HeadScheme.Leaves ? TrySumLeaves() : TrySpread()))
            return false;
        if (_decoding == Decoding.Independent && !TryAddLevels())
            return false;
        for (int node = 0; node < _row.Length; node++)
            _probability[node] += _row[node];
        _rows++;
        return true;
    }

    /// <summary>Makes the answer from the rows that were added.</summary>
    /// <param name="threshold">As for <see cref="TryDecode"/>.</param>
    /// <param name="topK">As for <see cref="TryDecode"/>.</param>
    /// <exception cref="InvalidOperationException">No row was added.</exception>
    public void Finish(double threshold, int topK)
    {
        if (_rows == 0)
            throw new InvalidOperationException("An answer needs at least one row of logits.");
        Average(_probability);
        if (topK > 1)
            Rank(Math.Min(topK, _ranked.Length));
        switch (_decoding)
        {
            case Decoding.BestPath:
                ClimbFrom(MostProbableLeaf());
                break;
            case Decoding.TopDown:
                Descend();
                break;
            default:
                Average(_levelShare!);
                TakeBestOfLevels();
                return;
        }
        Cut(threshold);
    }

    private bool TryReadLogits(ReadOnlySpan<float> logits)
    {
        for (int node = 0; node < _logit.Length; node++)
        {
            int position = _scores.Position(node);
            double logit = position == ScoreMap.None ? 0 : logits[position];
            if (double.IsNaN(logit) || logit == double.PositiveInfinity)
                return false;
            _logit[node] = logit;
        }
        return true;
    }

    /// <summary>Probabilities from the root down, each label's a share of its parent's.</summary>
    private bool TrySpread()
    {
        if (!TrySpread(LabelTree.Root, 1))
            return false;
        for (int node = 0; node < _row.Length; node++)   // parents come before their children
            TrySpread(node, _row[node]);
        return true;
    }

    /// <summary>Probabilities from the leaves up, and logits where a decoding asks for those of a level.</summary>
    private bool TrySumLeaves()
    {
        var share = Shares(_tree.Leaves, equalIfImpossible: false);
        if (share.IsEmpty)
            return false;
        for (int i = 0; i < share.Length; i++)
            _row[_tree.Leaves[i]] = share[i];
        for (int node = _row.Length - 1; node >= 0; node--)   // children come after their parents
        {
            var children = _tree.Children(node);
            if (children.IsEmpty)
                continue;
            double sum = 0;
            foreach (int child in children)
                sum += _row[child];
            _row[node] = Math.Min(1, sum);
            if (_decoding == Decoding.Independent)
                _logit[node] = LogSumExp(children);
        }
        return true;
    }

    private double LogSumExp(ReadOnlySpan<int> nodes)
    {
        double max = double.NegativeInfinity;
        foreach (int node in nodes)
            max = Math.Max(max, _logit[node]);
        if (max == double.NegativeInfinity)
            return max;
        double sum = 0;
        foreach (int node in nodes)
            sum += Math.Exp(_logit[node] - max);
        return max + Math.Log(sum);
    }

    /// <summary>Gives the children of a node their share of the node's probability.</summary>
    /// <returns>False when the coarsest labels are all impossible.</returns>
    private bool TrySpread(int parent, double mass)
    {
        var children = _tree.Children(parent);
        if (children.IsEmpty)
            return true;
        var share = Shares(children, equalIfImpossible: parent != LabelTree.Root);
        for (int i = 0; i < share.Length; i++)
            _row[children[i]] = mass * share[i];
        return !share.IsEmpty;
    }

    private bool TryAddLevels()
    {
        for (int level = 0; level < _tree.Levels.Count; level++)
        {
            var nodes = _tree.NodesOfLevel[level];
            var share = Shares(nodes, equalIfImpossible: level > 0 && _tree.IsHierarchy);
            if (share.IsEmpty)
                return false;
            for (int i = 0; i < share.Length; i++)
                _levelShare![nodes[i]] += share[i];
        }
        return true;
    }

    /// <returns>The softmax over nodes, in scratch memory; empty when all are impossible and may not share equally.</returns>
    private ReadOnlySpan<double> Shares(ReadOnlySpan<int> nodes, bool equalIfImpossible)
    {
        var share = _scratch.AsSpan(0, nodes.Length);
        for (int i = 0; i < nodes.Length; i++)
            share[i] = _logit[nodes[i]];
        if (!Softmax.TryApply(share))
        {
            if (!equalIfImpossible)
                return [];
            share.Fill(1.0 / share.Length);
        }
        return share;
    }

    private void Average(double[] sums)
    {
        if (_rows == 1)
            return;
        for (int i = 0; i < sums.Length; i++)
            sums[i] /= _rows;
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

    private void TakeBestOfLevels()
    {
        int parent = LabelTree.Root;
        for (int level = 0; level < _tree.Levels.Count; level++)
        {
            var nodes = _tree.NodesOfLevel[level];
            int best = nodes[0];
            foreach (int node in nodes)
            {
                if (_levelShare![node] > _levelShare[best])
                    best = node;
            }
            Consistent &= _tree.Parent(best) == parent;
            parent = _path[level] = best;
            _pathProbability[level] = _levelShare![best];
        }
        PathLength = _tree.Levels.Count;
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
