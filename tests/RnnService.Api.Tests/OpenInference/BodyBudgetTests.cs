using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using RnnService.Api.OpenInference;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.OpenInference;

/// <summary>Bodies that wait take memory; all together no more than they may.</summary>
public sealed class BodyBudgetTests : IAsyncLifetime
{
    private const int Budget = 1 << 20;
    private const string Address = "/v2/models/identity/infer";

    private readonly ModelFolder _models = new();
    private Server? _server;

    private BodyBudget Bodies => _server!.App.Services.GetRequiredService<BodyBudget>();

    public async ValueTask InitializeAsync()
    {
        TensorServer.Add(_models, "identity", OnnxGraphs.OfNode("Identity", [new("x", "FP32", -1)], [new("y", "FP32", -1)]));
        _server = await Server.StartAsync(_models.Root, "--Limits:TensorBodyBytes", $"{Budget}", "--Limits:TensorBytesInFlight", $"{Budget}");
        await _server.Client.WaitUntilReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        _models.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ABodyThatWouldGoOverTheBudgetIsRefusedUntilThereIsRoom(bool chunked)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var slow = await SendSlowlyAsync(Budget * 3 / 4);

        var refused = await PostAsync(Budget / 2, chunked);
        refused.AssertError(429, $"{Budget} bytes", "Limits:TensorBytesInFlight");
        Assert.Equal(1, int.Parse(refused.Header("Retry-After")!, CultureInfo.InvariantCulture));
        (await PostAsync(Budget / 8, chunked)).AssertOk();

        await slow.GetStream().WriteAsync(Body(Budget).AsMemory(Budget * 3 / 4), cancel);
        using var reader = new StreamReader(slow.GetStream(), Encoding.ASCII);
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(cancel));
        await Wait.UntilAsync(() => Bodies.HasRoom(Budget), () => "The bytes of an answered body are not given back.");
        (await PostAsync(Budget, chunked)).AssertOk();
    }

    [Fact]
    public async Task ACallerWhoBreaksOffGivesItsBytesBack()
    {
        using (await SendSlowlyAsync(Budget / 2))
            Assert.False(Bodies.HasRoom(Budget));

        await Wait.UntilAsync(() => Bodies.HasRoom(Budget), () => "The bytes of a body that broke off are not given back.");
    }

    /// <summary>A caller who has announced a body of the whole budget, and sent so much of it that the server has read.</summary>
    private async Task<TcpClient> SendSlowlyAsync(int bytes)
    {
        var cancel = TestContext.Current.CancellationToken;
        var address = _server!.Client.Address;
        var caller = new TcpClient();
        await caller.ConnectAsync(address.Host, address.Port, cancel);
        await caller.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {Address} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {Budget}\r\n\r\n"), cancel);
        await caller.GetStream().WriteAsync(Body(Budget).AsMemory(0, bytes), cancel);
        await Wait.UntilAsync(() => !Bodies.HasRoom(Budget - bytes + 1), () => "The server does not read what has come of a body.");
        return caller;
    }

    private Task<Reply> PostAsync(int bytes, bool chunked)
    {
        HttpContent content = ServiceClient.Json(new ByteArrayContent(Body(bytes)));
        return _server!.Client.SendAsync(HttpMethod.Post, Address, content, chunked ? ["Transfer-Encoding", "chunked"] : []);
    }

    private static byte[] Body(int bytes) => Encoding.ASCII.GetBytes("""{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}""".PadRight(bytes));
}
