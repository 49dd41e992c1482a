using System.Text;
using RnnService.Api.Tests.Hosting;
using RnnService.TestData;

namespace RnnService.Api.Tests.Batching;

/// <summary>20,000 sequences in random company over HTTP: every answer is the one the sequence gets alone, none is lost and none comes twice.</summary>
public sealed class MixedLoadTests
{
    private const int Sequences = 20_000;
    private const int Distinct = 300;
    private const int Clients = 24;
    private const double Tolerance = 1e-5;

    [Fact]
    public async Task Predict_RandomMixes_AnswersEachAsAloneAndLosesNone()
    {
        await using var server = await Server.StartAsync(RepositoryRoot.Models, "--Batching:QueueMilliseconds", "600000");
        await server.Client.WaitUntilReadyAsync();
        var random = new Random(20261124);
        int[][] sequences = [.. Enumerable.Range(0, Distinct).Select(_ => Enumerable.Range(0, random.Next(1, 201)).Select(_ => random.Next(2, 9000)).ToArray())];
        var alone = new Answer[Distinct];
        for (int i = 0; i < Distinct; i++)
            alone[i] = Assert.Single(Read(await server.Client.PredictAsync(Body([(i, "alone")], sequences, null))));

        var load = new Load(server.Client, sequences, alone);
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => load.RunAsync(new Random(client))));

        Assert.True(load.Answered + load.Unanswered >= Sequences);
        Assert.True(load.Answered > 0.8 * Sequences, $"{load.Answered} answered, {load.Unanswered} timed out or cancelled");
        Assert.True(load.Unanswered > 0, "No request was cancelled or timed out.");
        await CountersAddUpAsync(server.Client, load.Answered + Distinct);
    }

    /// <summary>Admitted is answered and dropped and failed, once nothing is under way.</summary>
    private static async Task CountersAddUpAsync(ServiceClient client, long answeredOverHttp)
    {
        Dictionary<string, double> counters = [];
        await Wait.UntilAsync(
            async () =>
            {
                counters = (await client.GetAsync("/metrics")).Text.Split('\n').Where(l => l.StartsWith("rnn_", StringComparison.Ordinal) && l.Contains("model=\"questions\"", StringComparison.Ordinal))
                    .ToDictionary(l => l[..l.IndexOf('{', StringComparison.Ordinal)], l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
                return counters["rnn_queue_sequences"] == 0;
            },
            () => "The queue does not empty.");
        Assert.Equal(counters["rnn_sequences_admitted_total"], counters["rnn_sequences_answered_total"] + counters["rnn_sequences_dropped_total"] + counters["rnn_sequences_failed_total"]);
        Assert.Equal(0, counters["rnn_sequences_failed_total"]);
        Assert.Equal(0, counters["rnn_sequences_refused_total"]);
        // a cancelled request may have been answered by the engine before its cancellation was seen
        Assert.True(counters["rnn_sequences_answered_total"] >= answeredOverHttp, $"{counters["rnn_sequences_answered_total"]} answered by the engine, {answeredOverHttp} seen by callers");
        Assert.True(counters["rnn_tokens_total"] <= counters["rnn_padded_tokens_total"]);
    }

    private static string Body(IEnumerable<(int Sequence, string Id)> items, int[][] sequences, int? timeout)
    {
        var body = new StringBuilder("{\"top_k\":5,");
        if (timeout is not null)
            body.Append("\"timeout_ms\":").Append(timeout).Append(',');
        return body.Append("\"inputs\":[")
            .AppendJoin(',', items.Select(i => $"{{\"id\":\"{i.Id}\",\"ids\":[{string.Join(',', sequences[i.Sequence])}]}}")).Append("]}").ToString();
    }

    private static Answer[] Read(Reply reply) =>
    [
        .. reply.Predictions.Select(p => new Answer(
            p.GetProperty("id").GetString()!,
            [
                .. p.GetProperty("levels").EnumerateArray().Select(l => (l.GetProperty("label").GetString()!, l.GetProperty("probability").GetDouble())),
                .. p.GetProperty("alternatives").EnumerateArray().Select(a => (a.GetProperty("path").EnumerateArray().Last().GetString()!, a.GetProperty("probability").GetDouble())),
            ])),
    ];

    private sealed record Answer(string Id, (string Label, double Probability)[] Labels);

    private sealed class Load(ServiceClient client, int[][] sequences, Answer[] alone)
    {
        private int _started;
        private int _answered;
        private int _unanswered;

        public int Answered => _answered;

        public int Unanswered => _unanswered;

        public async Task RunAsync(Random random)
        {
            while (true)
            {
                int size = random.Next(4) == 0 ? random.Next(1, 60) : random.Next(1, 8);
                int first = Interlocked.Add(ref _started, size) - size;
                if (first >= Sequences)
                    return;
                (int Sequence, string Id)[] items = [.. Enumerable.Range(first, size).Select(n => (random.Next(sequences.Length), $"n{n}"))];
                int? timeout = random.Next(20) == 0 ? random.Next(1, 4) : null;
                bool cancels = random.Next(20) == 0;
                Interlocked.Add(ref await SendAsync(Body(items, sequences, timeout), items, timeout, cancels ? random.Next(0, 15) : null) ? ref _answered : ref _unanswered, size);
            }
        }

        private async Task<bool> SendAsync(string body, (int Sequence, string Id)[] items, int? timeout, int? cancelAfter)
        {
            using var cancel = new CancellationTokenSource();
            if (cancelAfter is { } milliseconds)
                cancel.CancelAfter(milliseconds);
            Reply reply;
            try
            {
                reply = await client.PostUnlessGoneAsync("/predict", Encoding.UTF8.GetBytes(body), cancel.Token);
            }
            catch (OperationCanceledException) when (cancelAfter is not null)
            {
                return false;
            }
            if (timeout is not null && reply.Status == 504)
                return false;
            var answers = Read(reply);
            Assert.Equal(items.Select(i => i.Id), answers.Select(a => a.Id));
            for (int i = 0; i < items.Length; i++)
                AssertSame(alone[items[i].Sequence], answers[i]);
            return true;
        }

        private static void AssertSame(Answer expected, Answer actual)
        {
            Assert.Equal(expected.Labels.Length, actual.Labels.Length);
            for (int i = 0; i < expected.Labels.Length; i++)
            {
                // labels as probable as each other to the last bit of single precision may swap places
                Assert.Equal(expected.Labels[i].Probability, actual.Labels[i].Probability, Tolerance);
                if (expected.Labels[i].Label != actual.Labels[i].Label)
                    Assert.Contains(expected.Labels, l => l.Label == actual.Labels[i].Label && Math.Abs(l.Probability - actual.Labels[i].Probability) < Tolerance);
            }
        }
    }
}
