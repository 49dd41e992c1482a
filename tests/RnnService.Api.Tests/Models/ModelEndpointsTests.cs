using System.Text.Json;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Models;

public sealed class ModelEndpointsTests(SharedServer server)
{
    private readonly ServiceClient _client = server.Client;

    [Fact]
    public async Task Get_Models_ListsAllWithTheirVersions()
    {
        var reply = await _client.GetAsync("/models");
        reply.AssertOk();
        Assert.Equal("questions", reply.Json.GetProperty("default").GetString());
        var questions = Assert.Single(reply.Json.GetProperty("models").EnumerateArray(), m => m.GetProperty("name").GetString() == "questions");
        Assert.Equal("ready", questions.GetProperty("state").GetString());
        Assert.Equal("1", questions.GetProperty("default_version").GetString());
    }

    [Fact]
    public async Task Get_Model_HasItsVersions()
    {
        var reply = await _client.GetAsync("/models/questions");
        reply.AssertOk();
        AssertQuestions(Assert.Single(reply.Json.GetProperty("versions").EnumerateArray()));
    }

    [Fact]
    public async Task Get_Version_SaysWhatItTakesAndAnswers()
    {
        var reply = await _client.GetAsync("/models/questions/versions/1");
        reply.AssertOk();
        AssertQuestions(reply.Json);
    }

    [Fact]
    public async Task Get_Labels_IsTheFileWithEveryIndex()
    {
        var reply = await _client.GetAsync("/models/questions/labels");
        reply.AssertOk();
        var file = JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(RepositoryRoot.Combine("models", "questions", "1", "labels.json")));
        Assert.Equal(Labels(file.GetProperty("tree")), Labels(reply.Json.GetProperty("tree")));
        Assert.Equal(["coarse", "fine"], reply.Json.GetProperty("levels").EnumerateArray().Select(l => l.GetString()));
        Assert.All(reply.Json.GetProperty("tree").EnumerateArray(), n => Assert.Equal(JsonValueKind.Number, n.GetProperty("index").ValueKind));
    }

    private static void AssertQuestions(JsonElement version)
    {
        Assert.Equal("questions", version.GetProperty("name").GetString());
        Assert.Equal("1", version.GetProperty("version").GetString());
        Assert.Equal("ready", version.GetProperty("state").GetString());
        Assert.NotEmpty(version.GetProperty("device").GetString()!);
        Assert.Equal(["input_ids", "lengths"], version.GetProperty("inputs").EnumerateArray().Select(i => i.GetProperty("name").GetString()));
        Assert.Equal(["coarse", "fine"], version.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()));
        Assert.Equal(["coarse", "fine"], version.GetProperty("levels").EnumerateArray().Select(l => l.GetString()));
        Assert.True(version.GetProperty("takes_text").GetBoolean());
        Assert.Equal(File.ReadAllLines(RepositoryRoot.Combine("models", "questions", "1", "vocab.txt")).Length, version.GetProperty("vocabulary_size").GetInt32());
        Assert.Equal(512, version.GetProperty("max_length").GetInt32());
        Assert.Equal("best_path", version.GetProperty("decoding").GetString());
        Assert.InRange(version.GetProperty("metrics").GetProperty("coarse_accuracy").GetDouble(), 0.5, 1);
        Assert.False(version.TryGetProperty("reason", out _));
    }

    private static string Labels(JsonElement nodes) => string.Join(' ', nodes.EnumerateArray().Select(n =>
        n.GetProperty("label").GetString() + (n.TryGetProperty("children", out var children) && children.ValueKind == JsonValueKind.Array ? $"({Labels(children)})" : "")));
}
