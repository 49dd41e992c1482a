using BenchmarkDotNet.Attributes;
using RnnService.Core.Batching;
using RnnService.Core.Text;

namespace RnnService.Benchmarks.Micro;

/// <summary>From text to token ids.</summary>
public class Tokenizing : IDisposable
{
    private readonly Sequences<int> _sequences = new();
    private Vocabulary _vocabulary = null!;

    [GlobalSetup]
    public void SetUp() => _vocabulary = Vocabulary.Parse(File.ReadAllText(new TestedModel(TestedModel.RepositoryModels()).Vocabulary), [])!;

    /// <summary>Time and bytes are those of one question, the average of several.</summary>
    [Benchmark(Description = "WordTokenizer.Encode", OperationsPerInvoke = 8)]
    public void Encode()
    {
        foreach (var question in Samples.Questions)
        {
            WordTokenizer.Encode(question, _vocabulary, 512, _sequences);
            _sequences.DropOpen();
        }
    }

    public void Dispose()
    {
        _sequences.Dispose();
        GC.SuppressFinalize(this);
    }
}
