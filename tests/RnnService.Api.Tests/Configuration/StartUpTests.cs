using System.Net;
using System.Net.Sockets;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Configuration;

/// <summary>How a process starts, and how it does not.</summary>
public sealed class StartUpTests
{
    [Fact]
    public async Task Start_SeveralBadSettings_ListsAllAndFails()
    {
        using var server = new ServerProcess(
        [
            "--urls", "http://127.0.0.1:0", "--Models:Root", "/no/such/folder", "--Batching:Workers", "-1", "--Batching:Models:questions:MaxRows", "0", "--Batching:Models:questions:Rows", "1", "--Models:Rot", "x",
            "--Limits:BodyBytes", "-1", "--Limits:TensorBytesInFlight", "67108863", "--Limits:Sequences", "0", "--Limits:Typo", "1", "--RequestLog:Format", "xml", "--RequestLog:PerSecond", "-1",
        ]);
        Assert.NotEqual(0, await server.ExitCodeAsync());
        string[] settings = ["Models:Root", "Models:Rot", "Batching:Workers", "Batching:Models:questions:MaxRows", "Batching:Models:questions:Rows", "Limits:BodyBytes", "Limits:TensorBytesInFlight", "Limits:Sequences", "Limits:Typo", "RequestLog:Format", "RequestLog:PerSecond"];
        Assert.All(settings, s => Assert.Contains($"- {s}:", server.Errors, StringComparison.Ordinal));
        Assert.Contains("11 setting(s)", server.Errors, StringComparison.Ordinal);
        Assert.Null(await server.AddressAsync());
    }

    [Theory]
    [InlineData("--Limits:BodyBytes", "many", "Limits:BodyBytes")]
    [InlineData("--Models:Root", "", "Models:Root")]
    [InlineData("--Models:Default", "answers", "Models:Default")]
    [InlineData("--urls", "nonsense", "nonsense")]
    public async Task Start_OneBadSetting_NamesItAndFails(string name, string value, string part)
    {
        string[] address = name == "--urls" ? [] : ["--urls", "http://127.0.0.1:0"];
        using var server = new ServerProcess([.. address, name, value]);
        Assert.NotEqual(0, await server.ExitCodeAsync());
        Assert.Contains(part, server.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_AddressInUse_SaysSo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var address = $"127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";
        using var server = new ServerProcess(["--urls", $"http://{address}"]);
        Assert.NotEqual(0, await server.ExitCodeAsync());
        Assert.Contains(address, server.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NoAddress_IsPort8080OfLocalhost()
    {
        using var server = new ServerProcess([]);
        var address = await server.AddressAsync();   // null where something else listens there
        if (address is null)
            Assert.Contains(":8080", server.Errors, StringComparison.Ordinal);
        else
            Assert.Equal(new Uri("http://localhost:8080"), address);
    }

    [Theory]
    [InlineData("ASPNETCORE_URLS", "http://127.0.0.1:0")]
    [InlineData("ASPNETCORE_HTTP_PORTS", "0")]
    [InlineData("Kestrel__Endpoints__Main__Url", "http://127.0.0.1:0")]
    public async Task Start_AddressInTheEnvironment_IsUsed(string name, string value)
    {
        using var server = new ServerProcess([], name, value);
        var address = await server.AddressAsync();
        Assert.NotNull(address);
        Assert.NotEqual(8080, address.Port);
        using var client = new ServiceClient(address);
        (await client.GetAsync("/health/live")).AssertOk();
    }

    [Fact]
    public async Task Start_SettingsInTheEnvironment_AreUsed()
    {
        using var server = new ServerProcess(["--urls", "http://127.0.0.1:0"], "Limits__Sequences", "2", "Models__Root", RepositoryRoot.Models);
        using var client = new ServiceClient((await server.AddressAsync())!);
        await client.WaitUntilReadyAsync();
        (await client.PredictAsync("""{"inputs":["a","b","c"]}""")).AssertProblem(413, "2 sequences");
    }
}
