using System.Text.Json;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Predict;

/// <summary>The label tree as <c>GET /models/questions/labels</c> says it.</summary>
internal sealed class LabelTreeOfServer
{
    private LabelTreeOfServer(JsonElement labels)
    {
        Coarse = [.. labels.GetProperty("tree").EnumerateArray().OrderBy(Index).Select(Label)];
        Fine = [.. labels.GetProperty("tree").EnumerateArray().SelectMany(n => n.GetProperty("children").EnumerateArray()).OrderBy(Index).Select(Label)];
        Parent = labels.GetProperty("tree").EnumerateArray()
            .SelectMany(n => n.GetProperty("children").EnumerateArray().Select(c => (Child: Label(c), Parent: Label(n)))).ToDictionary(p => p.Child, p => p.Parent);
    }

    /// <summary>Coarse labels in the order of their head.</summary>
    public string[] Coarse { get; }

    /// <summary>Fine labels in the order of their head.</summary>
    public string[] Fine { get; }

    /// <summary>The coarse label above each fine one.</summary>
    public Dictionary<string, string> Parent { get; }

    public static async Task<LabelTreeOfServer> ReadAsync(ServiceClient client)
    {
        var reply = await client.GetAsync("/models/questions/labels");
        reply.AssertOk();
        return new LabelTreeOfServer(reply.Json);
    }

    private static int Index(JsonElement node) => node.GetProperty("index").GetInt32();

    private static string Label(JsonElement node) => node.GetProperty("label").GetString()!;
}
