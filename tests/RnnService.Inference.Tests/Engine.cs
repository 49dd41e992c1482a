using RnnService.Core.Numerics;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Inference.Tests;

/// <summary>Runs sequences through a model and reads the heads as probabilities.</summary>
internal static class Engine
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>For each sequence the softmax of each head, one after the other in the order of heads.</summary>
    public static async Task<double[][]> ProbabilitiesAsync(LoadedModel model, IEnumerable<int[]> sequences)
    {
        using var request = new SequenceRequest();
        foreach (var ids in sequences)
        {
            foreach (int id in ids)
                request.Sequences.Add(id);
            request.Sequences.Finish();
        }
        Assert.Equal(RunOutcome.Done, await model.RunAsync(request, Patience, TestContext.Current.CancellationToken));
        return [.. Enumerable.Range(0, request.Count).Select(i => Read(model, request, i))];
    }

    public static void AssertClose(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], tolerance);
    }

    private static double[] Read(LoadedModel model, SequenceRequest request, int sequence)
    {
        double[] values = [.. request.Logits(sequence).ToArray().Select(l => (double)l)];
        foreach (var head in model.Heads)
            Assert.True(Softmax.TryApply(values.AsSpan(head.Offset, head.Width)));
        return values;
    }
}
