namespace RnnService.Api.Predict;

/// <summary>JSON Pointers (RFC 6901).</summary>
internal static class JsonPointer
{
    /// <summary>A pointer to a field of the document; long names are cut, they are somebody else's text.</summary>
    public static string Of(string field) => "/" + Escape(field.Length > 64 ? field[..64] : field);

    public static string Item(int index) => $"/inputs/{index}";

    public static string Item(int index, string field) => $"/inputs/{index}/{Escape(field.Length > 64 ? field[..64] : field)}";

    public static string Item(int index, string field, int position) => $"/inputs/{index}/{field}/{position}";

    private static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
