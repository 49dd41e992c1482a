using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.TestData;

namespace RnnService.Core.Tests.Manifests;

public sealed class LabelsDocumentTests
{
    private const string Good = """{"levels":["a","b"],"tree":[{"label":"x","children":[{"label":"x1","index":1},{"label":"x2","index":0}]},{"label":"y"}]}""";

    [Fact]
    public void Parse_ShippedLabels_GivesTree()
    {
        var faults = new List<Fault>();
        var tree = LabelsDocument.Parse(File.ReadAllBytes(RepositoryRoot.Combine("models", "questions", "1", "labels.json")), faults);
        Assert.Empty(faults);
        Assert.Equal(["coarse", "fine"], tree!.Levels);
        Assert.Equal(GoldenFile.Entries[0].Coarse.Length, tree.NodesOfLevel[0].Length);
        Assert.Equal(GoldenFile.Entries[0].Fine.Length, tree.NodesOfLevel[1].Length);
    }

    [Fact]
    public void Of_ParsedTree_IsTheSameTreeWithIndices()
    {
        var tree = Parse(Good, out var faults);
        Assert.Empty(faults);
        var document = LabelsDocument.Of(tree!);
        Assert.Equal(["a", "b"], document.Levels);
        Assert.Equal(["x", "y"], document.Tree.Select(n => n.Label));
        Assert.Equal([1, 0], document.Tree[0].Children!.Select(n => n.Index!.Value));
        Assert.Null(document.Tree[1].Children);
    }

    [Theory]
    [InlineData("null", "labels.json is null")]
    [InlineData("", "labels.json")]
    [InlineData("[]", "labels.json")]
    [InlineData("""{"levels":["a"]}""", "tree")]
    [InlineData("""{"tree":[]}""", "levels")]
    [InlineData("""{"levels":["a"],"tree":[{"label":"x","colour":"red"}]}""", "colour")]
    [InlineData("""{"levels":["a"],"levels":["a"],"tree":[{"label":"x"}]}""", "levels")]
    [InlineData("""{"levels":"a","tree":[{"label":"x"}]}""", "$.levels")]
    [InlineData("""{"levels":["a"],"tree":[{"label":7}]}""", "$.tree[0].label")]
    [InlineData("""{"levels":["a"],"tree":[{}]}""", "label")]
    [InlineData("""{"levels":["a"],"tree":[{"label":null}]}""", "label")]
    [InlineData("""{"levels":["a"],"tree":[{"label":"x","index":1.5}]}""", "$.tree[0].index")]
    [InlineData("""{"levels":null,"tree":[{"label":"x"}]}""", "levels")]
    [InlineData("""{"levels":["a"],"tree":[{"label":"x"}]""", "labels.json")]
    public void Parse_UnreadableDocument_IsOneFaultThatNamesThePlace(string json, string part)
    {
        Assert.Null(Parse(json, out var faults));
        Faults.AssertSingle(faults, "", part);
    }

    [Theory]
    [InlineData("""{"levels":[null],"tree":[{"label":"x"}]}""")]
    [InlineData("""{"levels":["a"],"tree":[null]}""")]
    [InlineData("""{"levels":["a","b"],"tree":[{"label":"x","children":[null]}]}""")]
    public void Parse_NullInAList_IsFault(string json)
    {
        Assert.Null(Parse(json, out var faults));
        Assert.NotEmpty(faults);
    }

    [Fact]
    public void Parse_SeveralFaultsInTheTree_ListsAll()
    {
        Assert.Null(Parse("""{"levels":["a","a"],"tree":[{"label":""},{"label":"x"},{"label":"x"}]}""", out var faults));
        Faults.AssertPointers(faults, "/levels", "/tree/0/label", "/tree/2/label");
    }

    private static LabelTree? Parse(string json, out List<Fault> faults) =>
        LabelsDocument.Parse(System.Text.Encoding.UTF8.GetBytes(json), faults = []);
}
