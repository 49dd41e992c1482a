using RnnService.Inference.Models;
using RnnService.Inference.Tests.Models;
using RnnService.TestData;

[assembly: AssemblyFixture(typeof(ShippedModels))]

namespace RnnService.Inference.Tests.Models;

/// <summary>The repository's own models, loaded once.</summary>
public sealed class ShippedModels : IAsyncLifetime
{
    private RunningRepository? _running;

    public ModelRepository Repository => _running!.Repository;

    public LoadedModel Questions => Repository.Find("questions", "1").Model!;

    public Classifier Classifier => Questions.Classifier!;

    public async ValueTask InitializeAsync() => _running = await RunningRepository.StartAsync(RepositoryRoot.Models);

    public ValueTask DisposeAsync() => _running!.DisposeAsync();
}
