using BenchmarkDotNet.Attributes;
using RnnService.Api.Configuration;
using RnnService.Api.Predict;

namespace RnnService.Benchmarks.Micro;

/// <summary>From the logits of a request to the JSON of its answer, decoding included.</summary>
public class AnswerWriting
{
    private Engine _engine = null!;
    private PredictRequest _request = null!;
    private AnswerWriter _writer = null!;

    [Params("1 text", "32 texts")]
    public string Body { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        _engine = Engine.Start();
        _request = PredictRequestReader.Read(Samples.Body(Body), null, null, _engine.Repository, new LimitsOptions(), out _)!;
        _request.Model.Classifier!.RunAsync(_request.Sequences, TimeSpan.FromSeconds(30), CancellationToken.None).AsTask().GetAwaiter().GetResult();
        _writer = AnswerFormat.Of(_request.Model).Rent();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _writer.Dispose();
        _request.Dispose();
        _engine.Dispose();
    }

    /// <returns>Bytes of the answer.</returns>
    [Benchmark(Description = "AnswerWriter.Write")]
    public int Write() => _writer.Write(_request) ? _writer.Written.Length : throw new InvalidOperationException("The logits are not numbers.");
}
