using System.Text.Json;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.CommandLine;

/// <summary><c>inspect</c> by the real executable: what is printed, what the JSON says, and how it ends.</summary>
public sealed class InspectTests
{
    public static TheoryData<string> Broken => BrokenExports.Names;

    [Fact]
    public async Task TheShippedModelsServeAndTheJsonSaysWhatIsPrinted()
    {
        var printed = await CommandProcess.RunAsync("inspect", "models");
        var json = await CommandProcess.RunAsync("inspect", "--json", "models");

        Assert.Equal((0, 0), (printed.ExitCode, json.ExitCode));
        Assert.DoesNotContain('\u001b', printed.Output);
        var reports = Read(json);
        Assert.Equal(["activity", "questions"], reports.Select(r => r.GetProperty("model").GetString()));
        foreach (var report in reports)
        {
            Assert.True(report.GetProperty("serves").GetBoolean());
            Assert.True(report.GetProperty("predicts").GetBoolean());
            Assert.Empty(report.GetProperty("problems").EnumerateArray());
            Assert.Contains($"{report.GetProperty("model").GetString()} version {report.GetProperty("version").GetInt32()}", printed.Flat, StringComparison.Ordinal);
            Assert.Contains($"opset {report.GetProperty("opset").GetInt64()}", printed.Flat, StringComparison.Ordinal);
            Assert.Contains($"{report.GetProperty("classifier").GetProperty("mode").GetString()}: ", printed.Flat, StringComparison.Ordinal);
            foreach (var tensor in report.GetProperty("inputs").EnumerateArray().Concat(report.GetProperty("outputs").EnumerateArray()))
                Assert.Contains($"{tensor.GetProperty("role").GetString()} {tensor.GetProperty("detail").GetString()}", printed.Flat, StringComparison.Ordinal);
            Assert.Equal(["sequence", "lengths"], report.GetProperty("inputs").EnumerateArray().Select(i => i.GetProperty("role").GetString()));
            var cell = Assert.Single(report.GetProperty("recurrent").EnumerateArray().ToArray());
            Assert.Contains($"{cell.GetProperty("cell").GetString()} {cell.GetProperty("direction").GetString()} {cell.GetProperty("hidden_size").GetInt32()}", printed.Flat, StringComparison.Ordinal);
            var costs = report.GetProperty("classifier").GetProperty("costs").EnumerateArray().ToArray();
            Assert.All(costs, c => Assert.True(c.GetProperty("microseconds").GetDouble() > 0));
            Assert.True(costs.Select(c => c.GetProperty("rows").GetInt32()).Distinct().Count() > 1);
        }
        Assert.Equal(2, printed.Flat.Split("cost, us, by rows").Length - 1);
        Assert.Equal(2, printed.Flat.Split("/predict and /v2").Length - 1);
    }

    [Theory]
    [InlineData("models/activity/1")]
    [InlineData("models/activity")]
    [InlineData("models/activity/1/model.onnx")]
    public async Task AVersionAModelOrAFileIsOneReport(string path)
    {
        var run = await CommandProcess.RunAsync("inspect", path, "--json");

        Assert.Equal(0, run.ExitCode);
        var report = Assert.Single(Read(run));
        Assert.Equal("activity", report.GetProperty("model").GetString());
        Assert.Equal(1, report.GetProperty("version").GetInt32());
        Assert.Equal("features", report.GetProperty("classifier").GetProperty("takes").GetString());
        Assert.Equal(9, report.GetProperty("classifier").GetProperty("channels").GetInt32());
        Assert.Equal("forward_fill", report.GetProperty("classifier").GetProperty("missing").GetString());
        Assert.Equal(["coarse", "fine"], report.GetProperty("classifier").GetProperty("levels").EnumerateArray().Select(l => l.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task ABareFileUnderAnotherNameIsInspectedWithItsAdvice()
    {
        var printed = await CommandProcess.RunAsync("inspect", ModelFolder.Export("frozen_batch_1.onnx"));
        var report = Assert.Single(Read(await CommandProcess.RunAsync("inspect", "--json", ModelFolder.Export("frozen_batch_1.onnx"))));

        Assert.Equal(0, printed.ExitCode);
        Assert.Equal("frozen_batch_1", report.GetProperty("model").GetString());
        Assert.Equal("batch_of_one", report.GetProperty("classifier").GetProperty("mode").GetString());
        var advice = Assert.Single(report.GetProperty("advice").EnumerateArray().ToArray()).GetString()!;
        Assert.Contains($"advice {advice}", printed.Flat, StringComparison.Ordinal);
        Assert.Contains("batch_of_one", printed.Flat, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task ABrokenExportEndsWith1AndSaysWhy(string name)
    {
        var printed = await CommandProcess.RunAsync("inspect", BrokenExports.Folder(name));
        var json = await CommandProcess.RunAsync("inspect", "--json", BrokenExports.Folder(name));

        Assert.Equal((1, 1), (printed.ExitCode, json.ExitCode));
        var report = Assert.Single(Read(json));
        Assert.False(report.GetProperty("serves").GetBoolean());
        Assert.False(report.GetProperty("predicts").GetBoolean());
        Assert.False(report.TryGetProperty("classifier", out _));
        string[] problems = [.. report.GetProperty("problems").EnumerateArray().Select(p => p.GetString()!)];
        Assert.NotEmpty(problems);
        BrokenExports.Golden[name].AssertSaid(string.Join('\n', problems));
        Assert.Equal(problems.Length, printed.Flat.Split("problem ").Length - 1);
        Assert.Contains("fails", printed.Flat, StringComparison.Ordinal);
        Assert.DoesNotContain("   at RnnService", printed.Output + printed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARepositoryWithOneBrokenModelEndsWith1AndReportsBoth()
    {
        using var models = new ModelFolder();
        models.Swap("sound", 1, "good_lstm.onnx");
        models.AddBroken("unsound");

        var run = await CommandProcess.RunAsync("inspect", models.Root, "--json");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal([("sound", true), ("unsound", false)], Read(run).Select(r => (r.GetProperty("model").GetString()!, r.GetProperty("serves").GetBoolean())));
    }

    [Theory]
    [InlineData("no/such/path")]
    [InlineData("tests/golden/questions")]
    public async Task APathWithoutAModelEndsWith1AndSaysWhatToName(string path)
    {
        var run = await CommandProcess.RunAsync("inspect", path);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"no model at \"{path}\"", run.Errors, StringComparison.Ordinal);
        Assert.Contains("Name a model.onnx", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InspectWithoutAPathSaysHowItIsUsed()
    {
        var run = await CommandProcess.RunAsync("inspect");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("inspect", run.Output + run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HelpListsTheCommands()
    {
        var run = await CommandProcess.RunAsync("--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("inspect", run.Output, StringComparison.Ordinal);
        Assert.Contains("serve", run.Output, StringComparison.Ordinal);
    }

    private static JsonElement[] Read(CommandProcess run) => [.. JsonSerializer.Deserialize<JsonElement>(run.Output).EnumerateArray()];
}
