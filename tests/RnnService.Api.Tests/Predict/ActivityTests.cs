using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Predict;

/// <summary>The shipped model of numeric sequences, from raw values with missing ones to labels.</summary>
public sealed class ActivityTests(SharedServer server)
{
    private const string Path = "/models/activity/predict";
    private const string Everything = "\"top_k\":6";
    private const double Tolerance = 1e-5;
    private static readonly string[] Coarse = ["moving", "still"];
    private static readonly string[] Fine = ["walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying"];
    private static readonly GoldenWindow[] Golden =
        JsonSerializer.Deserialize<GoldenWindow[]>(File.ReadAllBytes(RepositoryRoot.Combine("tests", "golden", "activity", "golden.json")), JsonSerializerOptions.Web)!;

    private readonly ServiceClient _client = server.Client;

    [Fact]
    public async Task EachSequenceAloneHasTheProbabilitiesOfTheTraining()
    {
        foreach (var golden in Golden)
            AssertAll(golden, Assert.Single((await PostAsync([golden], Everything)).Predictions));
    }

    [Fact]
    public async Task AllLengthsTogetherAreAnsweredEachAsAlone()
    {
        var predictions = (await PostAsync(Golden, Everything)).Predictions;

        Assert.Equal(Golden.Length, predictions.Length);
        for (int i = 0; i < Golden.Length; i++)
            AssertAll(Golden[i], predictions[i]);
    }

    [Fact]
    public async Task ManyRequestsAtOnceAreAnsweredEachAsAlone()
    {
        var random = new Random(7);
        var requests = Enumerable.Range(0, 40).Select(_ => random.GetItems(Golden, random.Next(1, 5))).ToArray();

        var replies = await Task.WhenAll(requests.Select(r => PostAsync(r, Everything)));

        for (int r = 0; r < requests.Length; r++)
        {
            var predictions = replies[r].Predictions;
            Assert.Equal(requests[r].Length, predictions.Length);
            for (int i = 0; i < predictions.Length; i++)
                AssertAll(requests[r][i], predictions[i]);
        }
    }

    [Fact]
    public async Task IndependentAnswersEachHeadAloneAndSaysWhetherThatIsAChain()
    {
        var predictions = (await PostAsync(Golden, "\"decoding\":\"independent\"")).Predictions;

        for (int i = 0; i < Golden.Length; i++)
        {
            var (coarse, fine) = (Level(predictions[i], 0), Level(predictions[i], 1));
            Assert.Equal(Golden[i].Coarse.Max(), coarse.Probability, Tolerance);
            Assert.Equal(Golden[i].Coarse[Array.IndexOf(Coarse, coarse.Label)], coarse.Probability, Tolerance);
            Assert.Equal(Array.IndexOf(Fine, fine.Label) / 3 == Array.IndexOf(Coarse, coarse.Label), predictions[i].GetProperty("consistent").GetBoolean());
            Assert.InRange(fine.Probability, 1.0 / Fine.Length, 1);
        }
    }

    [Fact]
    public async Task IdsAreEchoedWithTheRightSequencesWhereSomeAreCutIntoWindows()
    {
        var reply = await _client.PostAsync(Path, $$"""{"inputs":[{{string.Join(',', Golden.Select((g, i) => i % 3 == 2 ? Item(g) : Item(g, $"s{i}")))}}],{{Everything}}}""");

        for (int i = 0; i < Golden.Length; i++)
        {
            Assert.Equal(i % 3 == 2 ? null : $"s{i}", reply.Predictions[i].TryGetProperty("id", out var id) ? id.GetString() : null);
            AssertAll(Golden[i], reply.Predictions[i]);
        }
    }

    [Fact]
    public async Task AThresholdBetweenTheLevelsStopsAtTheUpperOne()
    {
        var golden = Golden.MaxBy(g => g.Coarse.Max() - g.Fine.Max())!;
        double threshold = (golden.Coarse.Max() + golden.Fine.Max()) / 2;

        var prediction = Assert.Single((await PostAsync([golden], $"\"threshold\":{threshold.ToString(CultureInfo.InvariantCulture)}")).Predictions);

        Assert.Equal("coarse", prediction.GetProperty("stopped_at").GetString());
        Assert.Equal(Coarse[Array.IndexOf(golden.Coarse, golden.Coarse.Max())], prediction.GetProperty("label").GetString());
        Assert.Equal(golden.Coarse.Max(), Probability(prediction), Tolerance);
    }

    [Fact]
    public async Task TheAnswerTellsItsTimesItsRequestAndItsModel()
    {
        using var content = ServiceClient.Json(new StringContent(Body([Golden[0]])));

        var reply = await _client.SendAsync(HttpMethod.Post, "/models/activity/versions/1/predict", content, "X-Request-Id", "walk-7");

        reply.AssertOk();
        Assert.Equal("walk-7", reply.Header("X-Request-Id"));
        Assert.Matches("^queue;dur=[0-9.]+, batch;desc=\"[0-9]+x[0-9]+\", infer;dur=[0-9.]+, decode;dur=[0-9.]+$", reply.Header("Server-Timing"));
        Assert.Equal("activity", reply.Json.GetProperty("model").GetString());
        Assert.Equal("1", reply.Json.GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("""{"features":[]}""", "/inputs/1/features", "at least 1 time step")]
    [InlineData("""{"features":[[]]}""", "/inputs/1/features/0", "0 value(s)")]
    [InlineData("""{"features":null}""", "/inputs/1/features", "not null")]
    [InlineData("""{"features":"1,2"}""", "/inputs/1/features", "array of time steps")]
    [InlineData("""{"features":{"0":[1]}}""", "/inputs/1/features", "array of time steps")]
    [InlineData("""{"features":[7]}""", "/inputs/1/features/0", "array of 9 number(s)")]
    [InlineData("""{"features":[[1,2,3,4,5,6,7,8]]}""", "/inputs/1/features/0", "8 value(s), but the model takes 9")]
    [InlineData("""{"features":[[1,2,3,4,5,6,7,8,9,10]]}""", "/inputs/1/features/0", "10 value(s), but the model takes 9")]
    [InlineData("""{"features":[[1,2,3,4,5,6,7,8,9],null]}""", "/inputs/1/features/1", "not null")]
    [InlineData("""{"features":[[1,2,3,4,5,6,7,8,1e999]]}""", "/inputs/1/features/0/8", "finite")]
    [InlineData("""{"features":[[1,2,3,4,5,6,7,8,-1e39]]}""", "/inputs/1/features/0/8", "finite")]
    [InlineData("""{"features":[[1,2,3,4,5,6,7,8,9],[1,2,"3",4,5,6,7,8,9]]}""", "/inputs/1/features/1/2", "not a string")]
    [InlineData("""{"features":[[1,2,true,4,5,6,7,8,9]]}""", "/inputs/1/features/0/2", "not a boolean")]
    [InlineData("""{"features":[[1,2,[3],4,5,6,7,8,9]]}""", "/inputs/1/features/0/2", "not an array")]
    [InlineData("""{"features":[[1,2,3,4,5,6,7,8,9]],"features":[[1,2,3,4,5,6,7,8,9]]}""", "/inputs/1/features", "twice")]
    [InlineData("""{"text":"walking"}""", "/inputs/1/text", "takes features")]
    [InlineData("\"walking\"", "/inputs/1", "takes features")]
    [InlineData("""{"tokens":["a"]}""", "/inputs/1/tokens", "takes features")]
    [InlineData("""{"ids":[1]}""", "/inputs/1/ids", "takes features")]
    [InlineData("""{"id":"a"}""", "/inputs/1", "exactly one of features")]
    [InlineData("{}", "/inputs/1", "exactly one of features")]
    public async Task AFaultIsPointedAt(string item, string pointer, string part)
    {
        var reply = await _client.PostAsync(Path, $$"""{"inputs":[{"features":[[1,2,3,null,5,6,7,8,9]]},{{item}}]}""");

        Assert.Equal(pointer, Assert.Single(reply.AssertProblem(400, part)));
    }

    [Fact]
    public async Task SeveralFaultsAreAllListed()
    {
        var steps = Enumerable.Repeat("[1,2,3,4,5,6,7,8,9]", 4);

        var reply = await _client.PostAsync(Path, $$"""{"inputs":[{"features":[{{string.Join(',', steps)}}]},{"features":[{{string.Join(',', steps)}},[1,2],["x",2,3,4,5,6,7,8,9]]},{"features":[]}]}""");

        Assert.Equal(["/inputs/1/features/4", "/inputs/1/features/5/0", "/inputs/2/features"], reply.AssertProblem(400));
    }

    [Fact]
    public async Task FeaturesForAModelOfTextAreRefused() =>
        Assert.Equal("/inputs/0/features", Assert.Single((await _client.PostAsync("/models/questions/predict", Body([Golden[4]]))).AssertProblem(400, "not features")));

    [Fact]
    public async Task ALongSequenceIsAnsweredInWindowsAndATooLongOneIs413()
    {
        string Long(int steps) => $$"""{"inputs":[{"features":[{{string.Join(',', Enumerable.Repeat("[1,0,0,0,0,0,1,0,0]", steps))}}]}]}""";

        Assert.Single((await _client.PostAsync(Path, Long(4096))).Predictions);
        Assert.Equal("/inputs/0/features", Assert.Single((await _client.PostAsync(Path, Long(4097))).AssertProblem(413, "4096")));
    }

    [Fact]
    public async Task WindowsCountAgainstTheLimitOfARequest()
    {
        await using var server = await Server.StartAsync(RepositoryRoot.Models, "--Limits:Sequences", "6");
        await server.Client.WaitUntilReadyAsync();
        string Steps(int steps) => $$"""{"features":[{{string.Join(',', Enumerable.Repeat("[1,0,0,0,0,0,1,0,0]", steps))}}]}""";

        Assert.Equal(2, (await server.Client.PostAsync(Path, $$"""{"inputs":[{{Steps(384)}},{{Steps(1)}}]}""")).Predictions.Length);   // 5 windows, and 1
        Assert.Equal("/inputs/1/features", Assert.Single((await server.Client.PostAsync(Path, $$"""{"inputs":[{{Steps(384)}},{{Steps(129)}}]}""")).AssertProblem(413, "6 windows of 128")));
    }

    [Fact]
    public async Task WithoutAPolicyForMissingValuesANullIsRefusedAndNumbersAreTaken()
    {
        using var models = new ModelFolder();
        var folder = System.IO.Path.Combine(models.Root, "activity", "1");
        Folders.Copy(RepositoryRoot.Combine("models", "activity", "1"), folder);
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(folder, "model.json"), TestContext.Current.CancellationToken))!;
        Assert.True(manifest["features"]!.AsObject().Remove("missing"));
        await File.WriteAllTextAsync(System.IO.Path.Combine(folder, "model.json"), manifest.ToJsonString(), TestContext.Current.CancellationToken);
        await using var own = await Server.StartAsync(models.Root, "--Models:Default", "activity");
        await own.Client.WaitUntilReadyAsync();

        var whole = Golden.First(g => !g.Features.Any(s => s.Contains(null)));
        AssertAll(whole, Assert.Single((await own.Client.PredictAsync(Body([whole], Everything))).Predictions));
        Assert.Equal(
            ["/inputs/0/features/1/2", "/inputs/0/features/1/8"],
            (await own.Client.PredictAsync("""{"inputs":[{"features":[[1,2,3,4,5,6,7,8,9],[1,2,null,4,5,6,7,8,null]]}]}""")).AssertProblem(400, "state \"missing\""));
    }

    private static void AssertAll(GoldenWindow golden, JsonElement prediction)
    {
        var alternatives = prediction.GetProperty("alternatives").EnumerateArray().ToArray();
        Assert.Equal(Fine.Length, alternatives.Length);
        foreach (var alternative in alternatives)
        {
            int fine = Array.IndexOf(Fine, alternative.GetProperty("path")[1].GetString());
            Assert.Equal(Coarse[fine / 3], alternative.GetProperty("path")[0].GetString());
            Assert.Equal(golden.Fine[fine], Probability(alternative), Tolerance);
        }
        Assert.Equal(alternatives.Select(Probability).OrderDescending(), alternatives.Select(Probability));
        Assert.Equal(golden.Fine.Max(), Probability(prediction), Tolerance);
        Assert.Equal(golden.Fine.Max(), Level(prediction, 1).Probability, Tolerance);
        Assert.Equal(golden.Coarse[Array.IndexOf(Coarse, Level(prediction, 0).Label)], Level(prediction, 0).Probability, Tolerance);
    }

    private static (string Label, double Probability) Level(JsonElement prediction, int level) =>
        (prediction.GetProperty("levels")[level].GetProperty("label").GetString()!, Probability(prediction.GetProperty("levels")[level]));

    private static double Probability(JsonElement element) => element.GetProperty("probability").GetDouble();

    private Task<Reply> PostAsync(GoldenWindow[] sequences, string options) => _client.PostAsync(Path, Body(sequences, options));

    private static string Body(GoldenWindow[] sequences, string? options = null) =>
        $$"""{"inputs":[{{string.Join(',', sequences.Select(s => Item(s)))}}]{{(options is null ? "" : $",{options}")}}}""";

    private static string Item(GoldenWindow sequence, string? id = null) =>
        $$"""{{{(id is null ? "" : $"\"id\":\"{id}\",")}}"features":{{JsonSerializer.Serialize(sequence.Features)}}}""";

    /// <param name="Coarse">Probability of each coarse label, the mean over the windows.</param>
    /// <param name="Fine">Probability of each fine label, given its parent times that of its parent; the mean over the windows.</param>
    /// <param name="Features">Raw values, null where one is missing.</param>
    private sealed record GoldenWindow(double[] Coarse, double[] Fine, double?[][] Features);
}
