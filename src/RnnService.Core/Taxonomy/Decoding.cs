namespace RnnService.Core.Taxonomy;

/// <summary>How logits become a path through the label tree.</summary>
public enum Decoding
{
    /// <summary>The path to the most probable leaf, exact over the whole tree.</summary>
    BestPath,

    /// <summary>From the root down, at each node the most probable child.</summary>
    TopDown,

    /// <summary>Each level by its own head alone; the labels may contradict each other.</summary>
    Independent,
}

/// <summary>The names of the decodings as callers write them.</summary>
public static class DecodingNames
{
    /// <summary>All names, for error texts.</summary>
    public const string All = "best_path, top_down, independent";

    /// <returns>Null for an unknown name.</returns>
    public static Decoding? Parse(string? name) => name switch
    {
        "best_path" => Decoding.BestPath,
        "top_down" => Decoding.TopDown,
        "independent" => Decoding.Independent,
        _ => null,
    };

    public static string Name(this Decoding decoding) => decoding switch
    {
        Decoding.BestPath => "best_path",
        Decoding.TopDown => "top_down",
        _ => "independent",
    };
}
