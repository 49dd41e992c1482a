using RnnService.Inference.Models;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Models;

public sealed class ModelsOptionsTests
{
    private readonly ModelsOptionsValidator _validator = new();

    [Fact]
    public void Validate_Defaults_AreFineWhereThereAreModels() =>
        Assert.True(_validator.Validate(null, new ModelsOptions { Root = RepositoryRoot.Models, Default = "questions" }).Succeeded);

    [Fact]
    public void Validate_DefaultThatIsNoModel_IsFault()
    {
        var result = _validator.Validate(null, new ModelsOptions { Root = RepositoryRoot.Models, Default = "answers" });
        Assert.StartsWith("Models:Default: there is no model \"answers\"", Assert.Single(result.Failures!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no/such/folder")]
    [InlineData("")]
    [InlineData(" ")]
    public void Validate_RootThatIsNoFolder_IsFault(string root) =>
        Assert.StartsWith("Models:Root:", Assert.Single(_validator.Validate(null, new ModelsOptions { Root = root }).Failures!), StringComparison.Ordinal);

    [Fact]
    public void Validate_RequiredThatIsNoModel_IsFault()
    {
        var result = _validator.Validate(null, new ModelsOptions { Root = RepositoryRoot.Models, Required = { "questions", "answers" } });
        Assert.StartsWith("Models:Required: there is no model \"answers\"", Assert.Single(result.Failures!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(1 << 30, 0)]
    [InlineData(0, 1 << 30)]
    public void Validate_TimeOutOfRange_IsFault(int scan, int stable)
    {
        var result = _validator.Validate(null, new ModelsOptions { Root = RepositoryRoot.Models, ScanMilliseconds = scan, StableMilliseconds = stable });
        Assert.Contains("out of range; use", Assert.Single(result.Failures!), StringComparison.Ordinal);
    }
}
