using System.Text;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.OpenInference;

public sealed class InferFaultTests(TensorServer server)
{
    private const string Valid = """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}""";

    public static TheoryData<string, string> Faults => new()
    {
        { "", "JSON" },
        { "nonsense", "not valid JSON" },
        { "[]", "JSON object" },
        { "{}", "\"inputs\" is missing" },
        { """{"inputs":[]}""", "the graph's input \"x\" is missing" },
        { """{"inputs":{}}""", "inputs must be an array" },
        { """{"inputs":[1]}""", "inputs[0] must be an object" },
        { Valid + "x", "not valid JSON" },
        { """{"id":1,"inputs":[]}""", "id is 1; it must be a string" },
        { """{"inputs":[{"shape":[1,2],"datatype":"FP32","data":[1,2]}]}""", "inputs[0]: the field \"name\" is missing" },
        { """{"inputs":[{"name":"x","datatype":"FP32","data":[1,2]}]}""", "inputs[0] \"x\": the field \"shape\" is missing" },
        { """{"inputs":[{"name":"x","shape":[1,2],"data":[1,2]}]}""", "inputs[0] \"x\": the field \"datatype\" is missing" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32"}]}""", "inputs[0] \"x\": the field \"data\" is missing" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FLOAT","data":[1,2]}]}""", "no datatype \"FLOAT\"; it is one of BOOL, " },
        { """{"inputs":[{"name":"x","shape":[1,-2],"datatype":"FP32","data":[1,2]}]}""", "dimension 1 of \"shape\" is -2" },
        { """{"inputs":[{"name":"x","shape":[1,2.5],"datatype":"FP32","data":[1,2]}]}""", "dimension 1 of \"shape\" is 2.5" },
        { """{"inputs":[{"name":"x","shape":[4294967296,4294967296],"datatype":"FP32","data":[1,2]}]}""", "more elements than can be counted" },
        { """{"inputs":[{"name":"x","shape":[1000000000,1000],"datatype":"FP32","data":[1,2]}]}""", "has 1000000000000 element(s), and \"data\" has 2" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2,3]}]}""", "has more" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1]}]}""", "has 2 element(s), and \"data\" has 1" },
        { """{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[[1,2],[3]]}]}""", "an array of \"data\" that ends after element 3 has 1" },
        { """{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[[1,2],3]}]}""", "fewer at element 2" },
        { """{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[[[1]]]}]}""", "more at element 0" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,[2]]}]}""", "element 1 of \"data\" is an array" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,null]}]}""", "element 1 of \"data\" is null" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,"2"]}]}""", "element 1 of \"data\" is \"2\"" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,1e39]}]}""", "within the range of FP32" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP16","data":[1,65520]}]}""", "65504" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,NaN]}]}""", "not valid JSON" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"INT8","data":[1,128]}]}""", "from -128 to 127" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"UINT64","data":[1,-1]}]}""", "from 0 to 18446744073709551615" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"INT64","data":[1,1.5]}]}""", "element 1 of \"data\" is 1.5" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"BOOL","data":[true,2]}]}""", "true or false" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"BYTES","data":["a",2]}]}""", "an element of BYTES is a string" },
        { """{"inputs":[{"name":"x","shape":[1,1],"datatype":"BYTES","data":["\ud800"]}]}""", "no Unicode text" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"INT32","data":[1,2]}]}""", "inputs[0] \"x\": the datatype is INT32 and the graph takes FP32" },
        { """{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}]}""", "takes [-1, -1] with 2" },
        { """{"inputs":[{"name":"z","shape":[2],"datatype":"FP32","data":[1,2]}]}""", "no input \"z\"; it takes \"x\" FP32 [-1, -1]" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}""", "binary_data_size is 8, and 0 byte(s)" },
        { """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"shared_memory_region":"r"}}]}""", "shared memory is not offered" },
        { Valid[..^1] + ""","outputs":[{"name":"q"}]}""", "outputs[0]: the graph has no output \"q\"; it answers \"y\"" },
        { Valid[..^1] + ""","outputs":[{"name":"y"},{"name":"y"}]}""", "asked for twice" },
        { Valid[..^1] + ""","outputs":[{"name":"y","parameters":{"classification":-1}}]}""", "parameter classification is -1" },
        { Valid[..^1] + ""","parameters":{"timeout":"soon"}}""", "timeout is \"soon\"" },
        { Valid[..^1] + ""","inputs":[]}""", "occurs twice" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task AFaultIsNamedWithItsPlace(string body, string part) =>
        (await server.Client.InferAsync("identity_FP32", body)).AssertError(400, part);

    [Theory]
    [InlineData("7", "7 bytes of JSON, and the body has 6")]
    [InlineData("-1", "a whole number")]
    [InlineData("1e3", "a whole number")]
    public async Task TheHeaderOfBinaryDataMustBeItsLength(string header, string part)
    {
        var reply = await server.Client.SendAsync(HttpMethod.Post, "/v2/models/add/infer", TensorRequests.Octets("{    }"u8.ToArray()), "Inference-Header-Content-Length", header);

        reply.AssertError(400, part);
    }

    [Fact]
    public async Task BinaryDataMustAddUp()
    {
        var json = """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}""";
        (await server.Client.InferAsync("identity_FP32", json, new byte[9])).AssertError(400, "9 byte(s) of binary data, and the inputs' binary_data_size add up to 8");
        (await server.Client.InferAsync("identity_FP32", json, new byte[7])).AssertError(400, "binary_data_size is 8, and 7 byte(s)");
        (await server.Client.InferAsync("identity_FP32", json.Replace(":8}", ":4}", StringComparison.Ordinal), new byte[4])).AssertError(400, "takes 8 bytes, and there are 4");
    }

    [Theory]
    [InlineData("/v2/models/nope/infer", "no model \"nope\"")]
    [InlineData("/v2/models/add/versions/9/infer", "no version \"9\"")]
    public async Task WhatIsNotThereIs404(string path, string part) => (await server.Client.PostAsync(path, Valid)).AssertError(404, part);

    [Fact]
    public async Task EverythingUnderTheRootAnswersTheProtocolsErrors()
    {
        (await server.Client.GetAsync("/v2/nothing")).AssertError(404);
        (await server.Client.GetAsync("/v2/models/add/infer")).AssertError(405);
        (await server.Client.SendAsync(HttpMethod.Post, "/v2/models/add/infer", new StringContent("x", Encoding.UTF8, "text/html"))).AssertError(415);
        var encoded = TensorRequests.Octets([1, 2, 3]);
        encoded.Headers.TryAddWithoutValidation("Content-Encoding", "zstd");
        (await server.Client.SendAsync(HttpMethod.Post, "/v2/models/add/infer", encoded)).AssertError(415, "zstd");
        var broken = TensorRequests.Octets([1, 2, 3]);
        broken.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
        (await server.Client.SendAsync(HttpMethod.Post, "/v2/models/add/infer", broken)).AssertError(400, "decompressed");
    }

    [Fact]
    public async Task ATimeThatIsOverIs504()
    {
        var reply = await server.Client.InferAsync("identity_FP32", Valid[..^1] + ""","parameters":{"timeout":1}}""");

        reply.AssertError(504, "0.001 ms", "microseconds");
        (await server.Client.InferAsync("identity_FP32", Valid[..^1] + ""","parameters":{"timeout":0,"priority":1,"sequence_id":0}}""")).AssertOk();
    }

    [Fact]
    public async Task BodiesHaveALimitOfTheirOwnCompressedOrNot()
    {
        using var models = new ModelFolder();
        TensorServer.Add(models, "identity", OnnxGraphs.OfNode("Identity", [new("x", "FP32", -1)], [new("y", "FP32", -1)]));
        await using var small = await Server.StartAsync(models.Root, "--Limits:TensorBodyBytes", "2048");
        await small.Client.WaitUntilReadyAsync();
        byte[] body = Encoding.UTF8.GetBytes("""{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}""".PadRight(2048));

        (await small.Client.PostAsync("/v2/models/identity/infer", body)).AssertOk();
        (await small.Client.PostAsync("/v2/models/identity/infer", [.. body, (byte)' '])).AssertError(413, "2048 bytes", "Limits:TensorBodyBytes");
        using var compressed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(compressed, System.IO.Compression.CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(new byte[1 << 20]);
        Assert.True(compressed.Length < 2048);
        var bomb = TensorRequests.Octets(compressed.ToArray());
        bomb.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
        (await small.Client.SendAsync(HttpMethod.Post, "/v2/models/identity/infer", bomb)).AssertError(413, "2048 bytes");
    }

    [Fact]
    public async Task AFullQueueIs429WithATimeToTryAgain()
    {
        using var models = new ModelFolder();
        TensorServer.Add(models, "slow", OnnxGraphs.Of(
            [new("ConstantOfShape", ["n"], ["m0"]), .. Enumerable.Range(0, 4000).Select(i => new OnnxGraphs.Node("MatMul", [$"m{i}", "m0"], [$"m{i + 1}"])), new("ReduceMax", ["m4000"], ["y"])],
            [new("n", "INT64", 2)], [new("y", "FP32", null)]));
        await using var busy = await Server.StartAsync(models.Root, "--Batching:Workers", "1", "--Batching:QueueSequences", "1");
        await busy.Client.WaitUntilReadyAsync();
        byte[] body = """{"inputs":[{"name":"n","shape":[2],"datatype":"INT64","data":[1500,1500]}]}"""u8.ToArray();
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var replies = Enumerable.Range(0, 3).Select(_ => busy.Client.PostUnlessGoneAsync("/v2/models/slow/infer", body, gone.Token)).ToArray();
        var refused = await await Task.WhenAny(replies);

        refused.AssertError(429, "queue is full");
        Assert.True(int.Parse(refused.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture) >= 1);
        await gone.CancelAsync();
        foreach (var reply in replies.Where(r => !r.IsCompletedSuccessfully))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reply);
        // the callers went away, so their runs ended too
        await Wait.UntilAsync(
            async () => (await busy.Client.InferAsync("slow", """{"inputs":[{"name":"n","shape":[2],"datatype":"INT64","data":[1,1]}]}""")).Status == 200,
            () => "The worker does not come free.");
    }

    [Fact]
    public async Task NoMutationOfAValidRequestMakesTheServerFail()
    {
        var random = new Random(20);
        byte[] json = Encoding.UTF8.GetBytes("""{"id":"1","parameters":{"binary_data_output":true,"timeout":1000000},"inputs":[{"name":"a","shape":[1,4],"datatype":"INT32","parameters":{"binary_data_size":16}},{"name":"b","shape":[1,4],"datatype":"INT32","data":[[1,2,3,4]]}],"outputs":[{"name":"sum","parameters":{"binary_data":false,"classification":2}}]}""");
        byte[] valid = [.. json, .. new byte[16]];
        var statuses = new HashSet<int>();
        for (int i = 0; i < 1500; i++)
        {
            var body = valid.ToList();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(body.Count);
                switch (random.Next(4))
                {
                    case 0:
                        body[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        body.RemoveRange(at, random.Next(1, Math.Min(9, body.Count - at + 1)));
                        break;
                    case 2:
                        body.Insert(at, "0123456789[]{},:\"-.eE"u8[random.Next(21)]);
                        break;
                    default:
                        body.InsertRange(at, body.GetRange(at, Math.Min(random.Next(1, 40), body.Count - at)));
                        break;
                }
            }
            int length = json.Length + (random.Next(3) == 0 ? random.Next(-20, 20) : body.Count - valid.Length);
            var reply = await server.Client.SendAsync(HttpMethod.Post, "/v2/models/add/infer", TensorRequests.Octets([.. body]),
                "Inference-Header-Content-Length", $"{length}");
            statuses.Add(reply.Status);
            Assert.True(reply.Status is 200 or 400 or 504, $"{reply.Status} after {i}: {Encoding.Latin1.GetString([.. body])}");
        }
        Assert.Contains(200, statuses);
        Assert.Contains(400, statuses);
    }
}
