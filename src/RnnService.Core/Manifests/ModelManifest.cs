using System.Text.Json;
using System.Text.Json.Serialization;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Manifests;

/// <summary>
/// <c>model.json</c>: what the graph cannot say about itself. Every field is optional; a field that is not known is refused,
/// because a misspelt field would silently change answers.
/// </summary>
public sealed record ModelManifest
{
    /// <summary>One sentence for people.</summary>
    public string? Description { get; init; }

    /// <summary>Name of the graph input that takes token ids, integer [batch, time].</summary>
    public string? Input { get; init; }

    /// <summary>Name of the graph input that takes sequence lengths, integer [batch].</summary>
    public string? Lengths { get; init; }

    /// <summary>Which graph output scores which level of the label tree.</summary>
    public IReadOnlyList<HeadManifest>? Heads { get; init; }

    /// <summary>How text becomes ids; without it a model takes ids only.</summary>
    public TokenizerManifest? Tokenizer { get; init; }

    /// <summary>Decoding when a request names none: best_path, top_down or independent.</summary>
    public string? Decoding { get; init; }

    /// <summary>Threshold when a request names none, 0 to 1.</summary>
    public double? Threshold { get; init; }

    /// <summary>Longest sequence that the model is meant for, in time steps.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Reads and checks <c>model.json</c>.</summary>
    /// <returns>Null when faults were added.</returns>
    public static ModelManifest? Parse(ReadOnlySpan<byte> json, List<Fault> faults)
    {
        ArgumentNullException.ThrowIfNull(faults);
        int before = faults.Count;
        var manifest = Document.Read(json, ManifestJson.Default.ModelManifest, "model.json", faults);
        manifest?.Check(faults);
        return faults.Count == before ? manifest : null;
    }

    private void Check(List<Fault> faults)
    {
        if (Decoding is not null && DecodingNames.Parse(Decoding) is null)
            faults.Add(new Fault("/decoding", $"Unknown decoding \"{Decoding}\"; use one of {DecodingNames.All}."));
        if (Threshold is < 0 or > 1 or double.NaN)
            faults.Add(new Fault("/threshold", $"The threshold is a probability, 0 to 1, not {Threshold}."));
        if (MaxLength < 1)
            faults.Add(new Fault("/max_length", $"The longest sequence must have at least 1 time step, not {MaxLength}."));
        if (Tokenizer is not null && Tokenizer.Kind != "words")
            faults.Add(new Fault("/tokenizer/kind", $"Unknown tokenizer \"{Tokenizer.Kind}\"; this server knows \"words\"."));
        for (int i = 0; i < Heads?.Count; i++)
        {
            if (Heads[i] is null)
            {
                faults.Add(new Fault($"/heads/{i}", "A head is an object {\"output\": …, \"level\": …}, not null."));
                continue;
            }
            if (string.IsNullOrEmpty(Heads[i].Output))
                faults.Add(new Fault($"/heads/{i}/output", "A head needs the name of the graph output that holds its logits."));
            if (Heads.Take(i).Any(h => h?.Output == Heads[i].Output))
                faults.Add(new Fault($"/heads/{i}/output", $"The output \"{Heads[i].Output}\" is named by two heads."));
            if (Heads[i].Level is not null && Heads.Take(i).Any(h => h?.Level == Heads[i].Level))
                faults.Add(new Fault($"/heads/{i}/level", $"The level \"{Heads[i].Level}\" is scored by two heads."));
        }
    }
}

/// <param name="Output">Name of the graph output, float [batch, labels of the level], logits.</param>
/// <param name="Level">Name of the level in <c>labels.json</c>; by default heads score levels in order.</param>
public sealed record HeadManifest(string Output, string? Level = null);

/// <param name="Kind"><c>words</c>: see <see cref="Text.WordTokenizer"/>; needs <c>vocab.txt</c>.</param>
public sealed record TokenizerManifest(string Kind);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ModelManifest))]
[JsonSerializable(typeof(LabelsDocument))]
internal sealed partial class ManifestJson : JsonSerializerContext;

/// <summary>Reads a JSON document into a record and turns what the reader throws into a fault.</summary>
internal static class Document
{
    public static T? Read<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string file, List<Fault> faults)
        where T : class
    {
        try
        {
            var value = JsonSerializer.Deserialize(json, type);
            if (value is null)
                faults.Add(new Fault("", $"{file} is null; it must be an object."));
            return value;
        }
        catch (JsonException e)
        {
            faults.Add(new Fault("", $"{file}: {e.Message}"));
            return null;
        }
    }
}
