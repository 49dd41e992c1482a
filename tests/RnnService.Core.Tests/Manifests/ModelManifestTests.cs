using System.Text;
using RnnService.Core.Manifests;
using RnnService.TestData;

namespace RnnService.Core.Tests.Manifests;

public sealed class ModelManifestTests
{
    [Fact]
    public void Parse_ShippedManifest_IsValid()
    {
        var faults = new List<Fault>();
        var manifest = ModelManifest.Parse(File.ReadAllBytes(RepositoryRoot.Combine("models", "questions", "1", "model.json")), faults);
        Assert.Empty(faults);
        Assert.Equal(["coarse", "fine"], manifest!.Heads!.Select(h => h.Level));
        Assert.Equal("words", manifest.Tokenizer!.Kind);
    }

    [Fact]
    public void Parse_EmptyObject_LeavesEverythingOpen()
    {
        var faults = new List<Fault>();
        Assert.Equal(new ModelManifest(), ModelManifest.Parse("{}"u8, faults));
        Assert.Empty(faults);
    }

    [Fact]
    public void Parse_EveryField_IsRead()
    {
        var manifest = ModelManifest.Parse("""
            {"description":"d","input":"i","lengths":"l","heads":[{"output":"o","level":"v"}],"tokenizer":{"kind":"words"},"decoding":"top_down","threshold":0.5,"max_length":9}
            """u8, []);
        Assert.Equal("d", manifest!.Description);
        Assert.Equal("i", manifest.Input);
        Assert.Equal("l", manifest.Lengths);
        Assert.Equal(new HeadManifest("o", "v"), Assert.Single(manifest.Heads!));
        Assert.Equal(new TokenizerManifest("words"), manifest.Tokenizer);
        Assert.Equal("top_down", manifest.Decoding);
        Assert.Equal(0.5, manifest.Threshold);
        Assert.Equal(9, manifest.MaxLength);
    }

    [Theory]
    [InlineData("null", "model.json is null")]
    [InlineData("", "model.json")]
    [InlineData("[1]", "model.json")]
    [InlineData("""{"max_lenght":9}""", "max_lenght")]
    [InlineData("""{"MaxLength":9}""", "MaxLength")]
    [InlineData("""{"input":"a","input":"b"}""", "input")]
    [InlineData("""{"threshold":"0.5"}""", "$.threshold")]
    [InlineData("""{"max_length":1.5}""", "$.max_length")]
    [InlineData("""{"heads":{}}""", "$.heads")]
    [InlineData("""{"heads":[{"level":"x"}]}""", "output")]
    [InlineData("""{"heads":[{"output":null}]}""", "output")]
    [InlineData("""{"heads":[{"output":"x","weight":1}]}""", "weight")]
    [InlineData("""{"tokenizer":{}}""", "kind")]
    public void Parse_UnreadableDocument_IsOneFaultThatNamesThePlace(string json, string part)
    {
        Assert.Null(Parse(json, out var faults));
        Faults.AssertSingle(faults, "", part);
    }

    [Fact]
    public void Parse_SeveralValuesOutOfRange_ListsAll()
    {
        const string json = """
            {"decoding":"best","threshold":1.5,"max_length":0,"tokenizer":{"kind":"bytes"},
             "heads":[{"output":"o","level":"v"},{"output":""},{"output":"o","level":"v"}]}
            """;
        Assert.Null(Parse(json, out var faults));
        Faults.AssertPointers(faults, "/decoding", "/threshold", "/max_length", "/tokenizer/kind", "/heads/1/output", "/heads/2/output", "/heads/2/level");
        Assert.Contains("best_path, top_down, independent", faults[0].Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-0.1")]
    [InlineData("1e999")]
    [InlineData("-1e999")]
    public void Parse_ThresholdThatIsNoProbability_IsFault(string threshold)
    {
        Assert.Null(Parse($$"""{"threshold":{{threshold}}}""", out var faults));
        Faults.AssertSingle(faults, "/threshold", "0 to 1");
    }

    [Fact]
    public void Parse_NullInTheHeads_IsFault()
    {
        Assert.Null(Parse("""{"heads":[null]}""", out var faults));
        Assert.NotEmpty(faults);
    }

    private static ModelManifest? Parse(string json, out List<Fault> faults) => ModelManifest.Parse(Encoding.UTF8.GetBytes(json), faults = []);
}
