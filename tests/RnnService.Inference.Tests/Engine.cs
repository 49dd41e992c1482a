using RnnService.Core.Batching;
using RnnService.Core.Numerics;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Inference.Tests;

/// <summary>Runs sequences through a model and reads the heads as probabilities.</summary>
internal static class Engine
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>For each sequence the softmax of each head, one after the other in the order of heads.</summary>
    public static async Task<double[][]> ProbabilitiesAsync(Classifier model, IEnumerable<int[]> sequences)
    {
        using var request = model.NewRequest();
        foreach (var ids in sequences)
            Add((Sequences<int>)request.Sequences, ids);
        return await RunAsync(model, request);
    }

    /// <summary>Adds a whole sequence.</summary>
    public static void Add<T>(Sequences<T> sequences, IEnumerable<T> values)
    {
        foreach (var value in values)
            sequences.Add(value);
        sequences.Finish();
    }

    /// <summary>For each sequence the softmax of each head, one after the other in the order of heads.</summary>
    public static async Task<double[][]> RunAsync(Classifier model, SequenceRequest request)
    {
        Assert.Equal(RunOutcome.Done, await model.RunAsync(request, Patience, TestContext.Current.CancellationToken));
        return [.. Enumerable.Range(0, request.Count).Select(i => Read(model, request, i))];
    }

    public static void AssertClose(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], tolerance);
    }

    private static double[] Read(Classifier model, SequenceRequest request, int sequence)
    {
        model.ToLogits(request.Numbers(sequence));
        double[] values = [.. request.Numbers(sequence).ToArray().Select(l => (double)l)];
        foreach (var head in model.Heads)
            Assert.True(Softmax.TryApply(values.AsSpan(head.Offset, head.Width)));
        return values;
    }
}
