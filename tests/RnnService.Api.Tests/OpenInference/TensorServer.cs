using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using RnnService.Api.Tests.Hosting;
using RnnService.Api.Tests.OpenInference;
using RnnService.TestData;

[assembly: AssemblyFixture(typeof(TensorServer))]

namespace RnnService.Api.Tests.OpenInference;

/// <summary>One server with tiny graphs, and the shipped model, for all tests of raw tensors that do not change it.</summary>
public sealed class TensorServer : IAsyncLifetime
{
    public static readonly string[] Datatypes = ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"];

    private readonly ModelFolder _models = new();
    private Server? _server;

    internal ServiceClient Client => _server!.Client;

    public async ValueTask InitializeAsync()
    {
        AddAll(_models);
        _server = await Server.StartAsync(_models.Root);
        await Client.WaitUntilReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _models.Dispose();
    }

    /// <summary>Every graph of these tests, by what it does: <c>identity_FP32</c> and so on, <c>add</c>, <c>divide</c>, <c>three</c>, <c>scores</c>, and <c>questions</c>.</summary>
    internal static void AddAll(ModelFolder models)
    {
        foreach (var type in Datatypes)
            Add(models, $"identity_{type}", OnnxGraphs.OfNode("Identity", [new("x", type, -1, -2)], [new("y", type, -1, -2)]));
        Add(models, "scalar", OnnxGraphs.OfNode("Identity", [new("x", "FP32", [])], [new("y", "FP32", [])]));
        Add(models, "add", OnnxGraphs.OfNode("Add", [new("a", "INT32", 1, 4), new("b", "INT32", 1, 4)], [new("sum", "INT32", 1, 4)]));
        Add(models, "divide", OnnxGraphs.OfNode("Div", [new("a", "FP32", -1), new("b", "FP32", -2)], [new("quotient", "FP32", -3)]));
        Add(models, "three", OnnxGraphs.Of(
            [new("Identity", ["x"], ["same"]), new("Neg", ["x"], ["negative"]), new("Abs", ["x"], ["size"])],
            [new("x", "FP32", -1, 2)], [new("same", "FP32", -1, 2), new("negative", "FP32", -1, 2), new("size", "FP32", -1, 2)]));
        models.Add("questions");
    }

    internal static void Add(ModelFolder models, string name, byte[] graph) =>
        File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(Path.Combine(models.Root, name, "1")).FullName, "model.onnx"), graph);
}

internal static class TensorRequests
{
    /// <summary>Posts a request as JSON.</summary>
    public static Task<Reply> InferAsync(this ServiceClient client, string model, string json) => client.PostAsync($"/v2/models/{model}/infer", json);

    /// <summary>Posts JSON and the binary data behind it.</summary>
    public static Task<Reply> InferAsync(this ServiceClient client, string model, string json, byte[] data, params string[] headers)
    {
        byte[] head = Encoding.UTF8.GetBytes(json);
        return client.SendAsync(HttpMethod.Post, $"/v2/models/{model}/infer", Octets([.. head, .. data]),
            ["Inference-Header-Content-Length", head.Length.ToString(CultureInfo.InvariantCulture), .. headers]);
    }

    public static ByteArrayContent Octets(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return content;
    }

    /// <summary>The answer is the protocol's error document, and says this.</summary>
    public static void AssertError(this Reply reply, int status, params string[] parts)
    {
        Assert.True(reply.Status == status, $"{reply.Status} instead of {status}: {reply.Text}");
        Assert.Equal("application/json", reply.ContentType);
        var field = Assert.Single(reply.Json.EnumerateObject());
        Assert.Equal("error", field.Name);
        Assert.All(parts, part => Assert.Contains(part, field.Value.GetString(), StringComparison.Ordinal));
    }
}
