using System.Diagnostics;

namespace RnnService.Api.Tests.Hosting;

/// <summary>Waits for conditions instead of for times.</summary>
internal static class Wait
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> whatIsMissing)
    {
        var waiting = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waiting.Elapsed < Patience, whatIsMissing());
            await Task.Delay(20);
        }
    }

    public static Task UntilAsync(Func<bool> condition, Func<string> whatIsMissing) => UntilAsync(() => Task.FromResult(condition()), whatIsMissing);
}
