using System.Text.Json;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.OpenInference;

/// <summary>One server with all bare exports, each version 1 of a model of its own.</summary>
public sealed class BareServer : IAsyncLifetime
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private readonly ModelFolder _models = new();
    private Server? _server;

    internal static Dictionary<string, BareExport> Golden { get; } =
        JsonSerializer.Deserialize<Dictionary<string, BareExport>>(File.ReadAllBytes(RepositoryRoot.Combine("tests", "golden", "bare", "golden.json")), Json)!;

    internal ServiceClient Client => _server!.Client;

    public async ValueTask InitializeAsync()
    {
        foreach (var name in Golden.Keys)
            Folders.Copy(RepositoryRoot.Combine("tests", "golden", "bare", name), Path.Combine(_models.Root, name, "1"));
        _server = await Server.StartAsync(_models.Root, "--Models:Default", Golden.Keys.First());
        await Client.WaitUntilReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _models.Dispose();
    }
}

/// <param name="Kind">ids, features or text.</param>
/// <param name="Tolerance">How near to PyTorch's probabilities the answers are.</param>
/// <param name="Sequences">Sequences with their answers.</param>
internal sealed record BareExport(string Kind, double Tolerance, BareSequence[] Sequences);

/// <summary>One sequence, with the probability of each label by output.</summary>
internal sealed record BareSequence(int[]? Ids, float[][]? Features, string? Text, Dictionary<string, double[]> Heads)
{
    public int Length => Ids?.Length ?? Features?.Length ?? 1;

    /// <summary>The sequence as an item of a prediction request.</summary>
    public string Item => Ids is not null ? $$"""{"ids":{{JsonSerializer.Serialize(Ids)}}}"""
        : Features is not null ? $$"""{"features":{{JsonSerializer.Serialize(Features)}}}""" : JsonSerializer.Serialize(Text);
}
