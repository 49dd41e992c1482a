using System.Text.Json;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Models;

/// <summary>Label trees of any shape over the heads of real exports: what is answered is what the heads say, and contradictions keep a model from loading.</summary>
public sealed class LabelSchemeTests
{
    private const double Tolerance = 1e-5;

    private static readonly Dictionary<string, Export> Golden =
        JsonSerializer.Deserialize<Dictionary<string, Export>>(File.ReadAllBytes(RepositoryRoot.Combine("tests", "golden", "exports", "golden.json")), JsonSerializerOptions.Web)!;

    /// <summary>7 leaves at unequal depth: 4 of them at once below the root, 3 below two inner labels.</summary>
    private const string Uneven = """{"levels":["a","b","c"],"tree":[{"label":"p"},{"label":"q","children":[{"label":"q1"},{"label":"q2","children":[{"label":"q2x"},{"label":"q2y"}]}]},{"label":"r"},{"label":"s"},{"label":"t"}]}""";

    [Fact]
    public async Task OneHeadOverTheLeavesGivesInnerLabelsTheSum()
    {
        const string labels = """{"levels":["top","leaf"],"tree":[{"label":"A","children":[{"label":"a1"},{"label":"a2"},{"label":"a3"}]},{"label":"B","children":[{"label":"b1"},{"label":"b2"},{"label":"b3"},{"label":"b4"}]}]}""";
        await using var server = await StartAsync("good_lstm", labels, """{"heads":[{"output":"fine","scores":"leaves"}]}""");

        foreach (var (sequence, prediction) in await PredictAsync(server, "good_lstm", "\"top_k\":7"))
        {
            double[] leaves = Softmax(sequence.Fine);
            string[] names = ["a1", "a2", "a3", "b1", "b2", "b3", "b4"];
            foreach (var alternative in prediction.GetProperty("alternatives").EnumerateArray())
                Assert.Equal(leaves[Array.IndexOf(names, Last(alternative))], Probability(alternative), Tolerance);
            AssertSumsToLevels(prediction);
            Assert.Equal(leaves.Max(), Probability(prediction), Tolerance);
        }
    }

    [Fact]
    public async Task LeavesOfUnequalDepthAreAllAnswered()
    {
        await using var server = await StartAsync("good_lstm", Uneven.Replace("""{"label":"t"}""", """{"label":"t"},{"label":"u"}""", StringComparison.Ordinal), """{"heads":[{"output":"fine","scores":"leaves"}]}""", ready: false);
        Assert.Contains("7 wide, but labels.json has 8 leaves", await ReasonAsync(server), StringComparison.Ordinal);

        await using var right = await StartAsync("good_lstm", Uneven, """{"heads":[{"output":"fine","scores":"leaves"}]}""");
        foreach (var (sequence, prediction) in await PredictAsync(right, "good_lstm", "\"top_k\":100"))
        {
            double[] leaves = Softmax(sequence.Fine);
            var alternatives = prediction.GetProperty("alternatives").EnumerateArray().ToArray();
            Assert.Equal(7, alternatives.Length);
            Assert.Equal(leaves.Order(), alternatives.Select(Probability).Order(), (a, b) => Math.Abs(a - b) < Tolerance);
            Assert.Equal(["p", "q1", "q2x", "q2y", "r", "s", "t"], alternatives.Select(Last).Order(StringComparer.Ordinal));
            Assert.All(alternatives, a => Assert.Equal(Last(a) switch { "q1" => 2, "q2x" or "q2y" => 3, _ => 1 }, a.GetProperty("path").GetArrayLength()));
            AssertSumsToLevels(prediction);
            Assert.Equal(prediction.GetProperty("path").GetArrayLength(), prediction.GetProperty("levels").GetArrayLength());
        }
    }

    [Fact]
    public async Task OneHeadOverAllLabelsDividesEachParentAmongItsChildren()
    {
        // 3 + 4 labels: depth first A, a1, a2, B, C, c1, c2
        const string labels = """{"levels":["top","leaf"],"tree":[{"label":"A","children":[{"label":"a1"},{"label":"a2"}]},{"label":"B"},{"label":"C","children":[{"label":"c1"},{"label":"c2"}]}]}""";
        await using var server = await StartAsync("good_lstm", labels, """{"heads":[{"output":"fine","scores":"nodes"}]}""");
        var order = await OrderAsync(server);

        foreach (var (sequence, prediction) in await PredictAsync(server, "good_lstm", "\"top_k\":100"))
        {
            double[] top = Softmax([sequence.Fine[order["A"]], sequence.Fine[order["B"]], sequence.Fine[order["C"]]]);
            double[] a = Softmax([sequence.Fine[order["a1"]], sequence.Fine[order["a2"]]]), c = Softmax([sequence.Fine[order["c1"]], sequence.Fine[order["c2"]]]);
            var expected = new Dictionary<string, double> { ["a1"] = top[0] * a[0], ["a2"] = top[0] * a[1], ["B"] = top[1], ["c1"] = top[2] * c[0], ["c2"] = top[2] * c[1] };
            AssertLeaves(expected, prediction);
        }
    }

    [Fact]
    public async Task ConditionalHeadsMultiplyAlongThePath()
    {
        // 3 labels by the head "coarse", and 7 below the second of them by the head "fine"
        const string labels = """{"levels":["top","leaf"],"tree":[{"label":"A"},{"label":"B","children":[{"label":"b0"},{"label":"b1"},{"label":"b2"},{"label":"b3"},{"label":"b4"},{"label":"b5"},{"label":"b6"}]},{"label":"C"}]}""";
        await using var server = await StartAsync("good_lstm", labels, """{"heads":[{"output":"fine","children_of":"B"},{"output":"coarse","children_of":"/"}]}""");

        foreach (var (sequence, prediction) in await PredictAsync(server, "good_lstm", "\"top_k\":100"))
        {
            double[] coarse = Softmax(sequence.Coarse), fine = Softmax(sequence.Fine);
            var expected = Enumerable.Range(0, 7).ToDictionary(i => $"b{i}", i => coarse[1] * fine[i]);
            (expected["A"], expected["C"]) = (coarse[0], coarse[2]);
            AssertLeaves(expected, prediction);
        }
    }

    [Fact]
    public async Task ThreeLevelsOverOneHeadSumTwice()
    {
        const string labels = """{"levels":["l0","l1","l2"],"tree":[{"label":"X","children":[{"label":"X1","children":[{"label":"x11"},{"label":"x12"}]},{"label":"X2","children":[{"label":"x21"}]}]},{"label":"Y","children":[{"label":"Y1","children":[{"label":"y11"},{"label":"y12"},{"label":"y13"}]},{"label":"Y2","children":[{"label":"y21"}]}]}]}""";
        await using var server = await StartAsync("good_gru_forward", labels, """{"heads":[{"output":"fine"}]}""");

        foreach (var (sequence, prediction) in await PredictAsync(server, "good_gru_forward", "\"top_k\":100"))
        {
            double[] leaves = Softmax(sequence.Fine);
            string[] names = ["x11", "x12", "x21", "y11", "y12", "y13", "y21"];
            AssertLeaves(names.Zip(leaves).ToDictionary(p => p.First, p => p.Second), prediction);
            Assert.Equal(["l0", "l1", "l2"], prediction.GetProperty("levels").EnumerateArray().Select(l => l.GetProperty("name").GetString()));
        }
    }

    [Fact]
    public async Task AHeadALevelWithStatedIndicesIsReadByThem()
    {
        const string labels = """{"levels":["coarse","fine"],"tree":[{"label":"A","index":2,"children":[{"label":"a1","index":6},{"label":"a2","index":0},{"label":"a3","index":5}]},{"label":"B","index":0,"children":[{"label":"b1","index":1},{"label":"b2","index":2}]},{"label":"C","index":1,"children":[{"label":"c1","index":3},{"label":"c2","index":4}]}]}""";
        await using var server = await StartAsync("good_lstm", labels, null);

        foreach (var (sequence, prediction) in await PredictAsync(server, "good_lstm", "\"top_k\":100"))
        {
            double[] coarse = Softmax(sequence.Coarse);
            var expected = new Dictionary<string, double>();
            foreach (var (parent, children) in new (int, (string Label, int Index)[])[] { (2, [("a1", 6), ("a2", 0), ("a3", 5)]), (0, [("b1", 1), ("b2", 2)]), (1, [("c1", 3), ("c2", 4)]) })
            {
                double[] given = Softmax([.. children.Select(c => sequence.Fine[c.Index])]);
                for (int i = 0; i < children.Length; i++)
                    expected[children[i].Label] = coarse[parent] * given[i];
            }
            AssertLeaves(expected, prediction);
        }
    }

    [Theory]
    [InlineData("""{"heads":[{"output":"fine","scores":"nodes"}]}""", "7 wide", "8 labels in all")]
    [InlineData("""{"heads":[{"output":"coarse","scores":"leaves"}]}""", "3 wide", "7 leaves")]
    [InlineData("""{"heads":[{"output":"coarse","level":"c"},{"output":"fine","level":"f"}]}""", "none named \"c\"", "\"top\", \"leaf\"")]
    [InlineData("""{"heads":[{"output":"coarse","children_of":"/"},{"output":"fine","children_of":"Z"}]}""", "no label \"Z\"", "\"A\"")]
    [InlineData("""{"heads":[{"output":"finest"}]}""", "\"finest\"", "\"coarse\"", "\"fine\"")]
    [InlineData("""{"heads":[{"output":"fine","scores":"leaves","level":"leaf"}]}""", "one of level, scores and children_of")]
    [InlineData("""{"heads":[{"output":"fine","colour":"red"}]}""", "colour")]
    [InlineData(null, "\"coarse\" is 3 wide, but the level \"top\" of labels.json has 6 labels", "\"fine\" is 7 wide, but the level \"leaf\" of labels.json has 2 labels")]
    public async Task AContradictionKeepsTheModelFromLoadingAndNamesBothSides(string? manifest, params string[] parts)
    {
        const string labels = """{"levels":["top","leaf"],"tree":[{"label":"A","children":[{"label":"a1"},{"label":"a2"}]},{"label":"B"},{"label":"C"},{"label":"D"},{"label":"E"},{"label":"F"}]}""";
        await using var server = await StartAsync("good_lstm", labels, manifest, ready: false);

        var reason = await ReasonAsync(server);

        Assert.All(parts, part => Assert.Contains(part, reason, StringComparison.Ordinal));
        (await server.Client.PredictAsync("""{"inputs":[{"ids":[1]}]}""")).AssertProblem(503);
    }

    private static async Task<SchemeServer> StartAsync(string export, string labels, string? manifest, bool ready = true)
    {
        var models = new ModelFolder();
        models.Swap("m", 1, $"{export}.onnx");
        await File.WriteAllTextAsync(Path.Combine(models.Root, "m", "1", "labels.json"), labels);
        if (manifest is not null)
            await File.WriteAllTextAsync(Path.Combine(models.Root, "m", "1", "model.json"), manifest);
        var server = new SchemeServer(await Server.StartAsync(models.Root, "--Models:Default", "m"), models);
        await Wait.UntilAsync(async () => await server.StateAsync() is "ready" or "failed", () => "The model goes on loading.");
        if (ready)
            Assert.True(await server.StateAsync() == "ready", (await server.Client.GetAsync("/models/m/versions/1")).Text);
        return server;
    }

    private static async Task<string> ReasonAsync(SchemeServer server)
    {
        Assert.Equal("failed", await server.StateAsync());
        return (await server.Client.GetAsync("/models/m/versions/1")).Json.GetProperty("reason").GetString()!;
    }

    private static async Task<(Sequence Sequence, JsonElement Prediction)[]> PredictAsync(SchemeServer server, string export, string options)
    {
        var sequences = Golden[export].Sequences;
        var reply = await server.Client.PredictAsync($$"""{"inputs":[{{string.Join(',', sequences.Select(s => $"{{\"ids\":{JsonSerializer.Serialize(s.Ids)}}}"))}}],{{options}}}""");
        return [.. sequences.Zip(reply.Predictions)];
    }

    /// <summary>The index of each label as the server tells it.</summary>
    private static async Task<Dictionary<string, int>> OrderAsync(SchemeServer server)
    {
        var found = new Dictionary<string, int>();
        void Read(JsonElement nodes)
        {
            foreach (var node in nodes.EnumerateArray())
            {
                found[node.GetProperty("label").GetString()!] = node.GetProperty("index").GetInt32();
                if (node.TryGetProperty("children", out var children))
                    Read(children);
            }
        }
        Read((await server.Client.GetAsync("/models/m/labels")).Json.GetProperty("tree"));
        Assert.Equal(Enumerable.Range(0, found.Count), found.Values.Order());
        return found;
    }

    private static void AssertLeaves(Dictionary<string, double> expected, JsonElement prediction)
    {
        var alternatives = prediction.GetProperty("alternatives").EnumerateArray().ToArray();
        Assert.Equal(expected.Count, alternatives.Length);
        foreach (var alternative in alternatives)
            Assert.Equal(expected[Last(alternative)], Probability(alternative), Tolerance);
        Assert.Equal(1, alternatives.Sum(Probability), Tolerance);
        Assert.Equal(expected.Values.Max(), Probability(prediction), Tolerance);
        AssertSumsToLevels(prediction);
    }

    /// <summary>Each label on the path has the summed probability of the leaves below it.</summary>
    private static void AssertSumsToLevels(JsonElement prediction)
    {
        var leaves = prediction.GetProperty("alternatives").EnumerateArray().ToArray();
        int depth = 0;
        foreach (var level in prediction.GetProperty("levels").EnumerateArray())
        {
            var label = level.GetProperty("label").GetString();
            Assert.Equal(prediction.GetProperty("path")[depth].GetString(), label);
            Assert.Equal(
                leaves.Where(l => l.GetProperty("path").GetArrayLength() > depth && l.GetProperty("path")[depth].GetString() == label).Sum(Probability),
                Probability(level),
                Tolerance);
            depth++;
        }
    }

    private static string Last(JsonElement alternative) => alternative.GetProperty("path")[alternative.GetProperty("path").GetArrayLength() - 1].GetString()!;

    private static double Probability(JsonElement element) => element.GetProperty("probability").GetDouble();

    private static double[] Softmax(double[] logits)
    {
        double[] weights = [.. logits.Select(Math.Exp)];
        return [.. weights.Select(w => w / weights.Sum())];
    }

    private sealed record Export(Sequence[] Sequences);

    private sealed record Sequence(int[] Ids, double[] Coarse, double[] Fine);

    private sealed class SchemeServer(Server server, ModelFolder models) : IAsyncDisposable
    {
        public ServiceClient Client => server.Client;

        public async Task<string?> StateAsync()
        {
            var reply = await Client.GetAsync("/models/m/versions/1");
            return reply.Status == 200 ? reply.Json.GetProperty("state").GetString() : null;
        }

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            models.Dispose();
        }
    }
}
