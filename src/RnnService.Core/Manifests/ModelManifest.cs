using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Manifests;

/// <summary>
/// What the graph of a model cannot say about itself. Every field is optional; a field that is not known is refused,
/// because a misspelt field would silently change answers.
/// </summary>
public sealed record ModelManifest
{
    /// <summary>Address of this schema, for editors; not read.</summary>
    [JsonPropertyName("$schema"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Schema { get; init; }

    /// <summary>One sentence for people.</summary>
    public string? Description { get; init; }

    /// <summary>Name of the graph input that takes the sequence: token ids, or numeric features.</summary>
    [MinLength(1)]
    public string? Input { get; init; }

    /// <summary>Name of the graph input that takes sequence lengths, integer [batch].</summary>
    [MinLength(1)]
    public string? Lengths { get; init; }

    /// <summary>Name of the graph input that takes a mask of the time steps.</summary>
    [MinLength(1)]
    public string? Mask { get; init; }

    /// <summary>What a 1 in the mask marks: "sequence", a time step of the sequence, or "padding"; found by running the graph unless stated.</summary>
    public MaskMarks? MaskMarks { get; init; }

    /// <summary>Names of the graph inputs that take initial states; they are filled with zeros.</summary>
    public IReadOnlyList<string>? States { get; init; }

    /// <summary>The graph inputs that are constant: for each name the number that fills it.</summary>
    public IReadOnlyDictionary<string, double>? Fill { get; init; }

    /// <summary>Order of the axes of the sequence input: "batch_first", [batch, time, …], or "time_major", [time, batch, …]. Found from the graph unless stated.</summary>
    public SequenceLayout? Layout { get; init; }

    /// <summary>Token id that pads sequences, at least 0; by default 0.</summary>
    [Range(0, int.MaxValue)]
    public int? PaddingId { get; init; }

    /// <summary>Which graph outputs score which labels; by default every output that can, as their names and widths say.</summary>
    [MinLength(1)]
    public IReadOnlyList<HeadManifest>? Heads { get; init; }

    /// <summary>How text becomes ids; without it a model takes ids only.</summary>
    public TokenizerManifest? Tokenizer { get; init; }

    /// <summary>How raw values become features, for numeric sequences; without it they are taken as they are.</summary>
    public FeaturesManifest? Features { get; init; }

    /// <summary>Decoding when a request names none; by default "best_path", without a label tree "independent".</summary>
    public Decoding? Decoding { get; init; }

    /// <summary>Threshold when a request names none, 0 to 1; by default 0.</summary>
    [Range(0.0, 1.0)]
    public double? Threshold { get; init; }

    /// <summary>Longest sequence that the model is meant for, in time steps, at least 1.</summary>
    [Range(1, int.MaxValue)]
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

    /// <summary>What one field alone cannot show to be wrong.</summary>
    private void Check(List<Fault> faults)
    {
        CheckRoles(faults);
        HeadManifest.Check(Heads ?? [], faults);
        Features?.Check(MaxLength, faults);
        if (Features is not null && Tokenizer is not null)
            faults.Add(new Fault("/tokenizer", "A tokenizer makes ids from text and /features describes numeric sequences; a model takes one of them. Remove the other."));
        if (Features is not null && PaddingId is not null)
            faults.Add(new Fault("/padding_id", "An id pads sequences of token ids and /features describes numeric sequences; a model takes one of them. Remove the other."));
    }

    /// <summary>An input has one role.</summary>
    private void CheckRoles(List<Fault> faults)
    {
        var roles = new List<(string? Input, string Pointer)> { (Input, "/input"), (Lengths, "/lengths"), (Mask, "/mask") };
        for (int i = 0; i < States?.Count; i++)
            roles.Add((States[i], $"/states/{i}"));
        roles.AddRange((Fill ?? new Dictionary<string, double>()).Keys.Select(name => ((string?)name, Fault.Child("/fill", name))));
        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (input, pointer) in roles.Where(r => r.Input is not null))
        {
            if (string.IsNullOrEmpty(input))
                faults.Add(new Fault(pointer, "The name of a graph input must not be empty."));
            else if (!taken.TryAdd(input, pointer))
                faults.Add(new Fault(pointer, $"The input \"{input}\" is named here and at {taken[input]}; an input has one role."));
        }
    }
}

/// <summary>How text becomes ids.</summary>
/// <param name="Kind">"words": words and punctuation as <c>vocab.txt</c> lists them, which must be in the model's folder.</param>
public sealed record TokenizerManifest([property: AllowedValues("words")] string Kind);

/// <summary>What a 1 in a mask marks.</summary>
public enum MaskMarks
{
    /// <summary>A time step of the sequence; 0 is padding.</summary>
    Sequence,

    /// <summary>Padding; 0 is a time step of the sequence.</summary>
    Padding,
}

/// <summary>Order of the axes of a sequence input.</summary>
public enum SequenceLayout
{
    /// <summary>[batch, time, …].</summary>
    BatchFirst,

    /// <summary>[time, batch, …].</summary>
    TimeMajor,
}
