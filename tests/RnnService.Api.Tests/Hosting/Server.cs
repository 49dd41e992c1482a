using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace RnnService.Api.Tests.Hosting;

/// <summary>The real application in this process, on a free port of the loopback address.</summary>
internal sealed class Server : IAsyncDisposable
{
    private Server(WebApplication app)
    {
        App = app;
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        Client = new ServiceClient(new Uri(Assert.Single(addresses.Addresses)));
    }

    public WebApplication App { get; }

    public ServiceClient Client { get; }

    /// <summary>Starts, and does not wait for the models.</summary>
    public static async Task<Server> StartAsync(string models, params string[] settings)
    {
        string[] quiet = ["--RequestLog:PerSecond", "0", "--Serilog:MinimumLevel:Default", "Fatal", "--Serilog:MinimumLevel:Override:Microsoft.Hosting.Lifetime", "Fatal"];
        var app = Program.Create(["--urls", "http://127.0.0.1:0", "--Models:Root", models, .. quiet, .. settings]);
        await app.StartAsync();
        return new Server(app);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.DisposeAsync();
    }
}
