using System.Collections.Concurrent;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Models;

public sealed class SwapUnderLoadTests(ITestOutputHelper output)
{
    private const int Connections = 64;
    private const int Swaps = 20;

    [Fact]
    public async Task Swaps_UnderFullLoad_LoseNoRequestAndMixNoAnswer()
    {
        await using var server = await LiveServer.StartAsync("--Models:Required:0", "m");
        double[][] known = [await server.PredictAsync(), await server.PredictAsync("/models/other/predict")];
        Assert.False(LiveServer.Same(known[0], known[1]));
        var wrong = new ConcurrentQueue<string>();
        var answers = new int[2];
        using var end = new CancellationTokenSource();
        var load = Enumerable.Range(0, Connections).Select(_ => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                var reply = await server.Client.PredictAsync(LiveServer.Body);
                int which = reply.Status == 200 ? Array.FindIndex(known, k => LiveServer.Same(k, LiveServer.Probabilities(reply))) : -1;
                if (which < 0)
                    wrong.Enqueue($"{reply.Status} {reply.Text}");
                else
                    Interlocked.Increment(ref answers[which]);
            }
        })).ToArray();

        // content and versions change; a broken one and a removed one are among them
        for (int i = 1; i <= Swaps; i++)
        {
            int want = i % 2, seen = Volatile.Read(ref answers[want]);
            server.Folder.Swap("m", 1, want == 0 ? LiveServer.Lstm : LiveServer.Gru);
            await Wait.UntilAsync(() => Volatile.Read(ref answers[want]) >= seen + (2 * Connections) || !wrong.IsEmpty, () => "The swap does not come.");
        }
        server.Folder.Swap("m", 2, "This is no model."u8.ToArray());
        await server.UntilAsync("m", 2, "failed");
        server.Folder.Swap("m", 2, LiveServer.Gru);
        await server.UntilAsync("m", 2, "ready");
        Directory.Delete(Path.Combine(server.Folder.Root, "m", "2"), recursive: true);
        await server.UntilAsync("m", 2, null);
        (await server.Client.PostAsync("/models/other/unload", "")).AssertOk();
        await server.UntilAsync("other", 1, null);
        (await server.Client.GetAsync("/health/ready")).AssertOk();
        await end.CancelAsync();
        await Task.WhenAll(load);

        output.WriteLine($"{answers[0]} answers of the one, {answers[1]} of the other");
        Assert.Empty(wrong);
    }
}
