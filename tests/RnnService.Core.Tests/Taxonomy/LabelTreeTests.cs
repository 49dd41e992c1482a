using RnnService.Core.Taxonomy;

namespace RnnService.Core.Tests.Taxonomy;

public sealed class LabelTreeTests
{
    [Fact]
    public void Build_UnevenTree_NumbersNodesInTreeOrder()
    {
        var tree = Build(["a", "b"], new LabelNode("x", [new("x1"), new("x2")]), new LabelNode("y"), new LabelNode("z", [new("z1")]));
        Assert.Equal(["x", "x1", "x2", "y", "z", "z1"], Enumerable.Range(0, tree.Count).Select(tree.Label));
        Assert.Equal([0, 1, 1, 0, 0, 1], Enumerable.Range(0, tree.Count).Select(tree.Level));
        Assert.Equal([LabelTree.Root, 0, 0, LabelTree.Root, LabelTree.Root, 4], Enumerable.Range(0, tree.Count).Select(tree.Parent));
        Assert.All(Enumerable.Range(0, tree.Count), node => Assert.Null(tree.StatedIndex(node)));
        Assert.Equal(["/tree/0", "/tree/0/children/0", "/tree/0/children/1", "/tree/1", "/tree/2", "/tree/2/children/0"], Enumerable.Range(0, tree.Count).Select(tree.Pointer));
        Assert.Equal(["x", "x/x1", "x/x2", "y", "z", "z/z1"], Enumerable.Range(0, tree.Count).Select(tree.PathName));
        Assert.Equal([0, 3, 4], tree.Children(LabelTree.Root).ToArray());
        Assert.Equal([1, 2], tree.Children(0).ToArray());
        Assert.Equal([1, 2, 3, 5], tree.Leaves);
        Assert.Equal([0, 3, 4], tree.NodesOfLevel[0]);
        Assert.Equal([1, 2, 5], tree.NodesOfLevel[1]);
        Assert.Equal([4, 5], tree.PathTo(5, new int[2]).ToArray());
        Assert.True(tree.IsHierarchy);
    }

    [Fact]
    public void Build_StatedIndices_AreKept()
    {
        var tree = Build(["a"], new LabelNode("x", Index: 1), new LabelNode("y", Index: 0));
        Assert.Equal(1, tree.StatedIndex(0));
        Assert.Equal(0, tree.StatedIndex(1));
    }

    [Fact]
    public void Build_SameLabelInTwoLevels_IsAllowed() => Assert.Equal(2, Build(["a", "b"], new LabelNode("x", [new("x")])).Count);

    [Fact]
    public void Build_NothingAtAll_SaysWhatIsMissing()
    {
        var faults = new List<Fault>();
        Assert.Null(LabelTree.Build([], [], faults));
        Faults.AssertPointers(faults, "/levels", "/tree");
    }

    [Fact]
    public void Build_DeeperThanLevels_PointsAtTheChildren() =>
        AssertFault("/tree/1/children", "deeper", ["a"], new LabelNode("x"), new LabelNode("y", [new("z")]));

    [Fact]
    public void Build_EmptyChildrenAtTheLastLevel_IsALeaf() => Assert.Single(Build(["a"], new LabelNode("x", [])).Leaves);

    [Fact]
    public void Build_RepeatedLabelUnderOtherParent_PointsAtIt() =>
        AssertFault("/tree/1/children/0/label", "occurs twice", ["a", "b"], new LabelNode("x", [new("k")]), new LabelNode("y", [new("k")]));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void Build_EmptyLabel_PointsAtIt(string label) => AssertFault("/tree/1/label", "empty", ["a"], new LabelNode("x"), new LabelNode(label));

    [Fact]
    public void Build_RepeatedLevel_IsFault() => AssertFault("/levels", "differ", ["a", "a"], new LabelNode("x", [new("y")]));

    [Fact]
    public void Build_NegativeIndex_PointsAtIt() => AssertFault("/tree/1/index", "from 0", ["a"], new LabelNode("x"), new LabelNode("y", Index: -1));

    [Fact]
    public void Build_LevelWithoutLabels_PointsAtIt() => AssertFault("/levels/1", "No label", ["a", "b"], new LabelNode("x"));

    [Fact]
    public void Build_SeveralFaults_ListsAll()
    {
        var faults = new List<Fault>();
        Assert.Null(LabelTree.Build(["a", "a"], [new("x", [new("y", [new("z")])]), new("x"), new("")], faults));
        Faults.AssertPointers(faults, "/levels", "/tree/0/children/0/children", "/tree/1/label", "/tree/2/label");
    }

    [Fact]
    public void Flat_Head_NamesLabelsByIndex()
    {
        var tree = LabelTree.Flat("out", 3);
        Assert.Equal(["out"], tree.Levels);
        Assert.Equal(["out:0", "out:1", "out:2"], Enumerable.Range(0, 3).Select(tree.Label));
        Assert.Equal([0, 1, 2], tree.Leaves);
    }

    [Fact]
    public void Unrelated_Heads_GiveALevelEach()
    {
        var tree = LabelTree.Unrelated([("p", 2), ("q", 3)]);
        Assert.False(tree.IsHierarchy);
        Assert.Equal(["p", "q"], tree.Levels);
        Assert.Equal(["p:0", "p:1", "q:0", "q:1", "q:2"], Enumerable.Range(0, 5).Select(tree.Label));
        Assert.Equal([2, 3, 4], tree.Leaves);
        Assert.Equal([3], tree.PathTo(3, new int[2]).ToArray());
    }

    private static LabelTree Build(string[] levels, params LabelNode[] roots)
    {
        var faults = new List<Fault>();
        var tree = LabelTree.Build(levels, roots, faults);
        Assert.Empty(faults);
        return tree!;
    }

    private static void AssertFault(string pointer, string part, string[] levels, params LabelNode[] roots)
    {
        var faults = new List<Fault>();
        Assert.Null(LabelTree.Build(levels, roots, faults));
        Faults.AssertSingle(faults, pointer, part);
    }
}
