using System.Globalization;
using System.Text.Json;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Predict;

/// <summary>What an answer promises about its probabilities and its path, over every golden text.</summary>
public sealed class CoherenceTests(SharedServer server)
{
    private const double Tolerance = 1e-5;
    private readonly ServiceClient _client = server.Client;

    [Theory]
    [InlineData("best_path")]
    [InlineData("top_down")]
    public async Task Post_CoherentDecoding_GivesAChainWhoseProbabilitiesFall(string decoding)
    {
        var tree = await LabelTreeOfServer.ReadAsync(_client);
        foreach (var (prediction, _) in await PredictAllAsync($"\"decoding\":\"{decoding}\""))
        {
            var path = Strings(prediction.GetProperty("path"));
            Assert.Equal(2, path.Length);
            Assert.Equal(tree.Parent[path[1]], path[0]);
            Assert.Equal(path[^1], prediction.GetProperty("label").GetString());
            Assert.Equal(["coarse", "fine"], Levels(prediction).Select(l => l.Name));
            Assert.Equal(path, Levels(prediction).Select(l => l.Label));
            Assert.True(Levels(prediction)[0].Probability >= Levels(prediction)[1].Probability);
            Assert.Equal(Levels(prediction)[1].Probability, Probability(prediction));
            Assert.False(prediction.TryGetProperty("consistent", out _));
            Assert.False(prediction.TryGetProperty("stopped_at", out _));
        }
    }

    [Fact]
    public async Task Post_AllAlternatives_SumToTheirParentsAndToOne()
    {
        var tree = await LabelTreeOfServer.ReadAsync(_client);
        foreach (var (prediction, entry) in await PredictAllAsync("\"top_k\":1000"))
        {
            var alternatives = prediction.GetProperty("alternatives").EnumerateArray().ToArray();
            Assert.All(alternatives, a => Assert.Equal(tree.Parent[Strings(a.GetProperty("path"))[1]], Strings(a.GetProperty("path"))[0]));
            Assert.Equal(1, alternatives.Sum(Probability), Tolerance);
            var below = alternatives.GroupBy(a => Strings(a.GetProperty("path"))[0]).ToDictionary(g => g.Key, g => g.Sum(Probability));
            for (int i = 0; i < tree.Coarse.Length; i++)
                Assert.Equal(entry.Coarse[i], below[tree.Coarse[i]], Tolerance);
            Assert.Equal(Levels(prediction)[0].Probability, below[Levels(prediction)[0].Label], Tolerance);
        }
    }

    [Fact]
    public async Task Post_BestPath_IsTheFirstOfAllAlternatives()
    {
        foreach (var (prediction, _) in await PredictAllAsync("\"top_k\":2,\"decoding\":\"best_path\""))
            Assert.Equal(prediction.GetProperty("path").GetRawText(), prediction.GetProperty("alternatives")[0].GetProperty("path").GetRawText());
    }

    [Fact]
    public async Task Post_TopDown_TakesTheMostProbableCoarseLabel()
    {
        var tree = await LabelTreeOfServer.ReadAsync(_client);
        foreach (var (prediction, entry) in await PredictAllAsync("\"decoding\":\"top_down\""))
        {
            Assert.Equal(entry.Coarse.Max(), Levels(prediction)[0].Probability, Tolerance);
            Assert.Equal(entry.Coarse[Array.IndexOf(tree.Coarse, Levels(prediction)[0].Label)], Levels(prediction)[0].Probability, Tolerance);
        }
    }

    [Fact]
    public async Task Post_Independent_AnswersEachHeadAloneAndSaysWhetherThatIsAChain()
    {
        var tree = await LabelTreeOfServer.ReadAsync(_client);
        var consistent = new HashSet<bool>();
        foreach (var (prediction, entry) in await PredictAllAsync("\"decoding\":\"independent\""))
        {
            var levels = Levels(prediction);
            Assert.Equal(entry.Coarse.Max(), levels[0].Probability, Tolerance);
            Assert.Equal(entry.Fine.Max(), levels[1].Probability, Tolerance);
            Assert.Equal(entry.Coarse[Array.IndexOf(tree.Coarse, levels[0].Label)], levels[0].Probability, Tolerance);
            Assert.Equal(entry.Fine[Array.IndexOf(tree.Fine, levels[1].Label)], levels[1].Probability, Tolerance);
            Assert.Equal(tree.Parent[levels[1].Label] == levels[0].Label, prediction.GetProperty("consistent").GetBoolean());
            consistent.Add(prediction.GetProperty("consistent").GetBoolean());
        }
        Assert.Contains(true, consistent);
    }

    [Fact]
    public async Task Post_ThresholdBetweenTheLevels_StopsAtTheUpperOne()
    {
        var (whole, entry) = (await PredictAllAsync("\"top_k\":1")).MaxBy(p => Levels(p.Prediction)[0].Probability - Levels(p.Prediction)[1].Probability);
        double threshold = Levels(whole).Average(l => l.Probability);
        var cut = await PredictAsync(entry, $"\"threshold\":{threshold.ToString(CultureInfo.InvariantCulture)}");
        Assert.Equal("coarse", cut.GetProperty("stopped_at").GetString());
        Assert.Equal(Levels(whole)[0].Label, cut.GetProperty("label").GetString());
        Assert.Equal(Levels(whole)[0].Label, Assert.Single(Strings(cut.GetProperty("path"))));
        Assert.Equal(Levels(whole)[0].Probability, Probability(cut), Tolerance);
        Assert.Single(Levels(cut));
    }

    [Fact]
    public async Task Post_AnyThreshold_IsNotUndercutBelowTheCoarsestLevel()
    {
        foreach (var (prediction, _) in await PredictAllAsync("\"threshold\":0.9"))
        {
            Assert.All(Levels(prediction).Skip(1), l => Assert.True(l.Probability >= 0.9));
            Assert.Equal(Levels(prediction).Length == 1, prediction.TryGetProperty("stopped_at", out _));
        }
    }

    [Fact]
    public async Task Post_ThresholdZero_NeverStops()
    {
        foreach (var (prediction, _) in await PredictAllAsync("\"threshold\":0"))
            Assert.False(prediction.TryGetProperty("stopped_at", out _));
    }

    private async Task<(JsonElement Prediction, GoldenEntry Entry)[]> PredictAllAsync(string options)
    {
        var inputs = string.Join(',', GoldenFile.Entries.Select(e => JsonSerializer.Serialize(e.Text)));
        var predictions = (await _client.PredictAsync($$"""{"inputs":[{{inputs}}],{{options}}}""")).Predictions;
        return [.. predictions.Zip(GoldenFile.Entries)];
    }

    private async Task<JsonElement> PredictAsync(GoldenEntry entry, string options) =>
        Assert.Single((await _client.PredictAsync($$"""{"inputs":[{{JsonSerializer.Serialize(entry.Text)}}],{{options}}}""")).Predictions);

    private static (string Name, string Label, double Probability)[] Levels(JsonElement prediction) =>
        [.. prediction.GetProperty("levels").EnumerateArray().Select(l => (l.GetProperty("name").GetString()!, l.GetProperty("label").GetString()!, Probability(l)))];

    private static string[] Strings(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetString()!)];

    private static double Probability(JsonElement element) => element.GetProperty("probability").GetDouble();
}
