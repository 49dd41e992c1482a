using System.Text.Json;
using RnnService.Core.Batching;
using RnnService.Inference.Models;
using RnnService.TestData;

namespace RnnService.Inference.Tests.Onnx;

/// <summary>
/// Exports as people bring them (models/training/exports.py), served bare: the mode and the layout that are found are the right ones, and
/// every answer is PyTorch's for the sequence alone, however many run together.
/// </summary>
public sealed class BareExportTests(BareExportTests.Exports exports) : IClassFixture<BareExportTests.Exports>
{
    public static TheoryData<string> Names => [.. ReadGolden().Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Load_Export_FindsItsModeLayoutAndHeads(string name)
    {
        var golden = exports.Golden[name];
        var model = exports.Model(name);
        Assert.Equal(golden.Mode ?? "ragged", model.Mode.Name);
        Assert.Equal(golden.TimeMajor, model.Mode.TimeMajor);
        Assert.Equal(golden.Kind, model.Kind.ToString().ToLowerInvariant());
        Assert.Equal(golden.Sequences[0].Heads.Keys, model.Heads.Select(h => h.Output));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task RunAsync_EachAlone_IsPyTorchsAnswer(string name)
    {
        foreach (var sequence in exports.Golden[name].Sequences)
            AssertClose(name, sequence, (await RunAsync(name, [sequence]))[0]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task RunAsync_ManyRequestsAtOnce_AnswersEachAsAlone(string name)
    {
        var random = new Random(5);
        var requests = Enumerable.Range(0, 30).Select(_ => random.GetItems(exports.Golden[name].Sequences, random.Next(1, 9))).ToArray();
        var answers = await Task.WhenAll(requests.Select(r => Task.Run(() => RunAsync(name, r))));
        for (int r = 0; r < requests.Length; r++)
        {
            for (int i = 0; i < requests[r].Length; i++)
                AssertClose(name, requests[r][i], answers[r][i]);
        }
    }

    private void AssertClose(string name, GoldenSequence expected, double[] actual) =>
        Engine.AssertClose([.. expected.Heads.Values.SelectMany(p => p)], actual, exports.Golden[name].Tolerance);

    private async Task<double[][]> RunAsync(string name, GoldenSequence[] sequences)
    {
        var model = exports.Model(name);
        using var request = model.NewRequest();
        foreach (var sequence in sequences)
        {
            if (request.Sequences is Sequences<int> ids)
                Engine.Add(ids, sequence.Ids!);
            else if (request.Sequences is Sequences<float> features)
                Engine.Add(features, sequence.Features!.SelectMany(s => s));
            else
                Engine.Add((Sequences<string>)request.Sequences, [sequence.Text!]);
        }
        return await Engine.RunAsync(model, request);
    }

    private static Dictionary<string, GoldenExport> ReadGolden() =>
        JsonSerializer.Deserialize<Dictionary<string, GoldenExport>>(File.ReadAllBytes(RepositoryRoot.Combine("tests", "golden", "bare", "golden.json")), Json)!;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>All exports in one repository of bare models.</summary>
    public sealed class Exports : IAsyncLifetime
    {
        private readonly string _root = Directory.CreateTempSubdirectory("rnn-bare-").FullName;
        private RunningRepository? _running;

        internal Dictionary<string, GoldenExport> Golden { get; } = ReadGolden();

        public Classifier Model(string name) => _running!.Only(name) switch
        {
            { Model.Classifier: { } model } => model,
            { Model: { } model } => throw new InvalidOperationException(string.Join(" ", model.WhyNoClassifier)),
            var version => throw new InvalidOperationException(version.Reason),
        };

        public async ValueTask InitializeAsync()
        {
            foreach (var name in Golden.Keys)
                Copy(RepositoryRoot.Combine("tests", "golden", "bare", name), Path.Combine(_root, name, "1"));
            _running = await RunningRepository.StartAsync(_root);
        }

        public async ValueTask DisposeAsync()
        {
            await _running!.DisposeAsync();
            Directory.Delete(_root, recursive: true);
        }

        private static void Copy(string from, string to)
        {
            Directory.CreateDirectory(to);
            foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
            {
                var target = Path.Combine(to, Path.GetRelativePath(from, file));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.Copy(file, target);
            }
        }
    }

    internal sealed record GoldenExport(string Kind, string? Mode, bool TimeMajor, double Tolerance, GoldenSequence[] Sequences);

    internal sealed record GoldenSequence(int[]? Ids, float[][]? Features, string? Text, Dictionary<string, double[]> Heads);
}
