using System.Text.Json;
using RnnService.Core.Numerics;
using RnnService.Inference.Models;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Onnx;

/// <summary>
/// Tiny models with each fault that exports have (models/training/faulty_exports.py), served bare: the mode that is found is the right one, and
/// every answer is PyTorch's for the sequence alone, however many run together.
/// </summary>
public sealed class ExportFaultTests(ExportFaultTests.Exports exports) : IClassFixture<ExportFaultTests.Exports>
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Names => [.. ReadGolden().Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Probe_Export_FindsItsMode(string name)
    {
        var model = exports.Model(name);
        Assert.Equal(exports.Golden[name].Mode, model.Mode.Name);
        Assert.Equal(exports.Golden[name].TimeMajor, model.Mode.TimeMajor);
        Assert.Equal(model.Mode.Name == "ragged", model.Mode.Remedy is null);
    }

    [Fact]
    public void Probe_HiddenVocabulary_IsFoundByTrying() => Assert.Equal(40, exports.Model("hidden_vocabulary").VocabularySize);

    [Fact]
    public void Probe_ConvolutionInFront_HasAShortestLengthAndNoFrozenTime()
    {
        Assert.Equal(3, exports.Model("convolution_in_front").MinLength);
        Assert.Equal(0, exports.Model("convolution_in_front").Mode.FixedTime);
    }

    [Fact]
    public void Probe_ZeroIsPadding_IsNoId()
    {
        Assert.Equal(1, exports.Model("padding_by_id").MinId);
        Assert.Equal(0, exports.Model("good_lstm").MinId);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task RunAsync_EachAlone_IsPyTorchsAnswer(string name)
    {
        foreach (var sequence in exports.Golden[name].Sequences)
            AssertClose(sequence, (await RunAsync(exports.Model(name), [sequence]))[0]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task RunAsync_AllLengthsInOneRequest_AnswersEachAsAlone(string name)
    {
        var sequences = exports.Golden[name].Sequences;
        var answers = await RunAsync(exports.Model(name), sequences);
        for (int i = 0; i < sequences.Length; i++)
            AssertClose(sequences[i], answers[i]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task RunAsync_ManyRequestsAtOnce_AnswersEachAsAlone(string name)
    {
        var random = new Random(5);
        var requests = Enumerable.Range(0, 60).Select(_ => random.GetItems(exports.Golden[name].Sequences, random.Next(1, 9))).ToArray();
        var answers = await Task.WhenAll(requests.Select(r => Task.Run(() => RunAsync(exports.Model(name), r))));
        for (int r = 0; r < requests.Length; r++)
        {
            for (int i = 0; i < requests[r].Length; i++)
                AssertClose(requests[r][i], answers[r][i]);
        }
    }

    private static void AssertClose(GoldenSequence expected, double[] actual)
    {
        double[] probabilities = [.. Softmaxed(expected.Coarse), .. Softmaxed(expected.Fine)];
        Engine.AssertClose(probabilities, actual, Tolerance);
    }

    private static double[] Softmaxed(double[] logits)
    {
        double[] values = [.. logits];
        Assert.True(Softmax.TryApply(values));
        return values;
    }

    private static Task<double[][]> RunAsync(Classifier model, GoldenSequence[] sequences) => Engine.ProbabilitiesAsync(model, sequences.Select(s => s.Ids));

    private static Dictionary<string, GoldenExport> ReadGolden() =>
        JsonSerializer.Deserialize<Dictionary<string, GoldenExport>>(File.ReadAllBytes(RepositoryRoot.Combine("tests", "golden", "exports", "golden.json")), JsonSerializerOptions.Web)!;

    /// <summary>All exports in one repository of bare models.</summary>
    public sealed class Exports : IAsyncLifetime
    {
        private readonly string _root = Directory.CreateTempSubdirectory("rnn-exports-").FullName;
        private RunningRepository? _running;

        internal Dictionary<string, GoldenExport> Golden { get; } = ReadGolden();

        public Classifier Model(string name) => _running!.Only(name) switch
        {
            { Model.Classifier: { } model } => model,
            var version => throw new InvalidOperationException(version.Reason),
        };

        public async ValueTask InitializeAsync()
        {
            foreach (var name in Golden.Keys)
                File.Copy(RepositoryRoot.Combine("tests", "golden", "exports", $"{name}.onnx"), Path.Combine(Directory.CreateDirectory(Path.Combine(_root, name, "1")).FullName, "model.onnx"));
            _running = await RunningRepository.StartAsync(_root);
        }

        public async ValueTask DisposeAsync()
        {
            await _running!.DisposeAsync();
            Directory.Delete(_root, recursive: true);
        }
    }

    internal sealed record GoldenExport(string Mode, [property: System.Text.Json.Serialization.JsonPropertyName("time_major")] bool TimeMajor, GoldenSequence[] Sequences);

    internal sealed record GoldenSequence(int[] Ids, double[] Coarse, double[] Fine);
}
