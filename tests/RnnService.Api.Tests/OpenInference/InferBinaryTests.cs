using System.Globalization;
using System.IO.Compression;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace RnnService.Api.Tests.OpenInference;

/// <summary>Requests as tritonclient.http 2.x writes them: its paths, headers, compact JSON and data behind it.</summary>
public sealed class InferBinaryTests(TensorServer server)
{
    public static TheoryData<string, byte[]> Samples => new()
    {
        { "BOOL", [1, 0, 0, 1] },
        { "UINT8", [0, 255, 1, 2] },
        { "UINT16", Of<ushort>(0, 65535, 1, 2) },
        { "UINT32", Of<uint>(0, uint.MaxValue, 1, 2) },
        { "UINT64", Of<ulong>(0, ulong.MaxValue, 1, 2) },
        { "INT8", Of<sbyte>(-128, 127, 0, -1) },
        { "INT16", Of<short>(short.MinValue, 1, 2, 3) },
        { "INT32", Of(int.MinValue, 1, 2, 3) },
        { "INT64", Of(long.MinValue, 1, 2, 3) },
        { "FP16", Of((Half)0.1, Half.NaN, Half.PositiveInfinity, Half.Epsilon) },
        { "FP32", Of(0.1f, float.NaN, float.NegativeInfinity, float.Epsilon) },
        { "FP64", Of(0.1, double.NaN, double.NegativeInfinity, double.Epsilon) },
        { "BYTES", [0, 0, 0, 0, 1, 0, 0, 0, 255, 2, 0, 0, 0, 0, 1, 3, 0, 0, 0, 97, 98, 99] },
    };

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task EveryDatatypeComesBackByteForByte(string type, byte[] data)
    {
        var json = $$$"""{"inputs":[{"name":"x","shape":[2,2],"datatype":"{{{type}}}","parameters":{"binary_data_size":{{{data.Length}}}}}],"parameters":{"binary_data_output":true}}""";

        var answer = await RawAsync($"identity_{type}", Encoding.UTF8.GetBytes(json), data);

        Assert.Equal(200, answer.Status);
        Assert.Equal("application/octet-stream", answer.Headers["content-type"]);
        Assert.Equal($$$"""{"model_name":"identity_{{{type}}}","model_version":"1","outputs":[{"name":"y","datatype":"{{{type}}}","shape":[2,2],"parameters":{"binary_data_size":{{{data.Length}}}}}]}""", answer.Head);
        Assert.Equal(data, answer.Binary);
    }

    // simple_http_infer_client.py: two INT32 inputs, one output as binary and one not
    [Fact]
    public async Task TheSimpleExampleOfTritonsClientWorks()
    {
        var json = """{"id":"1","inputs":[{"name":"a","shape":[1,4],"datatype":"INT32","parameters":{"binary_data_size":16}},{"name":"b","shape":[1,4],"datatype":"INT32","data":[1,1,1,1]}],"outputs":[{"name":"sum","parameters":{"binary_data":true}}]}""";

        var answer = await RawAsync("add", Encoding.UTF8.GetBytes(json), Of(0, 1, 2, int.MaxValue));

        Assert.Equal("""{"model_name":"add","model_version":"1","id":"1","outputs":[{"name":"sum","datatype":"INT32","shape":[1,4],"parameters":{"binary_data_size":16}}]}""", answer.Head);
        Assert.Equal(Of(1, 2, 3, int.MinValue), answer.Binary);
    }

    [Fact]
    public async Task AnOutputsOwnWishGoesBeforeTheRequests()
    {
        var reply = await server.Client.InferAsync("three",
            """{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}],"outputs":[{"name":"same","parameters":{"binary_data":false}},{"name":"size"}],"parameters":{"binary_data_output":true}}""", Of(-1f, 2f));

        Assert.Equal(200, reply.Status);
        int length = int.Parse(reply.Header("Inference-Header-Content-Length")!, CultureInfo.InvariantCulture);
        Assert.Equal("""{"model_name":"three","model_version":"1","outputs":[{"name":"same","datatype":"FP32","shape":[1,2],"data":[-1,2]},{"name":"size","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]}""", reply.Text[..length]);
    }

    [Fact]
    public async Task DataThatDoNotBeginAtAMultipleOfTheirSizeAreReadAllTheSame()
    {
        // three bytes of BYTES before, with names of lengths that shift the JSON's end through every remainder
        for (int pad = 0; pad < 8; pad++)
        {
            var json = $$$"""{"id":"{{{new string('i', pad)}}}","inputs":[{"name":"x","shape":[1,3],"datatype":"FP64","parameters":{"binary_data_size":24}}]}""";
            var reply = await server.Client.InferAsync("identity_FP64", json, Of(1.0, -2.5, 3.0));
            reply.AssertOk();
            Assert.Contains("\"data\":[1,-2.5,3]", reply.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task CompressedRequestsAndAnswersAreUnderstood(string algorithm)
    {
        byte[] json = Encoding.UTF8.GetBytes("""{"inputs":[{"name":"x","shape":[1,1000],"datatype":"INT64","parameters":{"binary_data_size":8000}}],"parameters":{"binary_data_output":true}}""");
        byte[] body = Compress(algorithm, [.. json, .. new byte[8000]]);
        var content = TensorRequests.Octets(body);
        content.Headers.TryAddWithoutValidation("Content-Encoding", algorithm);
        using var handler = new SocketsHttpHandler { AutomaticDecompression = System.Net.DecompressionMethods.None };
        using var http = new HttpClient(handler) { BaseAddress = server.Client.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/identity_INT64/infer") { Content = content };
        request.Headers.TryAddWithoutValidation("Inference-Header-Content-Length", json.Length.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("Accept-Encoding", algorithm);

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(algorithm, Assert.Single(response.Content.Headers.ContentEncoding));
        var answer = Decompress(algorithm, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        int length = int.Parse(Assert.Single(response.Headers.GetValues("Inference-Header-Content-Length")), CultureInfo.InvariantCulture);
        Assert.Equal(8000, answer.Length - length);
        Assert.Equal("identity_INT64", JsonSerializer.Deserialize<JsonElement>(answer.AsSpan(0, length)).GetProperty("model_name").GetString());
    }

    [Fact]
    public async Task AHeaderOfZeroMakesTheBodyTheOnlyInput()
    {
        var reply = await server.Client.InferAsync("identity_FP32", "", Of(1f, 2f, 3f));

        Assert.Equal(200, reply.Status);
        Assert.StartsWith("""{"model_name":"identity_FP32","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}]}""", reply.Text, StringComparison.Ordinal);
        (await server.Client.InferAsync("add", "", new byte[16])).AssertError(400, "the model has 2");
        (await server.Client.InferAsync("identity_FP32", "", new byte[7])).AssertError(400, "takes 4 bytes, and there are 7");
        var text = await server.Client.InferAsync("identity_BYTES", "", "any text"u8.ToArray());
        Assert.EndsWith("any text", text.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BytesThatAreNoTextCanOnlyBeAnsweredAsBinaryData()
    {
        var json = """{"inputs":[{"name":"x","shape":[1,1],"datatype":"BYTES","parameters":{"binary_data_size":5}}]}""";

        (await server.Client.InferAsync("identity_BYTES", json, [1, 0, 0, 0, 255])).AssertError(400, "outputs[0] \"y\"", "binary_data");
    }

    private static byte[] Of<T>(params T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static byte[] Compress(string algorithm, byte[] data)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = algorithm == "gzip" ? new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true) : new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            stream.Write(data);
        return compressed.ToArray();
    }

    private static byte[] Decompress(string algorithm, byte[] data)
    {
        using var source = new MemoryStream(data);
        using Stream stream = algorithm == "gzip" ? new GZipStream(source, CompressionMode.Decompress) : new ZLibStream(source, CompressionMode.Decompress);
        using var result = new MemoryStream();
        stream.CopyTo(result);
        return result.ToArray();
    }

    private sealed record RawAnswer(int Status, Dictionary<string, string> Headers, string Head, byte[] Binary);

    /// <summary>Writes the bytes that the client would onto a connection, and reads the answer as bytes.</summary>
    private async Task<RawAnswer> RawAsync(string model, byte[] json, byte[] data)
    {
        var cancel = TestContext.Current.CancellationToken;
        var address = server.Client.Address;
        using var connection = new TcpClient();
        await connection.ConnectAsync(address.Host, address.Port, cancel);
        await using var stream = connection.GetStream();
        var head = $"POST /v2/models/{model}/infer HTTP/1.1\r\nInference-Header-Content-Length: {json.Length}\r\nUser-Agent: python/gevent-http-client-2.0.2\r\nHost: {address.Authority}\r\nContent-Length: {json.Length + data.Length}\r\n\r\n";
        await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. json, .. data], cancel);

        var received = new List<byte>();
        var buffer = new byte[4096];
        int body = -1;
        Dictionary<string, string> headers = [];
        while (body < 0 || received.Count < body + int.Parse(headers["content-length"], CultureInfo.InvariantCulture))
        {
            int read = await stream.ReadAsync(buffer, cancel);
            Assert.True(read > 0, Encoding.Latin1.GetString([.. received]));
            received.AddRange(buffer.AsSpan(0, read));
            int end = CollectionsMarshal.AsSpan(received).IndexOf("\r\n\r\n"u8);
            if (body < 0 && end >= 0)
            {
                body = end + 4;
                headers = Encoding.Latin1.GetString([.. received[..end]]).Split("\r\n").Skip(1).Select(l => l.Split(": ", 2)).ToDictionary(p => p[0].ToLowerInvariant(), p => p[1]);
            }
        }
        byte[] all = [.. received];
        int length = int.Parse(headers["inference-header-content-length"], CultureInfo.InvariantCulture);
        return new RawAnswer(int.Parse(Encoding.ASCII.GetString(all, 9, 3), CultureInfo.InvariantCulture), headers, Encoding.UTF8.GetString(all, body, length), all[(body + length)..]);
    }
}
