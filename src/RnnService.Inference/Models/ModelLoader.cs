using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.Core.Text;
using RnnService.Inference.Batching;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Models;

/// <summary>Makes a <see cref="LoadedModel"/> from a folder: reads everything, checks it against the graph, runs it once.</summary>
internal sealed class ModelLoader(IOptions<ModelsOptions> options, ILogger<ModelLoader> logger)
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
        var signature = ModelSignature.Find(session, manifest, faults);
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

        var runner = new OnnxRunner(session, signature!);
        var model = new LoadedModel
        {
            Name = folder.Name,
            Version = folder.Version,
            Description = manifest.Description,
            Tree = tree!,
            HeadOffsets = offsets!,
            Vocabulary = manifest.Tokenizer is null ? null : vocabulary,
            VocabularySize = rows ?? vocabulary?.Count,
            MaxLength = manifest.MaxLength ?? LengthUnlessStated,
            Decoding = DecodingNames.Parse(manifest.Decoding) ?? (tree!.IsHierarchy ? Decoding.BestPath : Decoding.Independent),
            Threshold = manifest.Threshold ?? 0,
            Metrics = ModelCard.ReadMetrics(folder.Card),
            Inputs = signature!.Inputs,
            Outputs = signature.Outputs,
            Heads = signature.Heads,
            Producer = graph.Producer,
            Opset = graph.Opset,
            Runner = new RequestRunner(runner, signature.RowWidth, options.Value.WorkerCount, logger),
            Graph = runner,
        };
        WarmUp(model);
        return model;
    }

    private static (OnnxGraph, InferenceSession) OpenGraph(ModelFolder folder, List<Fault> faults)
    {
        try
        {
            var graph = OnnxGraph.Read(folder.Graph);
            // One thread a run: workers run batches side by side, and ONNX Runtime's own pool would spin for work.
            using var settings = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL };
            return (graph, new InferenceSession(folder.Graph, settings));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException or OnnxRuntimeException or IOException)
        {
            faults.Add(new Fault("", $"model.onnx cannot be loaded: {e.Message} Export it again, or copy it again if the copy broke off."));
            throw new ModelLoadException(faults, e);
        }
    }

    /// <summary>The first run of a session allocates and picks kernels; it must not be a caller's.</summary>
    private static void WarmUp(LoadedModel model)
    {
        using var request = new SequenceRequest();
        for (int length = 1; length <= Math.Min(8, model.MaxLength); length *= 2)
        {
            for (int t = 0; t < length; t++)
                request.Sequences.Add(Math.Min(1, (model.VocabularySize ?? 2) - 1));
            request.Sequences.Finish();
        }
        var outcome = model.RunAsync(request, TimeSpan.FromMinutes(1), CancellationToken.None).AsTask().GetAwaiter().GetResult();
        if (outcome != RunOutcome.Done)
            throw new ModelLoadException([new Fault("", "The graph fails on a sequence of ordinary ids; the log has ONNX Runtime's reason.")]);
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
