using FsCheck;
using FsCheck.Fluent;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.Core.Tests.Taxonomy;

namespace RnnService.Core.Tests.Manifests;

public sealed class HeadAssignmentTests
{
    /// <summary>2 coarse labels, 3 fine ones; 4 leaves, 6 labels.</summary>
    private static readonly LabelTree Tree = Build(["coarse", "fine"], new("a", [new("a1"), new("a2"), new("a3")]), new("b", [new("b1")]));

    /// <summary>The label "x" occurs in every level.</summary>
    private static readonly LabelTree Repeated = Build(
        ["l0", "l1", "l2"], new("x", [new("y", [new("p"), new("q")]), new("x", [new("r"), new("s")])]), new("z", [new("w"), new("v")]));

    [Fact]
    public void Find_AnyStatedHeads_GivesEveryLabelItsLogit() => Prop.ForAll(DecodeCase.Arbitrary, c =>
    {
        var faults = new List<Fault>();
        var scores = HeadAssignment.Find(c.Tree, c.Heads, c.Graph, faults);
        Assert.Empty(faults);
        Assert.Equal(c.Scores.Scheme, scores!.Scheme);
        for (int node = 0; node < c.Tree.Count; node++)
        {
            Assert.Equal(c.Scores.Position(node), scores.Position(node));
            Assert.Equal(c.Scores.Index(node), scores.Index(node));
        }
    }).Check(Config.QuickThrowOnFailure.WithReplay(20260102, 7));

    [Fact]
    public void Find_AHeadALevelAndNoManifest_PairsThemInOrder() => AssertPositions([0, 2, 3, 4, 1, 5], HeadScheme.Levels, Tree, null, ("p", 2), ("q", 4));

    [Fact]
    public void Find_OutputsNamedAsLevels_PairsThemByName() => AssertPositions([4, 0, 1, 2, 5, 3], HeadScheme.Levels, Tree, null, ("fine", 4), ("coarse", 2));

    [Fact]
    public void Find_OneHeadAsWideAsTheLeaves_ScoresLeaves() => AssertPositions([-1, 0, 1, 2, -1, 3], HeadScheme.Leaves, Tree, null, ("out", 4));

    [Fact]
    public void Find_OneHeadAsWideAsTheTree_ScoresAllLabels() => AssertPositions([0, 1, 2, 3, 4, 5], HeadScheme.Nodes, Tree, null, ("out", 6));

    [Fact]
    public void Find_HeadsOfWhichNothingIsSaid_AreInferredInTheirOrder() =>
        AssertPositions([4, 0, 1, 2, 5, 3], HeadScheme.Levels, Tree, [new("q"), new("p")], ("p", 4), ("q", 2));

    [Fact]
    public void Find_OutputThatNoStatedHeadNames_ScoresNothingButKeepsItsPlace() =>
        AssertPositions([-1, 3, 4, 5, -1, 6], HeadScheme.Leaves, Tree, [new("out")], ("attention", 3), ("out", 4));

    [Fact]
    public void Find_NoLabelTree_TakesHeadsAsTheyAre()
    {
        AssertPositions([0, 1, 2], HeadScheme.Levels, LabelTree.Flat("out", 3), null, ("out", 3));
        AssertPositions([0, 1, 2, 3, 4], HeadScheme.Levels, LabelTree.Unrelated([("p", 2), ("q", 3)]), null, ("p", 2), ("q", 3));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("")]
    public void Find_ConditionalHeads_AreFoundByLabelOrPath(string root) => AssertPositions(
        [8, 0, 4, 5, 1, 2, 3, 9, 6, 7],
        HeadScheme.Children,
        Repeated,
        [new("top", ChildrenOf: root), new("a", ChildrenOf: "x"), new("b", ChildrenOf: "x/x"), new("c", ChildrenOf: "x/y"), new("d", ChildrenOf: "z")],
        ("a", 2), ("b", 2), ("c", 2), ("d", 2), ("top", 2));

    [Fact]
    public void Find_OnlyChildWithoutAHead_NeedsNone() => AssertPositions(
        [0, 2, 3, 4, 1, -1], HeadScheme.Children, Tree, [new("top", ChildrenOf: ""), new("a", ChildrenOf: "a")], ("top", 2), ("a", 3));

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    public void Find_OneHeadOfAnotherWidth_StatesBothSides(int width)
    {
        var fault = AssertFault("/heads", Tree, null, ("out", width));
        Assert.Contains("6 labels, 4 of them leaves, in 2 level(s) (\"coarse\" with 2, \"fine\" with 4)", fault, StringComparison.Ordinal);
        Assert.Contains($"1 head(s) (\"out\" {width} wide)", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_MoreHeadsThanLevels_StatesBothSides() =>
        Assert.Contains("\"p\" 2 wide, \"q\" 4 wide, \"r\" 6 wide", AssertFault("/heads", Tree, null, ("p", 2), ("q", 4), ("r", 6)), StringComparison.Ordinal);

    [Fact]
    public void Find_NoHead_StatesBothSides() => Assert.Contains("0 head(s)", AssertFault("/heads", Tree, null), StringComparison.Ordinal);

    [Fact]
    public void Find_HeadNarrowerThanItsLevel_StatesBothWidths() =>
        Assert.Equal("The output \"q\" is 3 wide, but the level \"fine\" of labels.json has 4 labels; they must be as many.", AssertFault("/heads", Tree, null, ("p", 2), ("q", 3)));

    [Fact]
    public void Find_StatedOutputThatTheGraphLacks_ListsThoseItHas() =>
        Assert.Contains("\"o\" and the graph's heads are \"out\" 4 wide", AssertFault("/heads/0/output", Tree, [new("o")], ("out", 4)), StringComparison.Ordinal);

    [Fact]
    public void Find_StatedLevelThatTheTreeLacks_ListsThoseItHas()
    {
        var faults = new List<Fault>();
        Assert.Null(HeadAssignment.Find(Tree, [new("p", "coarse"), new("q", "finest")], [("p", 2), ("q", 4)], faults));
        Faults.AssertPointers(faults, "/heads/1/level", "/heads");
        Assert.Contains("2 level(s), \"coarse\", \"fine\", and none named \"finest\", which the output \"q\" is said to score", faults[0].Detail, StringComparison.Ordinal);
        Assert.Contains("the level \"fine\" of labels.json; the heads score \"coarse\", \"finest\"", faults[1].Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ScoredLabels.Leaves, 6, "labels.json has 4 leaves")]
    [InlineData(ScoredLabels.Nodes, 4, "labels.json has 6 labels in all")]
    public void Find_StatedHeadOfAnotherWidth_StatesBothWidths(ScoredLabels scores, int width, string part) =>
        Assert.Contains($"\"out\" is {width} wide, but {part}", AssertFault("/heads/0", Tree, [new("out", Scores: scores)], ("out", width)), StringComparison.Ordinal);

    [Theory]
    [InlineData("c", "no label \"c\"; the labels that divide are \"a\", \"b\"")]
    [InlineData("a1", "\"a\" is said to score the children of \"a1\", which has none")]
    [InlineData("/", "The children of the root are scored by the outputs \"top\" and \"a\"")]
    public void Find_LabelWithoutChildren_PointsAtTheHead(string label, string part)
    {
        var faults = new List<Fault>();
        Assert.Null(HeadAssignment.Find(Tree, [new("top", ChildrenOf: ""), new("a", ChildrenOf: label)], [("top", 2), ("a", 3)], faults));
        Faults.AssertPointers(faults, "/heads/1/children_of", "/heads");
        Assert.Contains(part, faults[0].Detail, StringComparison.Ordinal);
        Assert.Contains("the 3 children of \"a\"", faults[1].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_LabelOfSeveralLevels_AsksForThePath()
    {
        var tree = Build(["l0", "l1", "l2"], new("a", [new("k", [new("p"), new("q")])]), new("b", [new("m", [new("k")])]));
        var faults = new List<Fault>();
        Assert.Null(HeadAssignment.Find(tree, [new("top", ChildrenOf: ""), new("k", ChildrenOf: "k")], [("top", 2), ("k", 2)], faults));
        Faults.AssertPointers(faults, "/heads/1/children_of", "/heads");
        Assert.Contains("\"a/k\", \"b/m/k\"", faults[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_ConditionalHeadOfAnotherWidth_StatesBothWidths() =>
        Assert.Contains(
            "\"a\" is 2 wide, but \"a\" of labels.json has 3 children",
            AssertFault("/heads/1", Tree, [new("top", ChildrenOf: ""), new("a", ChildrenOf: "a")], ("top", 2), ("a", 2)),
            StringComparison.Ordinal);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(null, 0)]
    [InlineData(1, null)]
    public void Find_IndexTwice_PointsAtTheSecond(int? first, int? second)
    {
        var tree = Build(["l"], new LabelNode("x", Index: first), new LabelNode("y", Index: second));
        Assert.Contains("which \"x\" has already", AssertFault(second is null ? "/tree/1" : "/tree/1/index", tree, null, ("out", 2)), StringComparison.Ordinal);
    }

    [Fact]
    public void Find_IndexOutsideTheHead_PointsAtIt() =>
        Assert.Contains("the indices 0 to 1", AssertFault("/tree/0/index", Build(["l"], new LabelNode("x", Index: 2), new LabelNode("y")), null, ("out", 2)), StringComparison.Ordinal);

    [Fact]
    public void Find_IndexOfALabelThatIsSummed_PointsAtIt()
    {
        var tree = Build(["l0", "l1"], new LabelNode("x", [new("p"), new("q")], Index: 0));
        Assert.Contains("scores leaves only", AssertFault("/tree/0/index", tree, null, ("out", 2)), StringComparison.Ordinal);
    }

    [Fact]
    public void Find_HeadsWithoutALabelTreeThatAreSaidToBelongTogether_IsFault() =>
        Assert.Contains("add labels.json", AssertFault("/heads", LabelTree.Unrelated([("p", 2), ("q", 3)]), [new("q", Scores: ScoredLabels.Leaves)], ("p", 2), ("q", 3)), StringComparison.Ordinal);

    private static void AssertPositions(int[] expected, HeadScheme scheme, LabelTree tree, HeadManifest[]? stated, params (string, int)[] heads)
    {
        var faults = new List<Fault>();
        var scores = HeadAssignment.Find(tree, stated, heads, faults);
        Assert.Empty(faults);
        Assert.Equal(scheme, scores!.Scheme);
        Assert.Equal(expected, Enumerable.Range(0, tree.Count).Select(scores.Position));
    }

    private static string AssertFault(string pointer, LabelTree tree, HeadManifest[]? stated, params (string, int)[] heads)
    {
        var faults = new List<Fault>();
        Assert.Null(HeadAssignment.Find(tree, stated, heads, faults));
        Faults.AssertPointers(faults, pointer);
        return faults[0].Detail;
    }

    private static LabelTree Build(string[] levels, params LabelNode[] roots)
    {
        var faults = new List<Fault>();
        var tree = LabelTree.Build(levels, roots, faults);
        Assert.Empty(faults);
        return tree!;
    }
}
