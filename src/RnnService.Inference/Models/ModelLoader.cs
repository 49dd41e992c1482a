using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Batching;
using RnnService.Core.Features;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.Core.Text;
using RnnService.Inference.Batching;
using RnnService.Inference.Onnx;
using RnnService.Inference.Tensors;

namespace RnnService.Inference.Models;

/// <summary>Makes a <see cref="LoadedModel"/> from a folder: reads everything, checks it against the graph, probes and measures the graph by running it.</summary>
internal sealed class ModelLoader(IOptions<BatchingOptions> batchingOptions, EngineHealth health, ILogger<ModelLoader> logger)
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

        if (GraphLoad.Open(folder.Graph, faults, out var cause) is not var (graph, session))
            throw new ModelLoadException(faults, cause);
        try
        {
            return Assemble(folder, new Beside(manifest, tree, vocabulary), graph, session, faults);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>What lies beside the graph.</summary>
    private sealed record Beside(ModelManifest Manifest, LabelTree? Tree, Vocabulary? Vocabulary);

    private LoadedModel Assemble(ModelFolder folder, Beside beside, OnnxGraph graph, InferenceSession session, List<Fault> faults)
    {
        var findings = SignatureFinder.Find(session, graph, beside.Manifest);
        var ignored = findings.Ignored.ToList();
        faults.AddRange(findings.Faults);
        var statistics = new ModelStatistics(new DirectoryInfo(folder.Path).EnumerateFiles().Sum(f => f.Length));
        var classifier = faults.Count > 0 ? null : MakeClassifier(folder, beside, new Loaded(graph, session, statistics), findings.Signature!, ignored, faults);
        // whoever writes a manifest, labels or a vocabulary wants a classifier; a graph alone may be anything, and then serves raw tensors
        if (classifier is null && (File.Exists(folder.Manifest) || File.Exists(folder.Labels) || File.Exists(folder.Vocabulary)))
            throw new ModelLoadException(faults);
        RowsAxis? rows = classifier is null ? null : new RowsAxis(classifier.Signature.Sequence.Name, classifier.Signature.Sequence.BatchAxis);
        var signature = classifier?.Signature ?? findings.Signature;
        return new LoadedModel(session, new TensorSession(session, statistics, batchingOptions.Value.For(folder.Name), rows))
        {
            Statistics = statistics,
            Name = folder.Name,
            Version = folder.Version,
            Description = beside.Manifest.Description,
            Metrics = ModelCard.ReadMetrics(folder.Card),
            Inputs = Metadata.List(session.InputMetadata),
            Outputs = Metadata.List(session.OutputMetadata),
            Graph = new GraphFindings
            {
                Producer = graph.Producer,
                Opset = graph.Opset,
                RecurrentNodes = graph.RecurrentNodes,
                ExternalFiles = graph.ExternalFiles,
                Inputs = signature is null ? [] : InputRole.Of(signature),
                Heads = signature?.Heads ?? [],
                Ignored = ignored,
                LooksLikeClassifier = findings.LooksLikeClassifier,
            },
            Classifier = classifier,
            WhyNoClassifier = classifier is null ? faults : [],
        };
    }

    /// <summary>The graph, read and loaded.</summary>
    private sealed record Loaded(OnnxGraph Graph, InferenceSession Session, ModelStatistics Statistics);

    private Classifier? MakeClassifier(ModelFolder folder, Beside beside, Loaded loaded, ModelSignature found, List<IgnoredOutput> ignored, List<Fault> faults)
    {
        var (manifest, tree, vocabulary) = beside;
        var (graph, session, statistics) = loaded;
        int? rows = found.Sequence.Kind == SequenceKind.Ids ? graph.EmbeddingRows(found.Sequence.Name) : null;
        if (vocabulary is not null && rows is not null && vocabulary.Count != rows)
            faults.Add(new Fault("", $"vocab.txt has {vocabulary.Count} entries and the graph's embedding {rows} rows; they must belong together."));
        var features = FeaturesOf(found.Sequence, manifest, faults);
        if (faults.Count > 0)
            return null;
        var settings = new ProbeSettings(rows ?? vocabulary?.Count, manifest.MaxLength ?? LengthUnlessStated, manifest.MaskMarks is not null, [.. manifest.Heads?.Where(h => h.Activation is not null).Select(h => h.Output) ?? []]);
        if (new ModelProbe(session, graph, settings, ignored).Run(found, faults) is not var (mode, signature))
            return null;
        bool unrelated = tree is null && signature.Heads.Count > 1;
        tree ??= unrelated
            ? LabelTree.Unrelated([.. signature.Heads.Select(h => (h.Output, h.Width))])
            : LabelTree.Flat(signature.Heads[0].Output, signature.Heads[0].Width);
        var scores = HeadAssignment.Find(tree, manifest.Heads, [.. signature.Heads.Select(h => (h.Output, h.Width))], faults);
        if (scores is null)
            return null;
        var batching = batchingOptions.Value.For(folder.Name);
        var policy = PolicyFor(mode, batching);
        var runner = new OnnxRunner(session, signature);
        using var sequences = new ProbeRuns(session, signature) { VocabularySize = mode.VocabularySize ?? 3 };
        var costs = CostCalibration.Measure(runner, policy, mode.MaxLength, sequences);
        return new Classifier(runner, new DynamicBatcher(runner, policy, costs, batching, health.BreakDown, logger) { Statistics = statistics })
        {
            Scores = scores,
            Features = features,
            Windows = manifest.Features?.Window?.Cut,
            Vocabulary = manifest.Tokenizer is null ? null : vocabulary,
            VocabularySize = mode.VocabularySize,
            MinId = mode.TakesPaddingId ? 0 : 1,
            MaxLength = mode.MaxLength,
            MinLength = mode.MinLength,
            Decoding = manifest.Decoding ?? (tree.IsHierarchy ? Decoding.BestPath : Decoding.Independent),
            Threshold = manifest.Threshold ?? 0,
            Mode = mode,
            Policy = policy,
            Costs = costs,
            Workers = batching.Workers!.Value,
        };
    }

    private static FeatureTransform? FeaturesOf(SequenceInput input, ModelManifest manifest, List<Fault> faults)
    {
        if (input.Kind == SequenceKind.Features)
            return FeatureTransform.Build(manifest.Features, input.Width, faults);
        if (manifest.Features is not null)
            faults.Add(new Fault("/features", $"model.json describes numeric sequences, but the graph's input \"{input.Name}\" takes {(input.Kind == SequenceKind.Ids ? "token ids" : "texts")}. Remove \"features\"."));
        return null;
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
