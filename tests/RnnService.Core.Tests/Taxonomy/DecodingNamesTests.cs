using RnnService.Core.Taxonomy;

namespace RnnService.Core.Tests.Taxonomy;

public sealed class DecodingNamesTests
{
    [Theory]
    [InlineData(Decoding.BestPath, "best_path")]
    [InlineData(Decoding.TopDown, "top_down")]
    [InlineData(Decoding.Independent, "independent")]
    public void Parse_Name_GivesItBack(Decoding decoding, string name)
    {
        Assert.Equal(decoding, DecodingNames.Parse(name));
        Assert.Equal(name, decoding.Name());
        Assert.Contains(name, DecodingNames.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Best_Path")]
    public void Parse_OtherName_IsNull(string? name) => Assert.Null(DecodingNames.Parse(name));
}
