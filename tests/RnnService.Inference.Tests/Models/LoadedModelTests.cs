using RnnService.Core.Taxonomy;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Models;

public sealed class LoadedModelTests(ShippedModels models)
{
    private const double Tolerance = 1e-5;

    [Fact]
    public async Task RunAsync_EachGoldenTextAlone_GivesGoldenProbabilities()
    {
        foreach (var entry in GoldenFile.Entries)
            Engine.AssertClose(Expected(entry), Assert.Single(await Engine.ProbabilitiesAsync(models.Classifier, [entry.Ids])), Tolerance);
    }

    [Fact]
    public async Task RunAsync_AllGoldenTextsInOneRequest_AnswersEachAsAlone()
    {
        var together = await Engine.ProbabilitiesAsync(models.Classifier, GoldenFile.Entries.Select(e => e.Ids));
        for (int i = 0; i < together.Length; i++)
        {
            var alone = await Engine.ProbabilitiesAsync(models.Classifier, [GoldenFile.Entries[i].Ids]);
            Engine.AssertClose(alone[0], together[i], Tolerance);
        }
    }

    [Fact]
    public async Task RunAsync_ManyRequestsAtOnce_AnswersEachAsAlone()
    {
        var random = new Random(11);
        var requests = Enumerable.Range(0, 64).Select(_ => random.GetItems(GoldenFile.Entries.ToArray(), random.Next(1, 8))).ToArray();
        var answers = await Task.WhenAll(requests.Select(r => Task.Run(() => Engine.ProbabilitiesAsync(models.Classifier, r.Select(e => e.Ids)))));
        for (int i = 0; i < requests.Length; i++)
        {
            for (int j = 0; j < requests[i].Length; j++)
                Engine.AssertClose(Expected(requests[i][j]), answers[i][j], Tolerance);
        }
    }

    [Theory]
    [InlineData(1, 512)]
    [InlineData(512, 1)]
    public async Task RunAsync_LongestBesideShortest_AnswersEachAsAlone(int first, int second)
    {
        var random = new Random(first);
        int[][] sequences = [.. new[] { first, second, 7 }.Select(n => Enumerable.Range(0, n).Select(_ => random.Next(2, models.Classifier.VocabularySize!.Value)).ToArray())];
        var together = await Engine.ProbabilitiesAsync(models.Classifier, sequences);
        for (int i = 0; i < sequences.Length; i++)
            Engine.AssertClose((await Engine.ProbabilitiesAsync(models.Classifier, [sequences[i]]))[0], together[i], Tolerance);
    }

    [Fact]
    public async Task RunAsync_EveryIdOfTheVocabulary_IsAnswered()
    {
        var sequences = Enumerable.Range(0, models.Classifier.VocabularySize!.Value).Chunk(500);
        foreach (var answer in await Engine.ProbabilitiesAsync(models.Classifier, sequences))
            Assert.DoesNotContain(answer, double.IsNaN);
    }

    [Fact]
    public void Properties_ShippedModel_SayWhatManifestGraphAndCardSay()
    {
        var model = models.Questions;
        var classifier = models.Classifier;
        Assert.Equal(("questions", 1), (model.Name, model.Version));
        Assert.NotEmpty(model.Description!);
        Assert.Equal(["coarse", "fine"], classifier.Tree.Levels);
        Assert.Equal(["coarse", "fine"], classifier.Heads.Select(h => h.Output));
        Assert.Equal(HeadScheme.Levels, classifier.Scores.Scheme);
        Assert.Equal(["input_ids", "lengths"], model.Inputs.Select(i => i.Name));
        Assert.Equal([-1, -1], model.Inputs[0].Shape);
        Assert.Equal([-1, GoldenFile.Entries[0].Fine.Length], model.Outputs[1].Shape);
        Assert.Equal(classifier.Vocabulary!.Count, classifier.VocabularySize);
        Assert.Equal(512, classifier.MaxLength);
        Assert.Equal(Decoding.BestPath, classifier.Decoding);
        Assert.InRange(model.Metrics["coarse_accuracy"], 0.5, 1);
        Assert.NotEmpty(model.Graph.Producer);
        Assert.True(model.Graph.Opset > 0);
    }

    [Fact]
    public void Load_AnyModel_TurnsTelemetryOff()
    {
        Assert.NotNull(models.Classifier);
        Assert.Equal("1", Environment.GetEnvironmentVariable("ORT_DISABLE_TELEMETRY"));
    }

    private static double[] Expected(GoldenEntry entry) => [.. entry.Coarse, .. entry.Fine];
}
