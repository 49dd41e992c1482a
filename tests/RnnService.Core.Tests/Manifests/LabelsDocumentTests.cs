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
        var document = LabelsDocument.Of(ScoreMap.PerLevel(tree!, [0, 2]));
        Assert.Equal(["a", "b"], document.Levels);
        Assert.Equal(["x", "y"], document.Tree.Select(n => n.Label));
        Assert.Equal([1, 0], document.Tree[0].Children!.Select(n => n.Index!.Value));
        Assert.Null(document.Tree[1].Children);
    }

    [Fact]
    public void Of_OneHeadOverTheLeaves_GivesIndicesToLeavesOnly()
    {
        var tree = Parse(Good, out _)!;
        var document = LabelsDocument.Of(HeadAssignment.Find(tree, null, [("out", 3)], [])!);
        Assert.Null(document.Tree[0].Index);
        Assert.Equal([1, 0], document.Tree[0].Children!.Select(n => n.Index!.Value));
        Assert.Equal(2, document.Tree[1].Index);
    }

    [Fact]
    public void Parse_SchemaField_IsAllowed()
    {
        Assert.NotNull(Parse("""{"$schema":"labels.schema.json","levels":["a"],"tree":[{"label":"x"}]}""", out var faults));
        Assert.Empty(faults);
    }

    [Theory]
    [InlineData("null", "", "labels.json is null")]
    [InlineData("", "", "labels.json cannot be read as JSON")]
    [InlineData("[]", "", "labels.json is a list")]
    [InlineData("""{"levels":["a"],"levels":["a"],"tree":[{"label":"x"}]}""", "", "levels")]
    [InlineData("""{"levels":["a"],"tree":[{"label":"x"}]""", "", "labels.json")]
    [InlineData("""{"levels":["a"]}""", "/tree", "missing")]
    [InlineData("""{"tree":[]}""", "/levels", "missing")]
    [InlineData("""{"levels":["a"],"tree":[{"label":"x","colour":"red"}]}""", "/tree/0/colour", "label, children, index")]
    [InlineData("""{"levels":"a","tree":[{"label":"x"}]}""", "/levels", "a list")]
    [InlineData("""{"levels":["a"],"tree":[{"label":7}]}""", "/tree/0/label", "a text")]
    [InlineData("""{"levels":["a"],"tree":[{}]}""", "/tree/0/label", "missing")]
    [InlineData("""{"levels":["a"],"tree":[{"label":null}]}""", "/tree/0/label", "not null")]
    [InlineData("""{"levels":["a"],"tree":[{"label":"x","index":1.5}]}""", "/tree/0/index", "a whole number")]
    [InlineData("""{"levels":["a"],"tree":[{"label":"x","index":-1}]}""", "/tree/0/index", "at least 0")]
    [InlineData("""{"levels":null,"tree":[{"label":"x"}]}""", "/levels", "not null")]
    [InlineData("""{"levels":[null],"tree":[{"label":"x"}]}""", "/levels/0", "not null")]
    [InlineData("""{"levels":["a"],"tree":[null]}""", "/tree/0", "not null")]
    [InlineData("""{"levels":["a","b"],"tree":[{"label":"x","children":[null]}]}""", "/tree/0/children/0", "not null")]
    public void Parse_UnreadableDocument_IsOneFaultThatNamesThePlace(string json, string pointer, string part)
    {
        Assert.Null(Parse(json, out var faults));
        Faults.AssertSingle(faults, pointer, part);
    }

    [Fact]
    public void Parse_SeveralUnreadableParts_ListsAll()
    {
        Assert.Null(Parse("""{"levels":["a",1],"tree":[{"label":"x","children":[{"lable":"y"}]}],"name":"z"}""", out var faults));
        Faults.AssertPointers(faults, "/levels/1", "/tree/0/children/0/lable", "/tree/0/children/0/label", "/name");
    }

    [Fact]
    public void Parse_SeveralFaultsInTheTree_ListsAll()
    {
        Assert.Null(Parse("""{"levels":["a","a"],"tree":[{"label":" "},{"label":"x","children":[{"label":"k"}]},{"label":"x"}]}""", out var faults));
        Faults.AssertPointers(faults, "/levels", "/tree/0/label", "/tree/2/label");
    }

    private static LabelTree? Parse(string json, out List<Fault> faults) =>
        LabelsDocument.Parse(System.Text.Encoding.UTF8.GetBytes(json), faults = []);
}
