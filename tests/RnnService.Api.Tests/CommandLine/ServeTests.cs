using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.CommandLine;

/// <summary><c>serve</c> is the default; told or not, the same server starts, or does not.</summary>
public sealed class ServeTests
{
    private const int BadConfiguration = 78;

    [Fact]
    public async Task ServeAndNothingStartTheSameServer()
    {
        using var models = new ModelFolder();
        models.Swap("m", 1, "good_lstm.onnx");
        string[] settings = ["--urls", "http://127.0.0.1:0", "--Models:Root", models.Root, "--Models:Default=m", "--Limits:Sequences", "2"];
        var answers = new List<string>();
        foreach (var arguments in new string[][] { settings, ["serve", .. settings] })
        {
            using var server = new ServerProcess(arguments);
            using var client = new ServiceClient((await server.AddressAsync())!);
            await client.WaitUntilReadyAsync();
            var reply = await client.PredictAsync("""{"inputs":[{"ids":[8,25]}],"top_k":3}""");
            reply.AssertOk();
            answers.Add(reply.Text);
            (await client.PredictAsync("""{"inputs":[{"ids":[1]},{"ids":[1]},{"ids":[1]}]}""")).AssertProblem(413, "2 sequences");
        }
        Assert.Equal(answers[0], answers[1]);
    }

    [Fact]
    public async Task AMisspeltCommandStartsNoServer()
    {
        using var server = new ServerProcess(["inspekt", "models"]);

        Assert.Equal(64, await server.ExitCodeAsync());
        Assert.Contains("There is no command \"inspekt\"", server.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("serve")]
    public async Task AnUnknownSettingStopsTheStartWith78(params string[] command)
    {
        using var server = new ServerProcess([.. command, "--urls", "http://127.0.0.1:0", "--Models:Rot", "x", "--Limits:Sequences", "0"]);

        Assert.Equal(BadConfiguration, await server.ExitCodeAsync());
        Assert.Contains("- Models:Rot:", server.Errors, StringComparison.Ordinal);
        Assert.Contains("- Limits:Sequences:", server.Errors, StringComparison.Ordinal);
        Assert.Null(await server.AddressAsync());
    }
}
