using RnnService.Inference.Models;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Models;

public sealed class ModelLoadingTests(BrokenModels models) : IClassFixture<BrokenModels>
{
    [Theory]
    [MemberData(nameof(BrokenModels.All), MemberType = typeof(BrokenModels))]
    public void Load_BrokenModel_FailsWithTheReason(string model, string[] parts)
    {
        var version = models.Running.Only(model);
        Assert.Equal(ModelState.Failed, version.State);
        Assert.Null(version.Model);
        Assert.All(parts, part => Assert.Contains(part, version.Reason, StringComparison.Ordinal));
        Assert.Equal(LookupResult.Failed, models.Running.Repository.Find(model, null).Result);
    }

    [Fact]
    public async Task Load_BrokenModelsAround_SoundOneServes()
    {
        Assert.False(models.Running.HostStops);
        Assert.True(models.Running.Repository.Ready);
        var entry = GoldenFile.Entries[0];
        var model = models.Running.Repository.Find(BrokenModels.Sound, null).Model!.Classifier!;
        Engine.AssertClose([.. entry.Coarse, .. entry.Fine], (await Engine.ProbabilitiesAsync(model, [entry.Ids]))[0], 1e-5);
    }

    [Fact]
    public void Load_BrokenModels_CoversEveryFolder() =>
        Assert.Equal(BrokenModels.All.Count + 1, models.Running.Repository.All.Count());
}
