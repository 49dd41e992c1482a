using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.TestData;

namespace RnnService.Core.Tests.Taxonomy;

public sealed class HierarchyDecoderTests
{
    /// <summary>Two coarse labels; the more probable one has its mass spread over three leaves.</summary>
    private static readonly LabelTree Split = LabelTree.Build(
        ["coarse", "fine"], [new("a", [new("a1"), new("a2"), new("a3")]), new("b", [new("b1")])], [])!;

    private static readonly float[] SplitLogits = [Log(0.6), Log(0.4), Log(0.4), Log(0.3), Log(0.3), 0];

    private const float Never = float.NegativeInfinity;

    [Fact]
    public void TryDecode_MassSpreadOverLeaves_BestPathAndTopDownDiffer()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(Split, [0, 2]));
        Assert.True(decoder.TryDecode(SplitLogits, Decoding.BestPath, 0, 2));
        Assert.Equal(["b", "b1"], Labels(Split, decoder.Path));
        Assert.Equal([0.4, 0.4], decoder.PathProbability.ToArray().Select(p => Math.Round(p, 6)));
        Assert.Equal(["b1", "a1"], Labels(Split, decoder.RankedLeaves));

        Assert.True(decoder.TryDecode(SplitLogits, Decoding.TopDown, 0, 1));
        Assert.Equal(["a", "a1"], Labels(Split, decoder.Path));
        Assert.Equal([0.6, 0.24], decoder.PathProbability.ToArray().Select(p => Math.Round(p, 6)));
    }

    [Fact]
    public void TryDecode_Independent_MayContradictItselfAndSaysSo()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(Split, [0, 2]));
        Assert.True(decoder.TryDecode(SplitLogits, Decoding.Independent, 0, 1));
        Assert.Equal(["a", "b1"], Labels(Split, decoder.Path));
        Assert.False(decoder.Consistent);
    }

    [Fact]
    public void TryDecode_ThresholdAboveEverything_StillAnswersTheCoarsestLevel()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(Split, [0, 2]));
        Assert.True(decoder.TryDecode(SplitLogits, Decoding.TopDown, 1, 1));
        Assert.Equal(["a"], Labels(Split, decoder.Path));
        Assert.True(decoder.Stopped);
    }

    [Fact]
    public void TryDecode_EqualLogits_TakesTheFirstInTreeOrder()
    {
        var tree = LabelTree.Build(["l"], [new("x", Index: 2), new("y", Index: 1), new("z", Index: 0)], [])!;
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(tree, [0]));
        foreach (var decoding in Enum.GetValues<Decoding>())
        {
            Assert.True(decoder.TryDecode([5, 5, 5], decoding, 0, 3));
            Assert.Equal(["x"], Labels(tree, decoder.Path));
            Assert.Equal(["x", "y", "z"], Labels(tree, decoder.RankedLeaves));
        }
    }

    [Fact]
    public void TryDecode_UnrelatedHeads_AnswersEachByItself()
    {
        var tree = LabelTree.Unrelated([("p", 2), ("q", 3)]);
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(tree, [0, 2]));
        Assert.True(decoder.TryDecode([0, 1, 3, 0, 0], Decoding.Independent, 0, 2));
        Assert.Equal(["p:1", "q:0"], Labels(tree, decoder.Path));
        Assert.Equal(["q:0", "q:1"], Labels(tree, decoder.RankedLeaves));
    }

    [Fact]
    public void TryDecode_GoldenProbabilities_GivesCoarseTimesShareOfFine()
    {
        var tree = LabelsDocument.Parse(File.ReadAllBytes(RepositoryRoot.Combine("models", "questions", "1", "labels.json")), [])!;
        Assert.All(GoldenFile.Entries, entry =>
        {
            int width = entry.Coarse.Length;
            float[] logits = [.. entry.Coarse.Concat(entry.Fine).Select(Log)];
            var scores = ScoreMap.PerLevel(tree, [0, width]);
            var decoder = new HierarchyDecoder(scores);
            Assert.True(decoder.TryDecode(logits, Decoding.BestPath, 0, tree.Leaves.Length));
            foreach (int leaf in tree.Leaves)
            {
                double siblings = tree.Children(tree.Parent(leaf)).ToArray().Sum(n => Math.Max(1e-12, entry.Fine[scores.Index(n)!.Value]));
                double expected = entry.Coarse[scores.Index(tree.Parent(leaf))!.Value] * Math.Max(1e-12, entry.Fine[scores.Index(leaf)!.Value]) / siblings;
                Assert.Equal(expected, decoder.Probability(leaf), 1e-5);
            }
        });
    }

    [Fact]
    public void TryDecode_FinerLabelsThatAllUnderflowed_ShareTheirParentEqually()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(Split, [0, 2]));
        Assert.True(decoder.TryDecode([Log(0.9), Log(0.1), Never, Never, Never, 0], Decoding.BestPath, 0, 4));
        Assert.Equal(["a", "a1"], Labels(Split, decoder.Path));
        Assert.Equal([0.3, 0.3, 0.3, 0.1], decoder.RankedLeaves.ToArray().Select(leaf => Math.Round(decoder.Probability(leaf), 6)));
    }

    [Fact]
    public void TryDecode_CoarsestLabelsThatAllUnderflowed_IsFalse()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(Split, [0, 2]));
        foreach (var decoding in Enum.GetValues<Decoding>())
            Assert.False(decoder.TryDecode([Never, Never, 0, 0, 0, 0], decoding, 0, 1));
    }

    [Fact]
    public void TryDecode_UnrelatedHeadThatUnderflowed_IsFalse()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(LabelTree.Unrelated([("p", 2), ("q", 2)]), [0, 2]));
        Assert.False(decoder.TryDecode([Never, Never, 0, 0], Decoding.Independent, 0, 1));
        Assert.False(decoder.TryDecode([0, 0, Never, Never], Decoding.Independent, 0, 1));
    }

    [Fact]
    public void Finish_TwoWindows_AveragesProbabilitiesAndNotLogits()
    {
        var tree = LabelTree.Flat("out", 2);
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(tree, [0]));
        decoder.Begin(Decoding.BestPath);
        Assert.True(decoder.TryAdd([Log(0.99), Log(0.01)]));
        Assert.True(decoder.TryAdd([Log(0.4), Log(0.6)]));
        decoder.Finish(0, 2);
        Assert.Equal(["out:0"], Labels(tree, decoder.Path));
        Assert.Equal(0.695, decoder.PathProbability[0], 1e-6);
    }

    [Fact]
    public void Finish_NoWindow_IsAnError()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(Split, [0, 2]));
        decoder.Begin(Decoding.BestPath);
        Assert.Throws<InvalidOperationException>(() => decoder.Finish(0, 1));
    }

    [Fact]
    public void TryDecode_OnAUsedDecoder_AllocatesNothing()
    {
        var decoder = new HierarchyDecoder(ScoreMap.PerLevel(Split, [0, 2]));
        foreach (var decoding in Enum.GetValues<Decoding>())
        {
            Assert.True(decoder.TryDecode(SplitLogits, decoding, 0, 3));
            long before = GC.GetAllocatedBytesForCurrentThread();
            decoder.TryDecode(SplitLogits, decoding, 0, 3);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void ScoreMap_LabelWithoutALogitThatNeedsOne_IsAnError() =>
        Assert.Throws<ArgumentException>(() => new ScoreMap(Split, HeadScheme.Nodes, [0, 0, 0, ScoreMap.None, 0, 0], [0, 1, 2, 3, 4, 5]));

    private static float Log(double p) => (float)Math.Log(Math.Max(1e-12, p));

    private static IEnumerable<string> Labels(LabelTree tree, ReadOnlySpan<int> nodes) => nodes.ToArray().Select(tree.Label);
}
