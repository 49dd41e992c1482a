using BenchmarkDotNet.Attributes;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;

namespace RnnService.Benchmarks.Micro;

/// <summary>From the logits of one sequence to a path through the tree of question labels.</summary>
public class Decoding
{
    private HierarchyDecoder _decoder = null!;
    private float[] _logits = [];

    /// <summary>How the path is chosen.</summary>
    [Params(Core.Taxonomy.Decoding.BestPath, Core.Taxonomy.Decoding.TopDown)]
    public Core.Taxonomy.Decoding How { get; set; }

    /// <summary>Leaves that are ranked.</summary>
    [Params(1, 5)]
    public int TopK { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var tree = LabelsDocument.Parse(File.ReadAllBytes(new TestedModel(TestedModel.RepositoryModels()).Labels), [])!;
        var widths = tree.NodesOfLevel.Select(nodes => nodes.Length).ToArray();
        _decoder = new HierarchyDecoder(ScoreMap.PerLevel(tree, [0, widths[0]]));
        var random = new Random(11);
        _logits = [.. Enumerable.Range(0, widths.Sum()).Select(_ => 8 * random.NextSingle() - 4)];
    }

    [Benchmark(Description = "HierarchyDecoder.TryDecode")]
    public bool Decode() => _decoder.TryDecode(_logits, How, 0, TopK);
}
