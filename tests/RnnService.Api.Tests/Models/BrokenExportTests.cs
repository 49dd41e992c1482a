using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Models;

/// <summary>What the server says of exports that cannot serve, beside one that can.</summary>
public sealed class BrokenExportTests
{
    [Fact]
    public async Task EachBrokenExportSaysWhatIsWrongAndTheSoundOneServes()
    {
        using var models = new ModelFolder();
        models.Swap("sound", 1, "good_lstm.onnx");
        foreach (var name in BrokenExports.Golden.Keys)
            Folders.Copy(BrokenExports.Folder(name), Path.Combine(models.Root, name, "1"));
        await using var server = await Server.StartAsync(models.Root, "--Models:Default", "sound");
        await server.Client.WaitUntilReadyAsync();

        foreach (var (name, words) in BrokenExports.Golden)
        {
            var reply = await server.Client.GetAsync($"/models/{name}");
            reply.AssertOk();
            var version = Assert.Single(reply.Json.GetProperty("versions").EnumerateArray().ToArray());
            Assert.Equal(reply.Json.GetProperty("state").GetString(), version.GetProperty("state").GetString());
            if (version.GetProperty("state").GetString() == "failed")
            {
                words.AssertSaid(version.GetProperty("reason").GetString()!);
                Assert.False(version.TryGetProperty("inputs", out _));
                (await server.Client.PostAsync($"/models/{name}/predict", """{"inputs":[{"ids":[1]}]}""")).AssertProblem(503);
                Assert.NotEqual(200, (await server.Client.GetAsync($"/v2/models/{name}/ready")).Status);
            }
            else
            {
                Assert.Equal("ready", version.GetProperty("state").GetString());
                words.AssertSaid(string.Join(' ', version.GetProperty("why_no_predictions").EnumerateArray().Select(r => r.GetString())));
                Assert.NotEqual(200, (await server.Client.PostAsync($"/models/{name}/predict", """{"inputs":[{"ids":[1]}]}""")).Status);
                (await server.Client.GetAsync($"/v2/models/{name}/ready")).AssertOk();
            }
        }
        Assert.Single((await server.Client.PredictAsync("""{"inputs":[{"ids":[8,25]}]}""")).Predictions);
    }
}
