using System.Text.Json;

namespace RnnService.Api.Tests.OpenInference;

public sealed class InferJsonTests(TensorServer server)
{
    public static TheoryData<string, string> Samples => new()
    {
        { "BOOL", "true,false,false,true" },
        { "UINT8", "0,255,1,2" },
        { "UINT16", "0,65535,1,2" },
        { "UINT32", "0,4294967295,1,2" },
        { "UINT64", "0,18446744073709551615,1,9007199254740993" },
        { "INT8", "-128,127,0,-1" },
        { "INT16", "-32768,32767,0,-1" },
        { "INT32", "-2147483648,2147483647,0,-1" },
        { "INT64", "-9223372036854775808,9223372036854775807,0,-9007199254740993" },
        { "FP16", "0.5,-65504,0.099975586,5.9604645E-08" },
        { "FP32", "0.1,-3.4028235E+38,1E-45,16777216" },
        { "FP64", "0.1,-1.7976931348623157E+308,5E-324,0.30000000000000004" },
        { "BYTES", "\"\",\"a\",\"\\u0000 \\\"q\\\"\",\"Grüße 💡\"" },
    };

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task EveryDatatypeComesBackAsItWasSent(string type, string data)
    {
        var reply = await server.Client.InferAsync($"identity_{type}", $$"""{"inputs":[{"name":"x","shape":[2,2],"datatype":"{{type}}","data":[{{data}}]}]}""");

        reply.AssertOk();
        var output = Assert.Single(reply.Json.GetProperty("outputs").EnumerateArray().ToArray());
        Assert.Equal("y", output.GetProperty("name").GetString());
        Assert.Equal(type, output.GetProperty("datatype").GetString());
        Assert.Equal("[2,2]", output.GetProperty("shape").GetRawText());
        using var sent = JsonDocument.Parse($"[{data}]");
        Assert.Equal(sent.RootElement.EnumerateArray().Select(Value), output.GetProperty("data").EnumerateArray().Select(Value));
    }

    [Fact]
    public async Task NestedDataAndFieldsInAnyOrderAreTheSame()
    {
        var reply = await server.Client.InferAsync("identity_INT64", """{"inputs":[{"data":[[1,2,3],[4,5,6.0]],"datatype":"INT64","extra":{"a":[1]},"shape":[2,3],"name":"x"}],"id":"7"}""");

        reply.AssertOk();
        Assert.Equal("""{"model_name":"identity_INT64","model_version":"1","id":"7","outputs":[{"name":"y","datatype":"INT64","shape":[2,3],"data":[1,2,3,4,5,6]}]}""", reply.Text);
    }

    [Theory]
    [InlineData("[0,2]", "[]")]
    [InlineData("[2,0]", "[[],[]]")]
    [InlineData("[2,0]", "[]")]
    public async Task TensorsWithoutElementsAreTensors(string shape, string data)
    {
        var reply = await server.Client.InferAsync("identity_FP32", $$"""{"inputs":[{"name":"x","shape":{{shape}},"datatype":"FP32","data":{{data}}}]}""");

        reply.AssertOk();
        Assert.Contains($"\"shape\":{shape},\"data\":[]", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AScalarHasNoDimension()
    {
        var reply = await server.Client.InferAsync("scalar", """{"inputs":[{"name":"x","shape":[],"datatype":"FP32","data":[2.5]}]}""");

        reply.AssertOk();
        Assert.Contains("\"shape\":[],\"data\":[2.5]", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NumbersThatAreNoneAreWrittenAsTritonWritesThem()
    {
        var reply = await server.Client.InferAsync("divide", """{"inputs":[{"name":"a","shape":[3],"datatype":"FP32","data":[0,1,-1]},{"name":"b","shape":[1],"datatype":"FP32","data":[0]}]}""");

        Assert.Equal(200, reply.Status);
        Assert.EndsWith("\"data\":[NaN,Infinity,-Infinity]}]}", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OutputsComeInTheOrderInWhichTheyAreAskedFor()
    {
        var reply = await server.Client.InferAsync("three", """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[-1,2]}],"outputs":[{"name":"size"},{"name":"negative"}]}""");

        reply.AssertOk();
        Assert.Equal(["size", "negative"], reply.Json.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()));
    }

    // as KServe's Python client and its documentation send it
    [Fact]
    public async Task KServesRequestIsUnderstood()
    {
        var reply = await server.Client.InferAsync("identity_FP32", """
            {"id": "0a1b", "inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP32", "data": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}], "parameters": {}, "outputs": null}
            """.Replace(", \"outputs\": null", "", StringComparison.Ordinal));

        reply.AssertOk();
        Assert.Equal("0a1b", reply.Json.GetProperty("id").GetString());
    }

    // as MLServer's codecs write it: content types in the parameters, which mean nothing here
    [Fact]
    public async Task MlServersRequestIsUnderstood()
    {
        var reply = await server.Client.InferAsync("identity_BYTES", """
            {"parameters":{"content_type":"pd","headers":{"a":"b"}},"inputs":[{"name":"x","shape":[2,1],"datatype":"BYTES","parameters":{"content_type":"str"},"data":["Joanne","Michael"]}]}
            """);

        reply.AssertOk();
        Assert.Contains("\"data\":[\"Joanne\",\"Michael\"]", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheShippedModelAnswersRawLogits()
    {
        var reply = await server.Client.InferAsync("questions", """
            {"inputs":[{"name":"input_ids","shape":[2,3],"datatype":"INT64","data":[[5,6,7],[8,9,0]]},{"name":"lengths","shape":[2],"datatype":"INT64","data":[3,2]}],"outputs":[{"name":"coarse"}]}
            """);

        reply.AssertOk();
        Assert.Contains("\"shape\":[2,6]", reply.Text, StringComparison.Ordinal);
        Assert.NotNull(reply.Header("Server-Timing"));
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/octet-stream")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task TheContentTypesOfTheProtocolsClientsAreTaken(string? type)
    {
        var content = new ByteArrayContent("""{"inputs":[{"name":"x","shape":[],"datatype":"FP32","data":[1]}]}"""u8.ToArray());
        if (type is not null)
            content.Headers.TryAddWithoutValidation("Content-Type", type);

        var reply = await server.Client.SendAsync(HttpMethod.Post, "/v2/models/scalar/infer", content);

        reply.AssertOk();
    }

    private static string Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString()!,
        JsonValueKind.Number when !element.GetRawText().AsSpan().ContainsAny('.', 'E') => element.GetRawText(),
        JsonValueKind.Number => element.GetDouble().ToString("R", System.Globalization.CultureInfo.InvariantCulture),
        _ => element.GetRawText(),
    };
}
