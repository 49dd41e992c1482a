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

    [Fact]
    public void TryDecode_MassSpreadOverLeaves_BestPathAndTopDownDiffer()
    {
        var decoder = new HierarchyDecoder(Split, [0, 2]);
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
        var decoder = new HierarchyDecoder(Split, [0, 2]);
        Assert.True(decoder.TryDecode(SplitLogits, Decoding.Independent, 0, 1));
        Assert.Equal(["a", "b1"], Labels(Split, decoder.Path));
        Assert.False(decoder.Consistent);
    }

    [Fact]
    public void TryDecode_ThresholdAboveEverything_StillAnswersTheCoarsestLevel()
    {
        var decoder = new HierarchyDecoder(Split, [0, 2]);
        Assert.True(decoder.TryDecode(SplitLogits, Decoding.TopDown, 1, 1));
        Assert.Equal(["a"], Labels(Split, decoder.Path));
        Assert.True(decoder.Stopped);
    }

    [Fact]
    public void TryDecode_EqualLogits_TakesTheFirstInTreeOrder()
    {
        var tree = LabelTree.Build(["l"], [new("x", Index: 2), new("y", Index: 1), new("z", Index: 0)], [])!;
        var decoder = new HierarchyDecoder(tree, [0]);
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
        var decoder = new HierarchyDecoder(tree, [0, 2]);
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
            var decoder = new HierarchyDecoder(tree, [0, width]);
            Assert.True(decoder.TryDecode(logits, Decoding.BestPath, 0, tree.Leaves.Length));
            foreach (int leaf in tree.Leaves)
            {
                double siblings = tree.Children(tree.Parent(leaf)).ToArray().Sum(n => Math.Max(1e-12, entry.Fine[tree.HeadIndex(n)]));
                double expected = entry.Coarse[tree.HeadIndex(tree.Parent(leaf))] * Math.Max(1e-12, entry.Fine[tree.HeadIndex(leaf)]) / siblings;
                Assert.Equal(expected, decoder.Probability(leaf), 1e-5);
            }
        });
    }

    private static float Log(double p) => (float)Math.Log(Math.Max(1e-12, p));

    private static IEnumerable<string> Labels(LabelTree tree, ReadOnlySpan<int> nodes) => nodes.ToArray().Select(tree.Label);
}
