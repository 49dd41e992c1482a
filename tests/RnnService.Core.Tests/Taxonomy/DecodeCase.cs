using FsCheck;
using FsCheck.Fluent;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Tests.Taxonomy;

/// <summary>A random tree, heads that score it in one of the schemes, and the logits of one sequence.</summary>
/// <param name="Scores">1 to 5 levels, branches of any depth, heads in any order, indices of a head in any order.</param>
/// <param name="Heads">What a manifest says of the heads.</param>
/// <param name="Graph">The outputs of a row, some of which score nothing.</param>
/// <param name="Rows">1 to 3 rows of logits; values that score no label are NaN.</param>
/// <param name="Threshold">0 to 1.</param>
/// <param name="TopK">1 to more than there are leaves.</param>
public sealed record DecodeCase(ScoreMap Scores, HeadManifest[] Heads, (string Output, int Width)[] Graph, float[][] Rows, double Threshold, int TopK)
{
    private const int Deepest = 5;
    private const int Widest = 4;

    /// <summary>Cases whose logits are finite or negative infinity, many of them equal or extreme.</summary>
    public static Arbitrary<DecodeCase> Arbitrary { get; } = Arb.From(Cases([Logit(), Plain(), Gen.Constant(0.25f), Tied(), Mostly(float.NegativeInfinity)]));

    /// <summary>Cases where some logit may be NaN or positive infinity.</summary>
    public static Arbitrary<DecodeCase> Broken { get; } =
        Arb.From(Cases([Plain(), Gen.Frequency((12, Plain()), (1, Gen.Elements(float.NaN, float.PositiveInfinity)))]));

    public LabelTree Tree => Scores.Tree;

    public float[] Logits => Rows[0];

    /// <summary>The logit by which a label is compared with others: its own, or the logsumexp of its leaves.</summary>
    public double Logit(int node, int row = 0)
    {
        if (Scores.Position(node) != ScoreMap.None)
            return Rows[row][Scores.Position(node)];
        if (Scores.Scheme != HeadScheme.Leaves)
            return 0;
        double[] leaves = [.. LeavesBelow(node).Select(leaf => Logit(leaf, row))];
        double max = leaves.Max();
        return double.IsNegativeInfinity(max) ? max : max + Math.Log(leaves.Sum(l => Math.Exp(l - max)));
    }

    public IEnumerable<int> LeavesBelow(int node) => Tree.Leaves.Where(leaf => Ancestry(leaf).Contains(node));

    /// <summary>What the decoder must not be able to decode: a logit that is no number, or coarsest labels that are all impossible.</summary>
    public bool IsUndecodable(int row = 0) =>
        Enumerable.Range(0, Tree.Count).Any(n => Scores.Position(n) != ScoreMap.None && (double.IsNaN(Logit(n, row)) || double.IsPositiveInfinity(Logit(n, row))))
        || Tree.Children(LabelTree.Root).ToArray().All(n => double.IsNegativeInfinity(Logit(n, row)));

    public override string ToString() =>
        $"{Scores.Scheme}, threshold {Threshold}, top {TopK}, " + string.Join(' ', Enumerable.Range(0, Tree.Count).Select(n => $"{Tree.Label(n)}={Logit(n):R}"));

    private IEnumerable<int> Ancestry(int node)
    {
        for (; node != LabelTree.Root; node = Tree.Parent(node))
            yield return node;
    }

    private static Gen<DecodeCase> Cases(Gen<float>[] styles) =>
        from levels in Gen.Choose(1, Deepest)
        from shapes in Siblings(levels, spine: true)
        from scheme in Gen.Elements(Enum.GetValues<HeadScheme>())
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from rows in Gen.Choose(1, 3)
        from style in Gen.Elements(styles)
        from threshold in Gen.Choose(0, 1000)
        from topK in Gen.Choose(1, 12)
        let layout = new Layout(levels, shapes, scheme, new Random(seed))
        from values in Gen.ArrayOf(style, layout.Width * rows)
        select new DecodeCase(layout.Scores, layout.Heads, layout.Graph, [.. values.Chunk(layout.Width).Select(layout.WithoutGaps)], threshold / 1000.0, topK);

    private static Gen<float> Plain() => Gen.Choose(-8000, 8000).Select(v => v / 1000f);

    private static Gen<float> Tied() => Gen.Elements(0f, 1f, -0f);

    private static Gen<float> Mostly(float value) => Gen.Frequency((3, Gen.Constant(value)), (1, Plain()));

    private static Gen<float> Logit() => Gen.Frequency(
        (6, Plain()),
        (2, Tied()),
        (3, Gen.Elements(1e30f, -1e30f, float.MaxValue, float.MinValue, float.NegativeInfinity, float.Epsilon, 88f, -104f)));

    /// <summary>The first branch reaches the deepest level, so that every level has labels.</summary>
    private static Gen<Shape[]> Siblings(int levels, bool spine) =>
        from width in Gen.Choose(1, levels > 3 ? 2 : Widest)
        from shapes in Gen.CollectToArray(Enumerable.Range(0, width), i => levels == 1
            ? Gen.Constant(new Shape([]))
            : spine && i == 0
                ? Siblings(levels - 1, spine: true).Select(c => new Shape(c))
                : Gen.Frequency((1, Gen.Constant(new Shape([]))), (2, Siblings(levels - 1, spine: false).Select(c => new Shape(c)))))
        select shapes;

    private sealed record Shape(Shape[] Children);

    /// <summary>Heads for a tree: which labels each scores, in a random order, with outputs between them that score nothing.</summary>
    private sealed class Layout
    {
        private readonly bool[] _scored;

        public Layout(int levels, Shape[] shapes, HeadScheme scheme, Random random)
        {
            var plain = Build(levels, shapes, _ => null);
            var groups = Groups(plain, scheme, random).ToArray();
            random.Shuffle(groups);
            var graph = new List<(string Output, int Width)>();
            var offsets = new int[plain.Count];
            var indices = new int[plain.Count];
            Array.Fill(offsets, ScoreMap.None);
            foreach (var (nodes, head) in groups)
            {
                if (random.Next(3) == 0)
                    graph.Add(($"gap{graph.Count}", random.Next(1, 4)));
                int[] order = [.. Enumerable.Range(0, nodes.Length)];
                random.Shuffle(order);
                for (int i = 0; i < nodes.Length; i++)
                {
                    offsets[nodes[i]] = graph.Sum(g => g.Width);
                    indices[nodes[i]] = order[i];
                }
                graph.Add((head.Output, nodes.Length));
            }
            Graph = [.. graph];
            Heads = [.. groups.Select(g => g.Head)];
            random.Shuffle(Heads);
            Scores = new ScoreMap(Build(levels, shapes, n => offsets[n] == ScoreMap.None ? null : indices[n]), scheme, offsets, indices);
            _scored = new bool[Width];
            for (int node = 0; node < plain.Count; node++)
            {
                if (Scores.Position(node) != ScoreMap.None)
                    _scored[Scores.Position(node)] = true;
            }
        }

        public ScoreMap Scores { get; }

        public HeadManifest[] Heads { get; }

        public (string Output, int Width)[] Graph { get; }

        public int Width => Graph.Sum(g => g.Width);

        public float[] WithoutGaps(float[] row) => [.. row.Select((value, i) => _scored[i] ? value : float.NaN)];

        private static IEnumerable<(int[] Nodes, HeadManifest Head)> Groups(LabelTree tree, HeadScheme scheme, Random random) => scheme switch
        {
            HeadScheme.Levels => tree.Levels.Select((name, level) => (tree.NodesOfLevel[level], new HeadManifest($"out{level}", name))),
            HeadScheme.Leaves => [(tree.Leaves, new HeadManifest("out", Scores: ScoredLabels.Leaves))],
            HeadScheme.Nodes => [([.. Enumerable.Range(0, tree.Count)], new HeadManifest("out", Scores: ScoredLabels.Nodes))],
            _ => Enumerable.Range(LabelTree.Root, tree.Count + 1)
                .Where(n => tree.Children(n).Length > (random.Next(2) == 0 || n == LabelTree.Root ? 0 : 1))   // an only child needs no head
                .Select(n => (tree.Children(n).ToArray(), new HeadManifest($"out{n}", ChildrenOf: n == LabelTree.Root ? "/" : random.Next(2) == 0 ? tree.Label(n) : tree.PathName(n)))),
        };

        private static LabelTree Build(int levels, Shape[] shapes, Func<int, int?> index)
        {
            int number = 0;
            var faults = new List<Fault>();
            var tree = LabelTree.Build([.. Enumerable.Range(0, levels).Select(level => $"level{level}")], Nodes(shapes, ""), faults);
            Assert.Empty(faults);
            return tree!;

            LabelNode[] Nodes(Shape[] siblings, string prefix)
            {
                var nodes = new LabelNode[siblings.Length];
                for (int i = 0; i < nodes.Length; i++)
                {
                    int? own = index(number++);
                    nodes[i] = new LabelNode($"{prefix}{i}", siblings[i].Children.Length == 0 ? null : Nodes(siblings[i].Children, $"{prefix}{i}."), own);
                }
                return nodes;
            }
        }
    }
}
