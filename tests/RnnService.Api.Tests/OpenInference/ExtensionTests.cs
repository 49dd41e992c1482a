using System.Globalization;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.OpenInference;

public sealed class ExtensionTests(TensorServer server)
{
    [Fact]
    public async Task TheServerTellsItsExtensions()
    {
        var reply = await server.Client.GetAsync("/v2");

        reply.AssertOk();
        Assert.Equal(["name", "version", "extensions"], reply.Json.EnumerateObject().Select(p => p.Name));
        Assert.Superset(
            new HashSet<string?> { "binary_tensor_data", "classification", "model_repository", "statistics" },
            reply.Json.GetProperty("extensions").EnumerateArray().Select(e => e.GetString()).ToHashSet());
    }

    [Theory]
    [InlineData("/v2/health/live", """{"live":true}""")]
    [InlineData("/v2/health/ready", """{"ready":true}""")]
    [InlineData("/v2/models/add/ready", """{"name":"add","ready":true}""")]
    [InlineData("/v2/models/add/versions/1/ready", """{"name":"add","ready":true}""")]
    [InlineData("/v2/models/add", """{"name":"add","versions":["1"],"platform":"onnx_onnxv1","inputs":[{"name":"a","datatype":"INT32","shape":[1,4]},{"name":"b","datatype":"INT32","shape":[1,4]}],"outputs":[{"name":"sum","datatype":"INT32","shape":[1,4]}]}""")]
    [InlineData("/v2/models/identity_BYTES/versions/1", """{"name":"identity_BYTES","versions":["1"],"platform":"onnx_onnxv1","inputs":[{"name":"x","datatype":"BYTES","shape":[-1,-1]}],"outputs":[{"name":"y","datatype":"BYTES","shape":[-1,-1]}]}""")]
    public async Task WhatIsKnownIsTold(string path, string expected)
    {
        var reply = await server.Client.GetAsync(path);

        reply.AssertOk();
        Assert.Equal(expected, reply.Text);
    }

    [Theory]
    [InlineData("/v2/models/nope")]
    [InlineData("/v2/models/nope/ready")]
    [InlineData("/v2/models/nope/config")]
    [InlineData("/v2/models/nope/stats")]
    [InlineData("/v2/models/add/versions/2")]
    [InlineData("/v2/models/add/versions/x/stats")]
    public async Task AnUnknownModelIs404(string path) => (await server.Client.GetAsync(path)).AssertError(404);

    [Fact]
    public async Task TheConfigurationHasTritonsFields()
    {
        var reply = await server.Client.GetAsync("/v2/models/identity_BYTES/config");

        reply.AssertOk();
        Assert.Equal("onnxruntime", reply.Json.GetProperty("backend").GetString());
        Assert.Equal(0, reply.Json.GetProperty("max_batch_size").GetInt32());
        var input = reply.Json.GetProperty("input")[0];
        Assert.Equal("TYPE_STRING", input.GetProperty("data_type").GetString());
        Assert.Equal("[-1,-1]", input.GetProperty("dims").GetRawText());
    }

    [Fact]
    public async Task StatisticsCountRequestsAndRunsByBatchSize()
    {
        using var models = new ModelFolder();
        TensorServer.Add(models, "identity", OnnxGraphs.OfNode("Identity", [new("x", "FP32", -1)], [new("y", "FP32", -1)]));
        models.Add("questions");
        await using var own = await Server.StartAsync(models.Root);
        await own.Client.WaitUntilReadyAsync();
        foreach (int rows in new[] { 2, 3, 2 })
            (await own.Client.InferAsync("identity", $$"""{"inputs":[{"name":"x","shape":[{{rows}}],"datatype":"FP32","data":[{{string.Join(',', Enumerable.Range(0, rows))}}]}]}""")).AssertOk();
        (await own.Client.InferAsync("identity", """{"inputs":[]}""")).AssertError(400);
        (await own.Client.PredictAsync("""{"inputs":["Who was Galileo ?","What is this ?"]}""")).AssertOk();

        var reply = await own.Client.GetAsync("/v2/models/stats");

        reply.AssertOk();
        var stats = reply.Json.GetProperty("model_stats").EnumerateArray().ToDictionary(m => m.GetProperty("name").GetString()!);
        var identity = stats["identity"];
        Assert.Equal(7, identity.GetProperty("inference_count").GetInt64());
        Assert.Equal(3, identity.GetProperty("execution_count").GetInt64());
        Assert.Equal(3, identity.GetProperty("inference_stats").GetProperty("success").GetProperty("count").GetInt64());
        Assert.Equal(1, identity.GetProperty("inference_stats").GetProperty("fail").GetProperty("count").GetInt64());
        Assert.Equal([(2, 2), (3, 1)], identity.GetProperty("batch_stats").EnumerateArray().Select(b => (b.GetProperty("batch_size").GetInt32(), b.GetProperty("compute_infer").GetProperty("count").GetInt32())));
        Assert.Equal("CPU", identity.GetProperty("memory_usage")[0].GetProperty("type").GetString());
        Assert.True(identity.GetProperty("memory_usage")[0].GetProperty("byte_size").GetInt64() > 0);
        Assert.Equal(
            ["success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss"],
            identity.GetProperty("inference_stats").EnumerateObject().Select(p => p.Name));
        Assert.Equal(2, stats["questions"].GetProperty("inference_count").GetInt64());
        Assert.True(stats["questions"].GetProperty("execution_count").GetInt64() >= 1);
        Assert.Single((await own.Client.GetAsync("/v2/models/identity/versions/1/stats")).Json.GetProperty("model_stats").EnumerateArray().ToArray());
    }

    [Fact]
    public async Task StatisticsCountAnItemThatIsCutIntoWindowsOnce()
    {
        using var models = new ModelFolder();
        var folder = Directory.CreateDirectory(Path.Combine(models.Root, "activity", "1")).FullName;
        foreach (var file in new[] { "model.onnx", "model.json", "labels.json" })
            File.Copy(RepositoryRoot.Combine("models", "activity", "1", file), Path.Combine(folder, file));
        await using var own = await Server.StartAsync(models.Root);
        await own.Client.WaitUntilReadyAsync();
        var step = $"[{string.Join(',', Enumerable.Repeat("0.1", 9))}]";

        var reply = await own.Client.PostAsync("/models/activity/predict", $$"""{"inputs":[{"features":[{{string.Join(',', Enumerable.Repeat(step, 300))}}]},{"features":[{{step}}]}]}""");

        Assert.Equal(2, reply.Predictions.Length);
        var stats = (await own.Client.GetAsync("/v2/models/activity/stats")).Json.GetProperty("model_stats")[0];
        Assert.Equal(2, stats.GetProperty("inference_count").GetInt64());
    }

    [Fact]
    public async Task ClassificationRanksEachRowAndNamesItsLabels()
    {
        var reply = await server.Client.InferAsync("questions", """
            {"inputs":[{"name":"input_ids","shape":[2,3],"datatype":"INT64","data":[[5,6,7],[8,9,10]]},{"name":"lengths","shape":[2],"datatype":"INT64","data":[3,3]}],
             "outputs":[{"name":"coarse","parameters":{"classification":100}},{"name":"fine","parameters":{"classification":2}}]}
            """);

        reply.AssertOk();
        var coarse = reply.Json.GetProperty("outputs")[0];
        Assert.Equal("BYTES", coarse.GetProperty("datatype").GetString());
        Assert.Equal("[2,6]", coarse.GetProperty("shape").GetRawText());
        Assert.Equal("[2,2]", reply.Json.GetProperty("outputs")[1].GetProperty("shape").GetRawText());
        string[][] rows = [.. coarse.GetProperty("data").EnumerateArray().Select(e => e.GetString()!.Split(':')).Chunk(6).SelectMany(r => r)];
        Assert.Equal(["ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"], rows.Take(6).Select(r => r[2]).Order(StringComparer.Ordinal));
        var values = rows.Take(6).Select(r => float.Parse(r[0], CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(values.OrderDescending(), values);
    }

    [Fact]
    public async Task ClassificationKeepsTheDigitsOfSmallValuesAndPutsNoNumbersLast()
    {
        var reply = await server.Client.InferAsync("divide", """
            {"inputs":[{"name":"a","shape":[4],"datatype":"FP32","data":[0,1e-7,3,2e-7]},{"name":"b","shape":[4],"datatype":"FP32","data":[0,1,1,1]}],
             "outputs":[{"name":"quotient","parameters":{"classification":4}}]}
            """);

        reply.AssertOk();
        Assert.Contains("""
            "shape":[4],"data":["3:2","2E-07:3","1E-07:1","NaN:0"]
            """.Trim(), reply.Text, StringComparison.Ordinal);
        (await server.Client.InferAsync("identity_BYTES", """{"inputs":[{"name":"x","shape":[1,1],"datatype":"BYTES","data":["a"]}],"outputs":[{"name":"y","parameters":{"classification":1}}]}"""))
            .AssertError(400, "outputs[0] \"y\"", "BYTES");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"ready":true}""")]
    public async Task TheIndexListsTheModels(string body)
    {
        var reply = await server.Client.PostAsync("/v2/repository/index", body);

        reply.AssertOk();
        Assert.Contains("""{"name":"add","version":"1","state":"READY","reason":""}""", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AModelIsUnloadedAndLoadedAgain()
    {
        using var models = new ModelFolder();
        TensorServer.Add(models, "identity", OnnxGraphs.OfNode("Identity", [new("x", "FP32", -1)], [new("y", "FP32", -1)]));
        await using var own = await Server.StartAsync(models.Root);
        await own.Client.WaitUntilReadyAsync();
        const string request = """{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}""";

        Assert.Equal(200, (await own.Client.PostAsync("/v2/repository/models/identity/unload", """{"parameters":{"unload_dependents":true}}""")).Status);
        Assert.NotEqual(200, (await own.Client.InferAsync("identity", request)).Status);
        Assert.DoesNotContain("identity", (await own.Client.PostAsync("/v2/repository/index", """{"ready":true}""")).Text, StringComparison.Ordinal);
        Assert.Equal(200, (await own.Client.PostAsync("/v2/repository/models/identity/load", "{}")).Status);
        (await own.Client.InferAsync("identity", request)).AssertOk();
    }

    [Theory]
    [InlineData("nope/load", "{}", 404, "no folder")]
    [InlineData("nope/unload", "", 404, "no model \"nope\"")]
    [InlineData("add/load", """{"parameters":{"config":"{}"}}""", 400, "\"config\" is not taken")]
    [InlineData("add/load", """{"parameters":{"file:1/model.onnx":"AAAA"}}""", 400, "never run")]
    [InlineData("add/load", "[]", 400, "JSON object")]
    [InlineData("add/unload", "{", 400, "not valid JSON")]
    public async Task WhatCannotBeLoadedIsRefused(string path, string body, int status, string part) =>
        (await server.Client.PostAsync($"/v2/repository/models/{path}", body)).AssertError(status, part);

    [Fact]
    public async Task TheOpenApiDocumentDescribesTheProtocol()
    {
        var reply = await server.Client.GetAsync("/swagger/v1/swagger.json");

        Assert.Equal(200, reply.Status);
        var infer = reply.Json.GetProperty("paths").GetProperty("/v2/models/{model}/infer").GetProperty("post");
        Assert.Equal("Open Inference Protocol", infer.GetProperty("tags")[0].GetString());
        Assert.True(infer.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/octet-stream", out _));
        Assert.True(reply.Json.GetProperty("paths").TryGetProperty("/v2/repository/index", out _));
    }
}
