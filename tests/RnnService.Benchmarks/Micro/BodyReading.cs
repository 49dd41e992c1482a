using BenchmarkDotNet.Attributes;
using RnnService.Api.Configuration;
using RnnService.Api.Predict;

namespace RnnService.Benchmarks.Micro;

/// <summary>From the bytes of a body to token ids.</summary>
public class BodyReading
{
    private readonly LimitsOptions _limits = new();
    private Engine _engine = null!;
    private byte[] _body = [];

    [Params("1 text", "32 texts", "32 ids")]
    public string Body { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        _engine = Engine.Start();
        _body = Samples.Body(Body);
    }

    [GlobalCleanup]
    public void CleanUp() => _engine.Dispose();

    /// <returns>Number of sequences.</returns>
    [Benchmark(Description = "PredictRequestReader.Read")]
    public int Read()
    {
        using var request = PredictRequestReader.Read(_body, null, null, _engine.Repository, _limits, out var problem);
        return problem is null ? request!.Sequences.Count : throw new InvalidOperationException($"Refused with {problem.Status}.");
    }
}
