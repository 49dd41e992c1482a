using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Health;

/// <summary>Which models must be there for the server to be ready.</summary>
public sealed class ReadinessTests
{
    [Fact]
    public async Task Ready_RequiredModelFailed_Is503WithTheReason()
    {
        using var folder = new ModelFolder();
        folder.Add("questions");
        folder.AddBroken("broken");
        await using var server = await Server.StartAsync(folder.Root, "--Models:Required:0", "broken", "--Models:ScanMilliseconds", "20", "--Models:StableMilliseconds", "40");
        await Wait.UntilAsync(async () => (await server.Client.GetAsync("/health/ready")).Text.Contains("required", StringComparison.Ordinal), () => "The start does not end.");
        (await server.Client.GetAsync("/health/ready")).AssertProblem(503, "model.onnx cannot be loaded");
        (await server.Client.PredictAsync("""{"inputs":["Who ?"]}""")).AssertOk();
        folder.Swap("broken", 1, "good_lstm.onnx");
        await server.Client.WaitUntilReadyAsync();
        (await server.Client.PostAsync("/models/broken/unload", "")).AssertOk();
        (await server.Client.GetAsync("/health/ready")).AssertProblem(503, "unload");
    }

    [Fact]
    public async Task Ready_NoModelReady_Is503WithTheReason()
    {
        using var folder = new ModelFolder();
        folder.AddBroken("broken");
        await using var server = await Server.StartAsync(folder.Root);
        await Wait.UntilAsync(async () => (await server.Client.GetAsync("/health/ready")).Text.Contains("No model is ready", StringComparison.Ordinal), () => "The start does not end.");
        (await server.Client.GetAsync("/health/ready")).AssertProblem(503, "model.onnx cannot be loaded");
        (await server.Client.GetAsync("/health/live")).AssertOk();
    }

    [Fact]
    public async Task Start_RequiredModelThatIsNotThere_ListsItAndEnds()
    {
        using var folder = new ModelFolder();
        folder.Add("questions");
        using var process = new ServerProcess(["--urls", "http://127.0.0.1:0", "--Models:Root", folder.Root, "--Models:Required:0", "answers", "--Models:Required:1", "questions"]);
        Assert.Equal(78, await process.ExitCodeAsync());
        Assert.Contains("Models:Required: there is no model \"answers\"", process.Errors, StringComparison.Ordinal);
    }
}
