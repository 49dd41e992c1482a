using RnnService.Core.Batching;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Inference.Tests.Batching;

/// <summary>What the batcher promises its callers, seen through a model of its own whose queue and workers are small.</summary>
public sealed class DynamicBatcherTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ModelFolders _folders = new();
    private RunningRepository? _running;

    [Fact]
    public async Task RunAsync_EqualLengths_RunTogetherWithoutPadding()
    {
        var model = await StartAsync(("Batching:Workers", "1"));
        using var request = Request(5, 9);
        Assert.Equal(RunOutcome.Done, await model.RunAsync(request, Patience, CancellationToken.None));
        Assert.InRange(request.BatchRows, 1, 5);   // by the costs measured at load, which a busy machine may disturb
        Assert.Equal(9, request.BatchTime);
    }

    [Fact]
    public async Task RunAsync_QueueFull_RefusesWholeRequestAndServesTheRest()
    {
        var model = await StartAsync(("Batching:QueueSequences", "40"), ("Batching:QueueMilliseconds", "600000"), ("Batching:Workers", "1"));
        var requests = Enumerable.Range(0, 50).Select(i => Request(16, 400)).ToArray();
        var outcomes = await Task.WhenAll(requests.Select(r => Task.Run(async () => await model.RunAsync(r, Patience, CancellationToken.None))));
        Assert.Contains(RunOutcome.QueueFull, outcomes);
        Assert.Contains(RunOutcome.Done, outcomes);
        Assert.All(outcomes, o => Assert.True(o is RunOutcome.Done or RunOutcome.QueueFull));
        var counters = await QuietAsync(model);
        Assert.Equal(16 * outcomes.Count(o => o == RunOutcome.Done), counters.Answered);
        Assert.Equal(16 * outcomes.Count(o => o == RunOutcome.QueueFull), counters.Refused);
        Array.ForEach(requests, r => r.Dispose());
    }

    [Fact]
    public async Task RunAsync_RequestLargerThanTheQueue_RunsWhenNothingElseWaits()
    {
        var model = await StartAsync(("Batching:QueueSequences", "4"));
        using var request = Request(100, 3);
        Assert.Equal(RunOutcome.Done, await model.RunAsync(request, Patience, CancellationToken.None));
    }

    [Fact]
    public async Task RunAsync_DeadlineInTheQueue_TimesOutAndFreesThePlace()
    {
        var model = await StartAsync(("Batching:Workers", "1"), ("Batching:QueueMilliseconds", "600000"));
        using var large = Request(600, 500);
        using var late = Request(40, 500);
        var first = Task.Run(async () => await model.RunAsync(large, Patience, CancellationToken.None));
        await UntilAsync(() => model.Counters.Queued > 0);
        Assert.Equal(RunOutcome.TimedOut, await model.RunAsync(late, TimeSpan.FromMilliseconds(1), CancellationToken.None));
        Assert.Equal(RunOutcome.Done, await first);
        var counters = await QuietAsync(model);
        Assert.Equal(640, counters.Admitted);
        Assert.Equal(640, counters.Answered + counters.Dropped);
    }

    [Fact]
    public async Task RunAsync_CallerGone_LeavesTheQueue()
    {
        var model = await StartAsync(("Batching:Workers", "1"), ("Batching:QueueMilliseconds", "600000"));
        using var gone = new CancellationTokenSource();
        using var large = Request(600, 500);
        using var abandoned = Request(500, 500);
        var first = Task.Run(async () => await model.RunAsync(large, Patience, CancellationToken.None));
        await UntilAsync(() => model.Counters.Queued > 0);
        var second = model.RunAsync(abandoned, Patience, gone.Token);
        await gone.CancelAsync();
        Assert.Equal(RunOutcome.Abandoned, await second);
        Assert.Equal(RunOutcome.Done, await first);
        var counters = await QuietAsync(model);
        Assert.Equal(1100, counters.Answered + counters.Dropped);
        Assert.True(counters.Dropped > 0);
    }

    [Fact]
    public async Task RunAsync_PoisonedSequence_FailsOnlyItsOwnRequest()
    {
        var model = await StartAsync(("Batching:Workers", "1"), ("Batching:QueueMilliseconds", "600000"));
        // all of one length, so that they share batches with the one whose id the graph cannot look up; more of them than one plan covers
        using var poisoned = Request(700, 9);
        for (int t = 0; t < 9; t++)
            ((Sequences<int>)poisoned.Sequences).Add(model.VocabularySize!.Value + 1);
        poisoned.Sequences.Finish();
        var neighbours = Enumerable.Range(0, 30).Select(_ => Request(3, 9)).ToArray();
        var first = Task.Run(async () => await model.RunAsync(poisoned, Patience, CancellationToken.None));
        var outcomes = await Task.WhenAll(neighbours.Select(r => Task.Run(async () => await model.RunAsync(r, Patience, CancellationToken.None))));
        Assert.All(outcomes, o => Assert.Equal(RunOutcome.Done, o));
        Assert.Equal(RunOutcome.Failed, await first);
        Array.ForEach(neighbours, r => r.Dispose());
        var counters = await QuietAsync(model);
        Assert.True(counters.Failed > 0);
        using var after = Request(2, 5);
        Assert.Equal(RunOutcome.Done, await model.RunAsync(after, Patience, CancellationToken.None));
    }

    [Fact]
    public async Task RunAsync_ManyTimeoutsAndDisposals_LeaveNothingInTheQueue()
    {
        var model = await StartAsync(("Batching:QueueMilliseconds", "600000"));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (int i = 0; i < 60; i++)
            {
                using var request = Request(random.Next(1, 60), random.Next(1, 120));
                var outcome = await model.RunAsync(request, TimeSpan.FromMilliseconds(random.Next(1, 40)), CancellationToken.None);
                Assert.True(outcome is RunOutcome.Done or RunOutcome.TimedOut);
            }
        })));
        await QuietAsync(model);
        Assert.Equal(0, model.ExpectedWait.TotalMilliseconds);
    }

    [Fact]
    public async Task Dispose_WhileRequestsWait_EndsThemAll()
    {
        var model = await StartAsync(("Batching:Workers", "1"), ("Batching:QueueMilliseconds", "600000"));
        var requests = Enumerable.Range(0, 20).Select(_ => Request(64, 300)).ToArray();
        var runs = requests.Select(r => Task.Run(async () => await model.RunAsync(r, Patience, CancellationToken.None))).ToArray();
        await UntilAsync(() => model.Counters.Queued > 0);
        model.Dispose();
        Assert.All(await Task.WhenAll(runs), o => Assert.True(o is RunOutcome.Done or RunOutcome.Unavailable));
        using var after = Request(1, 1);
        Assert.Equal(RunOutcome.Unavailable, await model.RunAsync(after, Patience, CancellationToken.None));
        Array.ForEach(requests, r => r.Dispose());
    }

    [Fact]
    public async Task RunAsync_MixedLoad_PadsLittle()
    {
        var model = await StartAsync();
        var random = new Random(3);
        var loads = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                using var request = model.NewRequest();
                for (int n = 0; n < 32; n++)
                    Add(request, 3 + (int)(random.NextDouble() * random.NextDouble() * 60));
                Assert.Equal(RunOutcome.Done, await model.RunAsync(request, Patience, CancellationToken.None));
            }
        }));
        await Task.WhenAll(loads);
        var counters = await QuietAsync(model);
        Assert.Equal(8 * 20 * 32, counters.Answered);
        // in order of arrival it would be under a half; a disturbed calibration may cost a little of the 0.99 of a quiet machine
        Assert.True(counters.Tokens > 0.75 * counters.PaddedTokens, $"{counters.Tokens} of {counters.PaddedTokens}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_running is not null)
            await _running.DisposeAsync();
        _folders.Dispose();
    }

    private async Task<Classifier> StartAsync(params (string Key, string Value)[] settings)
    {
        _folders.Add("questions");
        _running = await RunningRepository.StartAsync(_folders.Root, settings);
        return _running.Only("questions").Model!.Classifier!;
    }

    private static SequenceRequest Request(int count, int length)
    {
        var request = new SequenceRequest(new Sequences<int>());
        for (int i = 0; i < count; i++)
            Add(request, length);
        return request;
    }

    private static void Add(SequenceRequest request, int length)
    {
        for (int t = 0; t < length; t++)
            ((Sequences<int>)request.Sequences).Add(2 + t);
        request.Sequences.Finish();
    }

    /// <summary>The counters once nothing runs any more.</summary>
    private static async Task<BatchCounters> QuietAsync(Classifier model)
    {
        await UntilAsync(() => model.Counters.Queued == 0);
        var counters = model.Counters;
        Assert.Equal(counters.Admitted, counters.Answered + counters.Dropped + counters.Failed);
        return counters;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var waiting = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waiting.Elapsed < Patience, "The condition was not met.");
            await Task.Delay(1);
        }
    }
}
