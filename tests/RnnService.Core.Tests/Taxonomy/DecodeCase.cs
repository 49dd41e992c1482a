using FsCheck;
using FsCheck.Fluent;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Tests.Taxonomy;

/// <summary>A random tree with the logits of one sequence.</summary>
/// <param name="Tree">1 to 4 levels, branches of any depth, indices of a head in any order.</param>
/// <param name="Offsets">For each level where its head begins.</param>
/// <param name="Logits">One row; values that belong to no head are NaN.</param>
/// <param name="Threshold">0 to 1.</param>
/// <param name="TopK">1 to more than there are leaves.</param>
public sealed record DecodeCase(LabelTree Tree, int[] Offsets, float[] Logits, double Threshold, int TopK)
{
    private const int Deepest = 4;
    private const int Widest = 4;

    /// <summary>Cases whose logits are finite or negative infinity, many of them equal or extreme.</summary>
    public static Arbitrary<DecodeCase> Arbitrary { get; } = Arb.From(Cases(Logit(), [Plain(), Gen.Constant(0.25f), Tied()]));

    /// <summary>Cases where some logit is NaN or positive infinity.</summary>
    public static Arbitrary<DecodeCase> Broken { get; } =
        Arb.From(Cases(Plain(), [Gen.Frequency((4, Plain()), (1, Gen.Elements(float.NaN, float.PositiveInfinity)))]));

    public float Logit(int node) => Logits[Offsets[Tree.Level(node)] + Tree.HeadIndex(node)];

    /// <summary>What the decoder must not be able to decode: a logit that is no number, or siblings that are all impossible.</summary>
    public bool IsUndecodable() =>
        Enumerable.Range(0, Tree.Count).Any(n => float.IsNaN(Logit(n)) || float.IsPositiveInfinity(Logit(n)))
        || Enumerable.Range(LabelTree.Root, Tree.Count + 1).Any(n => Tree.Children(n) is { Length: > 0 } children && children.ToArray().All(c => float.IsNegativeInfinity(Logit(c))));

    public override string ToString() =>
        $"threshold {Threshold}, top {TopK}, " + string.Join(' ', Enumerable.Range(0, Tree.Count).Select(n => $"{Tree.Label(n)}={Logit(n):R}"));

    private static Gen<DecodeCase> Cases(Gen<float> mixed, Gen<float>[] styles) =>
        from levels in Gen.Choose(1, Deepest)
        from shapes in Siblings(levels, spine: true)
        from orders in Gen.CollectToArray(Enumerable.Range(0, levels), level => Gen.Shuffle(Enumerable.Range(0, Count(shapes, level))))
        from gap in Gen.Choose(0, 1)
        from style in Gen.Elements([.. styles, mixed])
        from threshold in Gen.Choose(0, 1000)
        from topK in Gen.Choose(1, 12)
        let tree = Build(shapes, orders)
        let offsets = Offset(tree, gap)
        from values in Gen.ArrayOf(style, tree.Count)
        select new DecodeCase(tree, offsets, Row(tree, offsets, values), threshold / 1000.0, topK);

    private static Gen<float> Plain() => Gen.Choose(-8000, 8000).Select(v => v / 1000f);

    private static Gen<float> Tied() => Gen.Elements(0f, 1f, -0f);

    private static Gen<float> Logit() => Gen.Frequency(
        (6, Plain()),
        (2, Tied()),
        (3, Gen.Elements(1e30f, -1e30f, float.MaxValue, float.MinValue, float.NegativeInfinity, float.Epsilon, 88f, -104f)));

    /// <summary>The first branch reaches the deepest level, so that every level has labels.</summary>
    private static Gen<Shape[]> Siblings(int levels, bool spine) =>
        from width in Gen.Choose(1, Widest)
        from shapes in Gen.CollectToArray(Enumerable.Range(0, width), i => levels == 1
            ? Gen.Constant(new Shape([]))
            : spine && i == 0
                ? Siblings(levels - 1, spine: true).Select(c => new Shape(c))
                : Gen.Frequency((1, Gen.Constant(new Shape([]))), (2, Siblings(levels - 1, spine: false).Select(c => new Shape(c)))))
        select shapes;

    private static int Count(Shape[] shapes, int level) => level == 0 ? shapes.Length : shapes.Sum(s => Count(s.Children, level - 1));

    private static LabelTree Build(Shape[] shapes, int[][] orders)
    {
        var used = new int[orders.Length];
        var faults = new List<Fault>();
        var tree = LabelTree.Build([.. orders.Select((_, level) => $"level{level}")], Nodes(shapes, 0, ""), faults);
        Assert.Empty(faults);
        return tree!;

        LabelNode[] Nodes(Shape[] siblings, int level, string prefix) =>
        [
            .. siblings.Select((shape, i) =>
            {
                int index = orders[level][used[level]++];
                return new LabelNode($"{prefix}{i}", shape.Children.Length == 0 ? null : Nodes(shape.Children, level + 1, $"{prefix}{i}."), index);
            }),
        ];
    }

    private static int[] Offset(LabelTree tree, int gap)
    {
        var offsets = new int[tree.Levels.Count];
        int next = gap;
        for (int level = offsets.Length - 1; level >= 0; level--)   // heads need not come in the order of levels
        {
            offsets[level] = next;
            next += tree.NodesOfLevel[level].Length + gap;
        }
        return offsets;
    }

    private static float[] Row(LabelTree tree, int[] offsets, float[] values)
    {
        var row = new float[offsets[0] + tree.NodesOfLevel[0].Length + 1];
        Array.Fill(row, float.NaN);
        for (int node = 0; node < tree.Count; node++)
            row[offsets[tree.Level(node)] + tree.HeadIndex(node)] = values[node];
        return row;
    }

    private sealed record Shape(Shape[] Children);
}
