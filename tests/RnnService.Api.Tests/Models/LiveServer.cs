using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RnnService.Api.Tests.Hosting;
using RnnService.Inference.Models;

namespace RnnService.Api.Tests.Models;

/// <summary>A server that looks at its repository often, with two small models to tell apart by their answers.</summary>
internal sealed class LiveServer : IAsyncDisposable
{
    public const string Lstm = "good_lstm.onnx";
    public const string Gru = "good_gru_forward.onnx";
    public const string Body = """{"inputs":[{"ids":[8,25]},{"ids":[3]},{"ids":[37,16,38]}]}""";

    private readonly Server _server;

    private LiveServer(Server server, ModelFolder folder) => (_server, Folder) = (server, folder);

    public ModelFolder Folder { get; }

    public ServiceClient Client => _server.Client;

    /// <summary>The repository inside the server.</summary>
    public ModelRepository Repository => _server.App.Services.GetRequiredService<ModelRepository>();

    /// <summary>Starts with model <c>m</c>, version 1, the LSTM; and waits until it is ready.</summary>
    public static async Task<LiveServer> StartAsync(params string[] settings)
    {
        var folder = new ModelFolder();
        folder.Swap("m", 1, Lstm);
        folder.Swap("other", 1, Gru);
        var server = await Server.StartAsync(folder.Root, ["--Models:Default", "m", "--Models:ScanMilliseconds", "20", "--Models:StableMilliseconds", "40", .. settings]);
        await server.Client.WaitUntilReadyAsync();
        return new(server, folder);
    }

    /// <summary>The probability of each label of each sequence, one after the other.</summary>
    public static double[] Probabilities(Reply reply) =>
        [.. reply.Predictions.SelectMany(p => p.GetProperty("levels").EnumerateArray().Select(l => l.GetProperty("probability").GetDouble()))];

    public static bool Same(double[] a, double[] b) => a.Length == b.Length && a.Zip(b).All(p => Math.Abs(p.First - p.Second) < 1e-5);

    public async Task<double[]> PredictAsync(string path = "/predict") => Probabilities(await Client.PostAsync(path, Body));

    public async Task<string?> StateAsync(string model, int version)
    {
        var reply = await Client.GetAsync($"/models/{model}/versions/{version}");
        return reply.Status == 200 ? reply.Json.GetProperty("state").GetString() : null;
    }

    public async Task<string?> ReasonAsync(string model, int version) =>
        (await Client.GetAsync($"/models/{model}/versions/{version}")).Json is { ValueKind: JsonValueKind.Object } version1 && version1.TryGetProperty("reason", out var reason) ? reason.GetString() : null;

    public Task UntilAsync(string model, int version, string? state) =>
        Wait.UntilAsync(async () => await StateAsync(model, version) == state, () => $"{model}/{version} does not become {state ?? "gone"}.");

    /// <summary>Waits until the repository has been looked at so many times more.</summary>
    public async Task ScansAsync(int count)
    {
        long until = await CounterAsync("rnn_repository_scans_total") + count;
        await Wait.UntilAsync(async () => await CounterAsync("rnn_repository_scans_total") >= until, () => "Nothing looks at the repository.");
    }

    public async Task<long> CounterAsync(string name) =>
        long.Parse((await Client.GetAsync("/metrics")).Text.Split('\n').Single(l => l.StartsWith($"{name} ", StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Folder.Dispose();
    }
}
