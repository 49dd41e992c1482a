using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Predict;

/// <summary>Every way to get a body wrong: 400 with a pointer to the place and the remedy in the text.</summary>
public sealed class RequestFaultTests(SharedServer server)
{
    private readonly ServiceClient _client = server.Client;

    [Theory]
    [InlineData("""{}""", "/inputs", "\"inputs\" is missing")]
    [InlineData("""{"inputs":[]}""", "/inputs", "at least 1")]
    [InlineData("""{"inputs":null}""", "/inputs", "array")]
    [InlineData("""{"inputs":"Who ?"}""", "/inputs", "array")]
    [InlineData("""{"inputs":{"text":"Who ?"}}""", "/inputs", "array")]
    [InlineData("""{"inputs":[""]}""", "/inputs/0", "at least 1 token")]
    [InlineData("""{"inputs":["Who ?"," \t\u00a0"]}""", "/inputs/1", "at least 1 token")]
    [InlineData("""{"inputs":[7]}""", "/inputs/0", "not a number")]
    [InlineData("""{"inputs":[null]}""", "/inputs/0", "not null")]
    [InlineData("""{"inputs":[true]}""", "/inputs/0", "not a boolean")]
    [InlineData("""{"inputs":[["Who"]]}""", "/inputs/0", "not an array")]
    [InlineData("""{"inputs":[{}]}""", "/inputs/0", "exactly one of text, tokens, ids")]
    [InlineData("""{"inputs":[{"id":"q"}]}""", "/inputs/0", "exactly one of text, tokens, ids")]
    [InlineData("""{"inputs":[{"text":"Who ?","ids":[1]}]}""", "/inputs/0", "exactly one of text, tokens, ids")]
    [InlineData("""{"inputs":[{"text":""}]}""", "/inputs/0/text", "at least 1 token")]
    [InlineData("""{"inputs":[{"text":null}]}""", "/inputs/0/text", "not null")]
    [InlineData("""{"inputs":[{"text":["Who"]}]}""", "/inputs/0/text", "not an array")]
    [InlineData("""{"inputs":[{"text":"a","text":"b"}]}""", "/inputs/0/text", "twice")]
    [InlineData("""{"inputs":[{"tokens":[]}]}""", "/inputs/0/tokens", "at least 1 token")]
    [InlineData("""{"inputs":[{"tokens":"Who"}]}""", "/inputs/0/tokens", "array")]
    [InlineData("""{"inputs":[{"tokens":null}]}""", "/inputs/0/tokens", "array")]
    [InlineData("""{"inputs":[{"tokens":["Who",""]}]}""", "/inputs/0/tokens/1", "empty")]
    [InlineData("""{"inputs":[{"tokens":["Who",7]}]}""", "/inputs/0/tokens/1", "string")]
    [InlineData("""{"inputs":[{"tokens":["Who",null]}]}""", "/inputs/0/tokens/1", "string")]
    [InlineData("""{"inputs":[{"tokens":["Who",["is"],"x"]}]}""", "/inputs/0/tokens/1", "string")]
    [InlineData("""{"inputs":[{"ids":[]}]}""", "/inputs/0/ids", "at least 1 token")]
    [InlineData("""{"inputs":[{"ids":7}]}""", "/inputs/0/ids", "array")]
    [InlineData("""{"inputs":[{"ids":[5,-1]}]}""", "/inputs/0/ids/1", "0 to ")]
    [InlineData("""{"inputs":[{"ids":[1000000]}]}""", "/inputs/0/ids/0", "outside the vocabulary")]
    [InlineData("""{"inputs":[{"ids":[99999999999999999999]}]}""", "/inputs/0/ids/0", "outside the vocabulary")]
    [InlineData("""{"inputs":[{"ids":[1.5]}]}""", "/inputs/0/ids/0", "integer")]
    [InlineData("""{"inputs":[{"ids":[1e999]}]}""", "/inputs/0/ids/0", "integer")]
    [InlineData("""{"inputs":[{"ids":["1"]}]}""", "/inputs/0/ids/0", "integer")]
    [InlineData("""{"inputs":[{"ids":[null]}]}""", "/inputs/0/ids/0", "integer")]
    [InlineData("""{"inputs":[{"ids":[[1]]}]}""", "/inputs/0/ids/0", "integer")]
    [InlineData("""{"inputs":[{"features":[[0.5,null]]}]}""", "/inputs/0/features", "not features")]
    [InlineData("""{"inputs":[{"id":7,"text":"Who ?"}]}""", "/inputs/0/id", "string")]
    [InlineData("""{"inputs":[{"id":"a","id":"b","text":"Who ?"}]}""", "/inputs/0/id", "twice")]
    [InlineData("""{"inputs":[{"text":"Who ?","colour":{"r":[1]}}]}""", "/inputs/0/colour", "Unknown field")]
    [InlineData("""{"inputs":["Who ?"],"topk":3}""", "/topk", "top_k")]
    [InlineData("""{"inputs":["Who ?"],"a/b~c":[{}]}""", "/a~1b~0c", "Unknown field")]
    [InlineData("""{"inputs":["Who ?"],"":1}""", "/", "Unknown field")]
    [InlineData("""{"inputs":["Who ?"],"top_k":0}""", "/top_k", "at least 1")]
    [InlineData("""{"inputs":["Who ?"],"top_k":-1}""", "/top_k", "at least 1")]
    [InlineData("""{"inputs":["Who ?"],"top_k":1.5}""", "/top_k", "integer")]
    [InlineData("""{"inputs":["Who ?"],"top_k":1e999}""", "/top_k", "integer")]
    [InlineData("""{"inputs":["Who ?"],"top_k":"3"}""", "/top_k", "integer")]
    [InlineData("""{"inputs":["Who ?"],"top_k":[3]}""", "/top_k", "integer")]
    [InlineData("""{"inputs":["Who ?"],"top_k":3,"top_k":3}""", "/top_k", "twice")]
    [InlineData("""{"inputs":["Who ?"],"inputs":["When ?"]}""", "/inputs", "twice")]
    [InlineData("""{"inputs":["Who ?"],"timeout_ms":0}""", "/timeout_ms", "at least 1")]
    [InlineData("""{"inputs":["Who ?"],"timeout_ms":true}""", "/timeout_ms", "integer")]
    [InlineData("""{"inputs":["Who ?"],"threshold":-0.1}""", "/threshold", "0 to 1")]
    [InlineData("""{"inputs":["Who ?"],"threshold":1.1}""", "/threshold", "0 to 1")]
    [InlineData("""{"inputs":["Who ?"],"threshold":1e999}""", "/threshold", "0 to 1")]
    [InlineData("""{"inputs":["Who ?"],"threshold":"0.5"}""", "/threshold", "0 to 1")]
    [InlineData("""{"inputs":["Who ?"],"decoding":"best"}""", "/decoding", "best_path, top_down, independent")]
    [InlineData("""{"inputs":["Who ?"],"decoding":7}""", "/decoding", "best_path, top_down, independent")]
    [InlineData("""{"inputs":["Who ?"],"model":7}""", "/model", "string")]
    [InlineData("""{"inputs":["Who ?"],"version":1}""", "/version", "string")]
    [InlineData("""[]""", "", "object")]
    [InlineData("""null""", "", "object")]
    [InlineData("\"Who ?\"", "", "object")]
    public async Task Post_OneFault_PointsAtIt(string body, string pointer, string part) =>
        Assert.Equal(pointer, Assert.Single((await _client.PredictAsync(body)).AssertProblem(400, part)));

    [Fact]
    public async Task Post_SeveralFaults_ListsAllInOrder()
    {
        const string body = """
            {"top_k":0,"colour":"red",
             "inputs":["Who ?","",{"text":"a","tokens":["b"]},{"ids":[-1,5,99999999]},{"tokens":["a",1,""]},7,{"id":3,"text":"Who ?"}],
             "decoding":"best","threshold":2,"timeout_ms":-5}
            """;
        string[] pointers =
        [
            "/top_k", "/colour", "/inputs/1", "/inputs/2", "/inputs/3/ids/0", "/inputs/3/ids/2", "/inputs/4/tokens/1", "/inputs/4/tokens/2", "/inputs/5", "/inputs/6/id",
            "/decoding", "/threshold", "/timeout_ms",
        ];
        Assert.Equal(pointers, (await _client.PredictAsync(body)).AssertProblem(400));
    }

    [Fact]
    public async Task Post_MoreFaultsThanAnyoneReads_ListsSome()
    {
        var pointers = (await _client.PredictAsync($$"""{"inputs":[{"ids":[{{string.Join(',', Enumerable.Repeat("-1", 4000))}}]}]}""")).AssertProblem(400);
        Assert.InRange(pointers.Length, 10, 1000);
    }

    [Fact]
    public async Task Post_ModelInBodyAndAddressDiffer_SaysSo()
    {
        Assert.Equal(["/model"], (await _client.PostAsync("/models/questions/predict", """{"model":"answers","inputs":["Who ?"]}""")).AssertProblem(400, "\"answers\""));
        Assert.Equal(["/version"], (await _client.PostAsync("/models/questions/versions/1/predict", """{"inputs":["Who ?"],"version":"2"}""")).AssertProblem(400, "\"2\""));
    }

    [Theory]
    [InlineData("/predict", """{"model":"answers","inputs":["Who ?"]}""", "/model")]
    [InlineData("/predict", """{"inputs":["Who ?"],"model":"answers"}""", "/model")]
    [InlineData("/predict", """{"version":"2","inputs":["Who ?"]}""", "/version")]
    [InlineData("/predict", """{"version":"one","inputs":["Who ?"]}""", "/version")]
    public async Task Post_UnknownModelOrVersion_PointsAtTheName(string path, string body, string pointer) =>
        Assert.Equal([pointer], (await _client.PostAsync(path, body)).AssertProblem(404, pointer == "/model" ? "GET /models" : "it has 1"));

    [Theory]
    [InlineData("/models/answers/predict", "\"answers\"")]
    [InlineData("/models/questions/versions/2/predict", "\"2\"")]
    [InlineData("/models/questions/versions/x/predict", "\"x\"")]
    public async Task Post_UnknownModelOrVersionInTheAddress_NamesIt(string path, string part) =>
        (await _client.PostAsync(path, """{"inputs":["Who ?"]}""")).AssertProblem(404, part);

    [Theory]
    [InlineData("""{"inputs":["\ud83d"]}""", "/inputs/0")]
    [InlineData("""{"inputs":["Who \ude00\ud83d ?"]}""", "/inputs/0")]
    [InlineData("""{"inputs":[{"text":"\ud83d"}]}""", "/inputs/0/text")]
    [InlineData("""{"inputs":[{"tokens":["Who","\ud83d"]}]}""", "/inputs/0/tokens/1")]
    [InlineData("""{"inputs":[{"id":"\ud83d","text":"Who ?"}]}""", "/inputs/0/id")]
    [InlineData("""{"inputs":["Who ?"],"decoding":"\ud83d"}""", "/decoding")]
    public async Task Post_HalfASurrogatePair_PointsAtIt(string body, string pointer) =>
        Assert.Equal([pointer], (await _client.PredictAsync(body)).AssertProblem(400));

    [Theory]
    [InlineData("""{"inputs":["Who ?"],"model":"\ud83d"}""", 404)]
    [InlineData("""{"inputs":["Who ?"],"version":"\ud83d"}""", 404)]
    [InlineData("""{"model":"\ud83d","inputs":["Who ?"]}""", 404)]
    [InlineData("""{"inputs":["Who ?"],"\ud83d":1}""", 400)]
    [InlineData("""{"inputs":[{"text":"Who ?","\ud83d":1}]}""", 400)]
    public async Task Post_HalfASurrogatePairInAName_IsRefused(string body, int status) => (await _client.PredictAsync(body)).AssertProblem(status);

    [Fact]
    public async Task Post_LongUnknownNames_AreRefusedWithoutBreakingThem()
    {
        for (int length = 60; length < 70; length++)
        {
            var name = new string('x', length) + "😀😀";
            (await _client.PredictAsync($$"""{"inputs":["Who ?"],"{{name}}":1}""")).AssertProblem(400, "Unknown field");
            (await _client.PredictAsync($$"""{"inputs":[{"text":"Who ?","{{name}}":1}]}""")).AssertProblem(400, "Unknown field");
            (await _client.PredictAsync($$"""{"inputs":["Who ?"],"model":"{{name}}"}""")).AssertProblem(404);
        }
    }

    [Fact]
    public async Task Post_HugeUnknownName_IsNotSentBackWhole()
    {
        var reply = await _client.PredictAsync($$"""{"inputs":["Who ?"],"{{new string('x', 1_000_000)}}":1}""");
        reply.AssertProblem(400, "Unknown field");
        Assert.InRange(reply.Text.Length, 100, 100_000);
    }

    [Theory]
    [InlineData("""{"\u0069nputs":["Who ?"]}""")]
    [InlineData("""{"inputs":[{"te\u0078t":"Who ?"}]}""")]
    public async Task Post_EscapedFieldName_IsTheSameName(string body) => (await _client.PredictAsync(body)).AssertOk();
}
