using System.Text;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Predict;

public sealed class MemoryTests
{
    private const long Bound = 256L << 20;

    [Fact]
    public async Task Post_AllKindsOfBadBodies_LeavesTheServerAsItWas()
    {
        // Fixed collector settings: how much garbage a collector lets lie depends on the machine otherwise.
        using var server = new ServerProcess(["--urls", "http://127.0.0.1:0", "--RequestLog:PerSecond", "0"], "DOTNET_gcServer", "0", "DOTNET_GCgen0size", "2000000");
        using var client = new ServiceClient((await server.AddressAsync())!);
        await client.WaitUntilReadyAsync();
        var bodies = Bodies();
        foreach (var body in bodies)   // what is made once and kept is there afterwards
            Assert.InRange((await client.PostAsync("/predict", body)).Status, 400, 499);
        long before = server.Memory;

        for (int round = 0; round < 12; round++)
        {
            foreach (var body in bodies)
                Assert.InRange((await client.PostAsync("/predict", body)).Status, 400, 499);
        }
        foreach (var body in Mutations.Make(seed: 1, count: 500))
            await client.PostAsync("/predict", body);

        await Wait.UntilAsync(
            async () =>
            {
                (await client.PredictAsync("""{"inputs":["Who ?"]}""")).AssertOk();
                return server.Memory < before + Bound;
            },
            () => $"{server.Memory >> 20} MB are in use after {before >> 20} MB before.");
    }

    private static byte[][] Bodies()
    {
        var million = new StringBuilder().Insert(0, "1,", 1_000_000);
        return
        [
            new byte[(4 << 20) + 1],
            new byte[4 << 20],
            Encoding.UTF8.GetBytes($$"""{"inputs":[{"ids":[{{million}}1]}]}"""),
            Encoding.UTF8.GetBytes($$"""{"inputs":["{{million.Replace(',', ' ')}}"]}"""),
            Encoding.UTF8.GetBytes($$"""{"inputs":[{"text":"a","id":"{{million}}"},""]}"""),
            Encoding.UTF8.GetBytes($$"""{"inputs":["a"],"{{million}}":1}"""),
            Encoding.UTF8.GetBytes($$"""{"inputs":[{{new string('[', 10_000)}}"""),
            Encoding.UTF8.GetBytes($$"""{"inputs":[{{new StringBuilder().Insert(0, "\"a\",", 900_000)}}"a"]}"""),
            Encoding.UTF8.GetBytes($$"""{"inputs":[{{new StringBuilder().Insert(0, "7,", 1_000_000)}}7]}"""),
        ];
    }
}
