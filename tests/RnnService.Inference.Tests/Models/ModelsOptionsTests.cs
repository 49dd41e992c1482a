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
}
