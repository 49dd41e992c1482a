using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Batching;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.Core.Text;
using RnnService.Inference.Batching;
using RnnService.Inference.Onnx;
using RnnService.Inference.Tensors;

namespace RnnService.Inference.Models;

/// <summary>Makes a <see cref="LoadedModel"/> from a folder: reads everything, checks it against the graph, probes and measures the graph by running it.</summary>
internal sealed class ModelLoader(IOptions<BatchingOptions> batching, EngineHealth health, ILogger<ModelLoader> logger)
{
    private const int LengthUnlessStated = 4096;

    /// <exception cref="ModelLoadException">With every reason why the folder cannot be served.</exception>
    public LoadedModel Load(ModelFolder folder)
    {
        NativeRuntime.Prepare();
        var faults = new List<Fault>();
        var manifest = ReadIfThere(folder.Manifest, faults, static (text, f) => ModelManifest.Parse(text, f)) ?? new ModelManifest();
        var tree = ReadIfThere(folder.Labels, faults, static (text, f) => LabelsDocument.Parse(text, f));
        var vocabulary = File.Exists(folder.Vocabulary) ? Vocabulary.Parse(File.ReadAllText(folder.Vocabulary), faults) : null;
        if (manifest.Tokenizer is not null && !File.Exists(folder.Vocabulary))
            faults.Add(new Fault("/tokenizer", "The tokenizer needs vocab.txt, which is not in the folder."));

        var (graph, session) = OpenGraph(folder, faults);
        try
        {
            return Assemble(folder, manifest, tree, vocabulary, graph, session, faults);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private LoadedModel Assemble(ModelFolder folder, ModelManifest manifest, LabelTree? tree, Vocabulary? vocabulary, OnnxGraph graph, InferenceSession session, List<Fault> faults)
    {
        var signature = ModelSignature.Find(session, graph, manifest, faults);
        int[]? offsets = null;
        if (signature is not null)
        {
            bool unrelated = tree is null && signature.Heads.Count > 1;
            tree ??= unrelated
                ? LabelTree.Unrelated([.. signature.Heads.Select(h => (h.Output, h.Width))])
                : LabelTree.Flat(signature.Heads[0].Output, signature.Heads[0].Width);
            offsets = signature.Match(tree, manifest, faults);
        }
        int? rows = signature is null ? null : graph.EmbeddingRows(signature.IdsInput);
        if (vocabulary is not null && rows is not null && vocabulary.Count != rows)
            faults.Add(new Fault("", $"vocab.txt has {vocabulary.Count} entries and the graph's embedding {rows} rows; they must belong together."));
        if (faults.Count > 0)
            throw new ModelLoadException(faults);

        int maxLength = manifest.MaxLength ?? LengthUnlessStated;
        using var probe = new ModelProbe(session, signature!, graph, rows ?? vocabulary?.Count, maxLength);
        var mode = probe.Run(faults) ?? throw new ModelLoadException(faults);
        var settings = batching.Value.For(folder.Name);
        var policy = PolicyFor(mode, settings);
        var runner = new OnnxRunner(session, signature! with { TimeMajor = mode.TimeMajor });
        var costs = CostCalibration.Measure(runner, policy, mode.MaxLength, Math.Min(1, (mode.VocabularySize ?? 2) - 1));
        var statistics = new ModelStatistics(new DirectoryInfo(folder.Path).EnumerateFiles().Sum(f => f.Length));
        return new LoadedModel(runner, new DynamicBatcher(runner, policy, costs, settings, health.BreakDown, logger) { Statistics = statistics }, new TensorSession(session, statistics, settings))
        {
            Statistics = statistics,
            Name = folder.Name,
            Version = folder.Version,
            Description = manifest.Description,
            Tree = tree!,
            HeadOffsets = offsets!,
            Vocabulary = manifest.Tokenizer is null ? null : vocabulary,
            VocabularySize = mode.VocabularySize,
            MinId = mode.TakesPaddingId ? 0 : 1,
            MaxLength = mode.MaxLength,
            MinLength = mode.MinLength,
            Decoding = DecodingNames.Parse(manifest.Decoding) ?? (tree!.IsHierarchy ? Decoding.BestPath : Decoding.Independent),
            Threshold = manifest.Threshold ?? 0,
            Metrics = ModelCard.ReadMetrics(folder.Card),
            Inputs = signature!.Inputs,
            Outputs = signature.Outputs,
            Heads = signature.Heads,
            Producer = graph.Producer,
            Opset = graph.Opset,
            Mode = mode,
            Policy = policy,
            Costs = costs,
            Workers = settings.Workers!.Value,
        };
    }

    private static BatchPolicy PolicyFor(BatchMode mode, BatchingSettings settings) => new()
    {
        MaxRows = mode.RowsIndependent && mode.FixedRows != 1 ? settings.MaxRows!.Value : 1,
        MaxPaddedTokens = settings.MaxPaddedTokens!.Value,
        FixedRows = mode.FixedRows > 1 ? mode.FixedRows : 0,
        FixedTime = mode.FixedTime,
        EqualLengths = !mode.PaddingExact,
        WaitBound = settings.WaitMilliseconds!.Value * 1000L,
    };

    private static (OnnxGraph, InferenceSession) OpenGraph(ModelFolder folder, List<Fault> faults)
    {
        try
        {
            var graph = OnnxGraph.Read(folder.Graph);
            // One thread a run: workers run batches side by side, and ONNX Runtime's own pool would spin for work.
            using var settings = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL };
            return (graph, new InferenceSession(folder.Graph, settings));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException or OnnxRuntimeException or IOException or ArgumentException)
        {
            faults.Add(new Fault("", $"model.onnx cannot be loaded: {e.Message} Export it again, or copy it again if the copy broke off."));
            throw new ModelLoadException(faults, e);
        }
    }

    private delegate T? Parse<T>(ReadOnlySpan<byte> text, List<Fault> faults);

    private static T? ReadIfThere<T>(string path, List<Fault> faults, Parse<T> parse)
        where T : class
    {
        if (!File.Exists(path))
            return null;
        var own = new List<Fault>();
        var value = parse(File.ReadAllBytes(path), own);
        faults.AddRange(own.Select(f => f with { Detail = $"{Path.GetFileName(path)}: {f.Detail}" }));
        return value;
    }
}
