using RnnService.Inference.Models;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Models;

public sealed class ModelRepositoryTests(ShippedModels models)
{
    [Fact]
    public void Find_NoName_IsTheDefaultModel() => Assert.Equal("questions", models.Repository.Find(null, null).Model!.Name);

    [Fact]
    public void Find_OtherName_SaysWhereTheNamesAre()
    {
        var lookup = models.Repository.Find("answers", null);
        Assert.Equal(LookupResult.NoSuchModel, lookup.Result);
        Assert.Contains("\"answers\"", lookup.Detail, StringComparison.Ordinal);
        Assert.Contains("GET /models", lookup.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("99")]
    [InlineData("-1")]
    [InlineData("one")]
    [InlineData("")]
    [InlineData("1.0")]
    [InlineData("99999999999999999999")]
    public void Find_OtherVersion_SaysWhichThereAre(string version)
    {
        var lookup = models.Repository.Find("questions", version);
        Assert.Equal(LookupResult.NoSuchVersion, lookup.Result);
        Assert.Contains("it has 1", lookup.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Find_NoVersion_IsTheNewestReadyOne()
    {
        using var folders = new ModelFolders();
        folders.Add("m", "2");
        folders.Add("m", "10");
        File.WriteAllText(Path.Combine(folders.Add("m", "11"), "model.onnx"), "not a model");
        await using var running = await RunningRepository.StartAsync(folders.Root);
        Assert.Equal([2, 10, 11], running.Repository.Versions("m").Select(v => v.Version));
        Assert.Equal(10, running.Repository.Find("m", null).Model!.Version);
        Assert.Equal(2, running.Repository.Find("m", "2").Model!.Version);
        Assert.Equal(LookupResult.Failed, running.Repository.Find("m", "11").Result);
        Assert.True(running.Repository.Ready);
    }

    [Fact]
    public async Task Folders_NamesThatAreNoVersion_AreLeftAlone()
    {
        using var folders = new ModelFolders();
        foreach (var name in new[] { "0", "-1", "01", "v1", "1.0", "latest" })
            folders.Add("m", name, "model.onnx");
        folders.Add("m", "3", "labels.json");   // no graph
        folders.Add("m", "4", "model.onnx");
        await using var running = await RunningRepository.StartAsync(folders.Root);
        Assert.Equal(4, running.Only("m").Version);
        Assert.True(running.Repository.Ready);
    }

    [Fact]
    public async Task Find_BareGraph_ServesIdsWithLabelsByIndex()
    {
        using var folders = new ModelFolders();
        folders.Add("bare", "1", "model.onnx");
        await using var running = await RunningRepository.StartAsync(folders.Root);
        var model = running.Only("bare").Model!.Classifier!;
        Assert.Null(model.Vocabulary);
        Assert.Equal(models.Classifier.VocabularySize, model.VocabularySize);
        Assert.False(model.Tree.IsHierarchy);
        Assert.Equal(["coarse", "fine"], model.Tree.Levels);
        Assert.Equal("coarse:0", model.Tree.Label(0));
        Assert.Equal($"fine:{GoldenFile.Entries[0].Fine.Length - 1}", model.Tree.Label(model.Tree.Count - 1));
        var entry = GoldenFile.Entries[0];
        Engine.AssertClose([.. entry.Coarse, .. entry.Fine], (await Engine.ProbabilitiesAsync(model, [entry.Ids]))[0], 1e-5);
    }

    [Fact]
    public async Task Find_GraphWithLabelsAlone_IsAHierarchyOverIds()
    {
        using var folders = new ModelFolders();
        folders.Add("labelled", "1", "model.onnx", "labels.json");
        await using var running = await RunningRepository.StartAsync(folders.Root);
        var model = running.Only("labelled").Model!.Classifier!;
        Assert.True(model.Tree.IsHierarchy);
        Assert.Null(model.Vocabulary);
    }

    [Theory]
    [InlineData("no front matter")]
    [InlineData("---\nmetrics: [1, 2\n---\n")]
    [InlineData("---\nmetrics:\n  a: many\n---\n")]
    [InlineData("---\nmetrics:\n---\n")]
    [InlineData("---\n---\n")]
    [InlineData("---\n- 1\n---\n")]
    [InlineData("")]
    public async Task Find_CardThatSaysNothing_ServesAllTheSame(string card)
    {
        using var folders = new ModelFolders();
        folders.AddChanged("m", "README.md", _ => card);
        await using var running = await RunningRepository.StartAsync(folders.Root);
        Assert.False(running.HostStops);
        Assert.Equal(ModelState.Ready, running.Only("m").State);
        Assert.Empty(running.Only("m").Model!.Metrics);
    }
}
