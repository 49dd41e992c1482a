using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace RnnService.Inference.Models;

/// <summary>What the server reads from a model card: the flat map <c>metrics</c> in the YAML front matter of <c>README.md</c>.</summary>
internal static class ModelCard
{
    private const string Fence = "---";

    /// <returns>Empty when the card has no front matter, no metrics, or cannot be read; a card never keeps a model from serving.</returns>
    public static IReadOnlyDictionary<string, double> ReadMetrics(string path)
    {
        if (!File.Exists(path))
            return new Dictionary<string, double>();
        var lines = File.ReadLines(path).TakeWhile((line, i) => i == 0 ? line == Fence : line != Fence).Skip(1);
        try
        {
            var reader = new DeserializerBuilder().WithNamingConvention(UnderscoredNamingConvention.Instance).IgnoreUnmatchedProperties().Build();
            return reader.Deserialize<FrontMatter?>(string.Join('\n', lines))?.Metrics ?? [];
        }
        catch (YamlException)
        {
            return new Dictionary<string, double>();
        }
    }

    private sealed class FrontMatter
    {
        public Dictionary<string, double>? Metrics { get; set; }
    }
}
