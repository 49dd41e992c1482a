using FsCheck;
using FsCheck.Fluent;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Tests.Taxonomy;

/// <summary>What the decoder promises, over random trees and logits; the reference is written the slow way.</summary>
public sealed class HierarchyDecoderProperties
{
    private const double Tolerance = 1e-9;
    private static readonly Config Run = Config.QuickThrowOnFailure.WithMaxTest(500).WithReplay(20260101, 7);

    [Fact]
    public void TryDecode_AnyLogits_IsFalseExactlyWhenThereIsNoDistribution() => ForAll(DecodeCase.Arbitrary, c =>
    {
        foreach (var decoding in Enum.GetValues<Decoding>())
            Assert.Equal(!c.IsUndecodable(), Decode(c, decoding, out _));
    });

    [Fact]
    public void TryDecode_NaNOrPositiveInfinity_IsFalse() => ForAll(DecodeCase.Broken, c =>
    {
        foreach (var decoding in Enum.GetValues<Decoding>())
            Assert.Equal(!c.IsUndecodable(), Decode(c, decoding, out _));
    });

    [Fact]
    public void Probability_AnyNode_IsTheSumOfItsChildrenAndEqualsTheReference() => ForAllDecodable(c =>
    {
        Decode(c, Decoding.BestPath, out var decoder);
        Assert.Equal(1, Sum(c.Tree.Children(LabelTree.Root)), Tolerance);
        for (int node = 0; node < c.Tree.Count; node++)
        {
            Assert.InRange(decoder.Probability(node), 0, 1);
            Assert.Equal(Reference(c, node), decoder.Probability(node), Tolerance);
            if (!c.Tree.Children(node).IsEmpty)
                Assert.Equal(decoder.Probability(node), Sum(c.Tree.Children(node)), Tolerance);
        }

        double Sum(ReadOnlySpan<int> nodes) => nodes.ToArray().Sum(decoder.Probability);
    });

    [Fact]
    public void Path_BestPath_IsTheMostProbableOfAllLeaves() => ForAllDecodable(c =>
    {
        Decode(c, Decoding.BestPath, out var decoder, threshold: 0);
        int best = c.Tree.Leaves.MaxBy(decoder.Probability);   // the first of equals
        AssertChain(c, decoder);
        Assert.Equal(best, decoder.Path[^1]);
        Assert.Equal(c.Tree.Leaves.Max(leaf => Reference(c, leaf)), decoder.PathProbability[^1], Tolerance);
    });

    [Fact]
    public void Path_TopDown_TakesTheMostProbableChildAtEachNode() => ForAllDecodable(c =>
    {
        Decode(c, Decoding.TopDown, out var decoder, threshold: 0);
        AssertChain(c, decoder);
        int parent = LabelTree.Root;
        foreach (int node in decoder.Path)
        {
            Assert.Equal(c.Tree.Children(parent).ToArray().MaxBy(decoder.Probability), node);
            parent = node;
        }
        Assert.True(c.Tree.Children(parent).IsEmpty);
    });

    [Fact]
    public void Probability_OneHeadOverTheLeaves_IsAlsoTheShareByLogSumExp() => ForAllDecodable(c =>
    {
        if (c.Scores.Scheme != HeadScheme.Leaves || c.Logits.Any(l => Math.Abs(l) > 1000))   // a logsumexp of larger ones is too coarse
            return;
        Decode(c, Decoding.BestPath, out var decoder);
        for (int node = 0; node < c.Tree.Count; node++)
        {
            var siblings = c.Tree.Children(c.Tree.Parent(node)).ToArray();
            double parent = c.Tree.Parent(node) == LabelTree.Root ? 1 : decoder.Probability(c.Tree.Parent(node));
            Assert.Equal(parent * Shares(siblings.Select(n => c.Logit(n)))[Array.IndexOf(siblings, node)], decoder.Probability(node), Tolerance);
        }
    });

    [Fact]
    public void Path_Independent_TakesTheMostProbableLabelOfEachLevel() => ForAllDecodable(c =>
    {
        if (c.Scores.Scheme == HeadScheme.Children)
            return;
        Decode(c, Decoding.Independent, out var decoder);
        Assert.Equal(c.Tree.Levels.Count, decoder.Path.Length);
        bool chain = true;
        for (int level = 0; level < decoder.Path.Length; level++)
        {
            var nodes = c.Tree.NodesOfLevel[level];
            var shares = Shares(nodes.Select(n => c.Logit(n)));
            int at = Array.IndexOf(nodes, decoder.Path[level]);
            Assert.Equal(shares.Max(), shares[at], Tolerance);
            Assert.Equal(shares[at], decoder.PathProbability[level], Tolerance);
            chain &= c.Tree.Parent(decoder.Path[level]) == (level == 0 ? LabelTree.Root : decoder.Path[level - 1]);
        }
        Assert.Equal(chain, decoder.Consistent);
        Assert.False(decoder.Stopped);
    });

    [Fact]
    public void Path_IndependentOfConditionalHeads_IsTopDown() => ForAllDecodable(c =>
    {
        if (c.Scores.Scheme != HeadScheme.Children)
            return;
        Decode(c, Decoding.TopDown, out var expected);
        Decode(c, Decoding.Independent, out var decoder);
        AssertChain(c, decoder);
        AssertSame(expected, decoder);
    });

    [Fact]
    public void Finish_SeveralRows_AveragesThem() => ForAllDecodable(c =>
    {
        if (Enumerable.Range(0, c.Rows.Length).Any(row => c.IsUndecodable(row)))
            return;
        foreach (var decoding in Enum.GetValues<Decoding>())
        {
            var decoder = new HierarchyDecoder(c.Scores);
            decoder.Begin(decoding);
            Assert.All(c.Rows, row => Assert.True(decoder.TryAdd(row)));
            decoder.Finish(0, c.TopK);
            for (int node = 0; node < c.Tree.Count; node++)
            {
                Assert.InRange(decoder.Probability(node), 0, 1);
                Assert.Equal(Enumerable.Range(0, c.Rows.Length).Average(row => Reference(c, node, row)), decoder.Probability(node), Tolerance);
                if (!c.Tree.Children(node).IsEmpty)
                    Assert.Equal(decoder.Probability(node), c.Tree.Children(node).ToArray().Sum(decoder.Probability), Tolerance);
            }
            Assert.Equal(c.TopK == 1 ? [] : c.Tree.Leaves.OrderByDescending(decoder.Probability).Take(c.TopK), decoder.RankedLeaves.ToArray());
            if (decoding != Decoding.Independent || c.Scores.Scheme == HeadScheme.Children)
            {
                AssertChain(c, decoder);
                continue;
            }
            for (int level = 0; level < decoder.Path.Length; level++)
            {
                var nodes = c.Tree.NodesOfLevel[level];
                var means = nodes.Select((_, i) => c.Rows.Select((_, row) => Shares(nodes.Select(n => c.Logit(n, row)))[i]).Average()).ToArray();
                Assert.Equal(means.Max(), means[Array.IndexOf(nodes, decoder.Path[level])], Tolerance);
                Assert.Equal(means.Max(), decoder.PathProbability[level], Tolerance);
            }
        }
    });

    [Fact]
    public void Finish_TheSameRowTwice_IsThatRow() => ForAllDecodable(c =>
    {
        foreach (var decoding in Enum.GetValues<Decoding>())
        {
            Decode(c, decoding, out var once);
            var twice = new HierarchyDecoder(c.Scores);
            twice.Begin(decoding);
            Assert.True(twice.TryAdd(c.Logits) && twice.TryAdd(c.Logits));
            twice.Finish(c.Threshold, c.TopK);
            AssertSame(once, twice);
        }
    });

    [Fact]
    public void RankedLeaves_AnyCount_FallWithTiesInTreeOrder() => ForAllDecodable(c =>
    {
        Decode(c, Decoding.BestPath, out var decoder);
        var expected = c.TopK == 1 ? [] : c.Tree.Leaves.OrderByDescending(decoder.Probability).Take(c.TopK);   // a stable sort
        Assert.Equal(expected, decoder.RankedLeaves.ToArray());
    });

    [Fact]
    public void Path_AnyThreshold_EndsBeforeTheFirstNodeBelowIt() => ForAllDecodable(c =>
    {
        foreach (var decoding in new[] { Decoding.BestPath, Decoding.TopDown })
        {
            Decode(c, decoding, out var whole, threshold: 0);
            Decode(c, decoding, out var cut);
            int kept = 1;
            while (kept < whole.Path.Length && whole.PathProbability[kept] >= c.Threshold)
                kept++;
            Assert.Equal(whole.Path[..kept].ToArray(), cut.Path.ToArray());
            Assert.Equal(whole.PathProbability[..kept].ToArray(), cut.PathProbability.ToArray());
            Assert.Equal(kept < whole.Path.Length, cut.Stopped);
            Assert.False(whole.Stopped);
        }
    });

    [Fact]
    public void TryDecode_AfterAnotherRow_ForgetsIt() => ForAllDecodable(c =>
    {
        var used = new HierarchyDecoder(c.Scores);
        used.TryDecode(c.Logits.Select(l => -l).ToArray(), Decoding.Independent, 1, 5);
        foreach (var decoding in Enum.GetValues<Decoding>())
        {
            Assert.True(used.TryDecode(c.Logits, decoding, c.Threshold, c.TopK));
            Decode(c, decoding, out var fresh);
            AssertSame(fresh, used);
        }
    });

    private static void AssertSame(HierarchyDecoder expected, HierarchyDecoder actual)
    {
        Assert.Equal(expected.Path.ToArray(), actual.Path.ToArray());
        Assert.Equal(expected.PathProbability.ToArray(), actual.PathProbability.ToArray());
        Assert.Equal(expected.RankedLeaves.ToArray(), actual.RankedLeaves.ToArray());
        Assert.Equal((expected.Stopped, expected.Consistent), (actual.Stopped, actual.Consistent));
    }

    private static void ForAll(Arbitrary<DecodeCase> cases, Action<DecodeCase> property) => Prop.ForAll(cases, property).Check(Run);

    private static void ForAllDecodable(Action<DecodeCase> property) => ForAll(DecodeCase.Arbitrary, c =>
    {
        if (!c.IsUndecodable())
            property(c);
    });

    private static bool Decode(DecodeCase c, Decoding decoding, out HierarchyDecoder decoder, double? threshold = null)
    {
        decoder = new HierarchyDecoder(c.Scores);
        bool decoded = decoder.TryDecode(c.Logits, decoding, threshold ?? c.Threshold, c.TopK);
        if (decoded)
            Assert.DoesNotContain(decoder.PathProbability.ToArray(), double.IsNaN);
        return decoded;
    }

    private static void AssertChain(DecodeCase c, HierarchyDecoder decoder)
    {
        Assert.True(decoder.Consistent);
        Assert.False(decoder.Path.IsEmpty);
        int parent = LabelTree.Root;
        for (int depth = 0; depth < decoder.Path.Length; depth++)
        {
            Assert.Equal(parent, c.Tree.Parent(decoder.Path[depth]));
            Assert.Equal(depth, c.Tree.Level(decoder.Path[depth]));
            Assert.Equal(decoder.Probability(decoder.Path[depth]), decoder.PathProbability[depth]);
            parent = decoder.Path[depth];
        }
    }

    /// <summary>p(node) = p(parent) p(node | parent), node by node from the root; under one head over the leaves, the sum of their softmax.</summary>
    private static double Reference(DecodeCase c, int node, int row = 0)
    {
        if (node == LabelTree.Root)
            return 1;
        if (c.Scores.Scheme == HeadScheme.Leaves)
        {
            var softmax = Shares(c.Tree.Leaves.Select(leaf => c.Logit(leaf, row)));
            return c.LeavesBelow(node).Sum(leaf => softmax[Array.IndexOf(c.Tree.Leaves, leaf)]);
        }
        var siblings = c.Tree.Children(c.Tree.Parent(node)).ToArray();
        return Reference(c, c.Tree.Parent(node), row) * Shares(siblings.Select(n => c.Logit(n, row)))[Array.IndexOf(siblings, node)];
    }

    /// <summary>Softmax, written the slow way; labels that are all impossible share equally.</summary>
    private static double[] Shares(IEnumerable<double> logits)
    {
        var all = logits.ToArray();
        return all.All(double.IsNegativeInfinity)
            ? [.. all.Select(_ => 1.0 / all.Length)]
            : [.. all.Select(l => double.IsNegativeInfinity(l) ? 0 : 1 / all.Sum(other => Math.Exp(other - l)))];
    }
}
