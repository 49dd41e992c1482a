using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

[assembly: AssemblyFixture(typeof(SharedServer))]

namespace RnnService.Api.Tests.Hosting;

/// <summary>One server with the repository's own models for all tests that do not change it.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private Server? _server;

    internal ServiceClient Client => _server!.Client;

    public async ValueTask InitializeAsync()
    {
        _server = await Server.StartAsync(RepositoryRoot.Models);
        await Client.WaitUntilReadyAsync();
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
