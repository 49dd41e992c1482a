using FsCheck;
using FsCheck.Fluent;
using RnnService.Core.Batching;

namespace RnnService.Core.Tests.Batching;

public sealed class BatchPlannerTests
{
    private static readonly BatchCosts Costs = BatchCosts.Fit([
        new(1, 4, 70), new(1, 16, 170), new(1, 48, 420), new(2, 4, 80), new(2, 16, 220), new(2, 48, 570),
        new(8, 4, 150), new(8, 16, 480), new(8, 48, 1400), new(16, 4, 240), new(16, 16, 850), new(16, 48, 2500), new(64, 4, 800), new(64, 16, 3100), new(64, 48, 9300)]);

    private static readonly BatchPolicy Policy = new() { MaxRows = 16, MaxPaddedTokens = 512, Window = 64, WaitBound = 1000, FairShare = 8 };

    [Fact]
    public void Plan_OneSequence_IsOneBatch()
    {
        var plan = Plan(Policy, [new(0, 7, 0, 100)], now: 0, free: 2);
        Assert.Equal([(0, 1, 7)], plan.Select(b => (b.Indices[0], b.Indices.Length, b.Time)));
    }

    [Fact]
    public void Plan_ShortAndLong_RunApart()
    {
        var queue = Enumerable.Range(0, 8).Select(i => new QueuedSequence(i, i % 2 == 0 ? 3 : 48, 0, 10_000)).ToArray();
        var plan = Plan(Policy, queue, now: 0, free: 1);
        Assert.Equal(2, plan.Count);
        Assert.All(plan, b => Assert.Single(b.Indices.Select(i => queue[i].Length).Distinct()));
    }

    [Fact]
    public void Plan_IdleWorkers_HalvesTheBatch()
    {
        var queue = Enumerable.Range(0, 16).Select(i => new QueuedSequence(0, 48, 0, 10_000)).ToArray();
        Assert.Single(Plan(Policy with { MaxPaddedTokens = 10_000 }, queue, now: 0, free: 1));
        Assert.Equal(2, Plan(Policy with { MaxPaddedTokens = 10_000 }, queue, now: 0, free: 2).Count);
    }

    [Fact]
    public void Plan_LargeRequest_LeavesRoomForSmallOnes()
    {
        var queue = Enumerable.Repeat(new QueuedSequence(0, 5, 0, 10_000), 200).Append(new QueuedSequence(1, 5, 1, 10_000)).ToArray();
        var planned = Plan(Policy, queue, now: 2, free: 1).SelectMany(b => b.Indices);
        Assert.Contains(200, planned);
    }

    [Fact]
    public void Plan_OverdueSequences_GoBeforeAllOthers()
    {
        // 300 old ones behind 300 fresh ones of other requests: the window of 64 must be filled with old ones only
        var queue = Enumerable.Range(0, 600).Select(i => new QueuedSequence(i, 1 + i % 40, i < 300 ? 0 : 5000, 100_000)).ToArray();
        var planned = Plan(Policy, queue, now: 5001, free: 1).SelectMany(b => b.Indices).Order().ToArray();
        Assert.Equal(Enumerable.Range(0, 64), planned);
    }

    [Fact]
    public void Plan_LargeRequestOverdue_LeavesRoomForSmallOnes()
    {
        var queue = Enumerable.Repeat(new QueuedSequence(0, 5, 0, 100_000), 200).Append(new QueuedSequence(1, 5, 4000, 100_000)).ToArray();
        var planned = Plan(Policy, queue, now: 5000, free: 1).SelectMany(b => b.Indices).ToArray();
        Assert.Contains(200, planned);
        Assert.Contains(0, planned);
    }

    [Fact]
    public void Plan_FixedTime_CountsThePaddingThatWillRun()
    {
        var queue = Enumerable.Range(0, 40).Select(i => new QueuedSequence(i, 2, 0, 10_000)).ToArray();
        var plan = Plan(Policy with { FixedTime = 128 }, queue, now: 0, free: 1);
        Assert.All(plan, b => Assert.True(b.Indices.Length * 128 <= Policy.MaxPaddedTokens));
    }

    [Fact]
    public void Plan_EarliestDue_RunsFirst()
    {
        var queue = new QueuedSequence[] { new(0, 3, 100, 10_000), new(1, 40, 90, 10_000), new(2, 20, 100, 150) };
        var plan = Plan(Policy with { MaxRows = 1 }, queue, now: 100, free: 1);
        Assert.Equal([2, 1, 0], plan.Select(b => b.Indices[0]));
    }

    [Fact]
    public void Plan_EqualLengthsOnly_NeverPads()
    {
        var queue = Enumerable.Range(0, 40).Select(i => new QueuedSequence(i, 1 + i % 5, 0, 10_000)).ToArray();
        Assert.All(Plan(Policy with { EqualLengths = true }, queue, now: 0, free: 1), b => Assert.All(b.Indices, i => Assert.Equal(b.Time, queue[i].Length)));
    }

    [Fact]
    public void Plan_FixedRows_NeverExceedsThem()
    {
        var queue = Enumerable.Range(0, 10).Select(i => new QueuedSequence(i, 9, 0, 10_000)).ToArray();
        var plan = Plan(Policy with { FixedRows = 4 }, queue, now: 0, free: 1);
        Assert.Equal([2, 4, 4], plan.Select(b => b.Indices.Length).Order());
    }

    [Fact]
    public void Plan_AnyQueue_ServesEachOnceWithinBudget() => ForAll(300, (int seed, bool equalLengths, byte free) =>
    {
        var random = new Random(seed);
        var queue = RandomQueue(random, random.Next(1, 200));
        var policy = Policy with { EqualLengths = equalLengths };
        var plan = Plan(policy, queue, now: 3000, 1 + free % 4);
        var served = plan.SelectMany(b => b.Indices).ToArray();
        return (served.Distinct().Count() == served.Length).Label("once")
            .And((served.Length == Math.Min(queue.Length, policy.Window)).Label("window filled"))
            .And(plan.All(b => b.Time == b.Indices.Max(i => queue[i].Length)).Label("time is the longest"))
            .And(plan.All(b => b.Indices.Length == 1 || b.Indices.Length * b.Time <= policy.MaxPaddedTokens).Label("budget"))
            .And(plan.All(b => b.Indices.Length <= policy.MaxRows).Label("rows"))
            .And(plan.Zip(plan.Skip(1)).All(p => Due(p.First) <= Due(p.Second)).Label("earliest due first"))
            .And(plan.All(b => !equalLengths || b.Indices.All(i => queue[i].Length == b.Time)).Label("no padding where it would change answers"));

        long Due((int[] Indices, int Time) b) => b.Indices.Min(i => Math.Min(queue[i].Deadline, queue[i].Arrived + policy.WaitBound));
    });

    [Fact]
    public void Plan_Requests_KeepTheirOrderAndTheirShare() => ForAll(300, (int seed, bool _, byte _) =>
    {
        var random = new Random(seed);
        var queue = RandomQueue(random, random.Next(65, 400)).OrderBy(q => q.Arrived).ToArray();
        var served = Plan(Policy, queue, now: 500, free: 1).SelectMany(b => b.Indices).ToHashSet();
        var requests = queue.Select((q, i) => (q.Request, Index: i)).GroupBy(q => q.Request).ToArray();
        bool prefixes = requests.All(r => r.Select(q => served.Contains(q.Index)).SkipWhile(s => s).All(s => !s));
        // nobody has a second share while somebody waits for a first one
        var shares = requests.Select(r => (Served: r.Count(q => served.Contains(q.Index)), Total: r.Count())).ToArray();
        int most = shares.Max(s => (s.Served - 1) / Policy.FairShare);
        bool fair = shares.All(s => s.Served == s.Total || s.Served >= most * Policy.FairShare);
        return prefixes.Label("first sequences first").And(fair.Label("fair share"));
    });

    [Fact]
    public void Plan_SmallQueue_IsTheCheapestPartition() => ForAll(200, (int seed, bool _, byte _) =>
    {
        var random = new Random(seed);
        var queue = RandomQueue(random, random.Next(1, 9));
        double cost = Plan(Policy, queue, now: 0, free: 1).Sum(b => Costs.Predict(b.Indices.Length, b.Time));
        double best = Cheapest([.. queue.Select(q => q.Length)]);
        return (cost <= best + 1e-6).Label($"{cost} against {best}");

        // every partition into sets, not only into neighbours
        static double Cheapest(int[] lengths)
        {
            double best = double.PositiveInfinity;
            Assign(0, []);
            return best;

            void Assign(int next, List<List<int>> sets)
            {
                if (next == lengths.Length)
                {
                    if (sets.All(s => s.Count == 1 || s.Count * s.Max() <= Policy.MaxPaddedTokens))
                        best = Math.Min(best, sets.Sum(s => Costs.Predict(s.Count, s.Max())));
                    return;
                }
                for (int i = 0; i <= sets.Count; i++)
                {
                    if (i == sets.Count)
                        sets.Add([]);
                    sets[i].Add(lengths[next]);
                    Assign(next + 1, sets);
                    sets[i].RemoveAt(sets[i].Count - 1);
                    if (sets[i].Count == 0)
                        sets.RemoveAt(i);
                }
            }
        }
    });

    [Fact]
    public void Plan_EndlessArrivals_NobodyWaitsBeyondTheBound() => ForAll(100, (int seed, bool _, byte _) =>
    {
        // Each round 64 leave and up to 64 arrive. Once overdue, a sequence is only behind those that are older.
        var random = new Random(seed);
        var queue = new List<QueuedSequence>();
        long now = 0, worst = 0;
        int request = 0;
        for (int round = 0; round < 60; round++)
        {
            for (int n = random.Next(20, 64); n > 0; request++)
            {
                int size = Math.Min(n, random.Next(1, 40));
                queue.AddRange(Enumerable.Range(0, size).Select(_ => new QueuedSequence(request, random.Next(1, 60), now, now + 1_000_000)));
                n -= size;
            }
            var served = Plan(Policy, [.. queue], now, free: 1).SelectMany(b => b.Indices).ToHashSet();
            worst = served.Select(i => now - queue[i].Arrived).Append(worst).Max();
            queue = [.. queue.Where((_, i) => !served.Contains(i))];
            now += 400;
        }
        // a request of up to 40 needs five shares of 8, one a round
        return (worst <= Policy.WaitBound + (2 + 5) * 400).Label($"waited {worst}");
    });

    private static void ForAll(int tests, Func<int, bool, byte, Property> property) =>
        Prop.ForAll(property).Check(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(20260101, 7));

    private static QueuedSequence[] RandomQueue(Random random, int count)
    {
        int requests = random.Next(1, 12);
        return [.. Enumerable.Range(0, count).Select(_ => new QueuedSequence(random.Next(requests), random.Next(1, 70), random.Next(0, 400), random.Next(400, 9000)))];
    }

    private static List<(int[] Indices, int Time)> Plan(BatchPolicy policy, QueuedSequence[] queue, long now, int free)
    {
        var plan = new BatchPlanner(policy, Costs).Plan(queue, now, free);
        var result = new List<(int[], int)>();
        foreach (var batch in plan.Batches)
            result.Add((plan.Order.Slice(batch.Start, batch.Rows).ToArray(), batch.Time));
        return result;
    }
}
