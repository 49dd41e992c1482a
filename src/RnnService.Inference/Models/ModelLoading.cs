using Microsoft.Extensions.Hosting;

namespace RnnService.Inference.Models;

/// <summary>Loads every version in the background, so that the server listens, and says "loading", from the first moment.</summary>
internal sealed class ModelLoading(ModelRepository repository) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Run(
        () =>
        {
            foreach (var folder in repository.Folders.OrderBy(f => f.Name != repository.DefaultName))
            {
                if (stoppingToken.IsCancellationRequested)
                    return;
                repository.Load(folder);
            }
        },
        stoppingToken);
}
