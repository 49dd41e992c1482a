namespace RnnService.Core;

/// <summary>One thing that is wrong with a document that somebody sent or wrote, and what to do about it.</summary>
/// <param name="Pointer">JSON Pointer (RFC 6901) into the document; empty for the document as a whole.</param>
/// <param name="Detail">What is wrong and the remedy, in one or two sentences.</param>
public readonly record struct Fault(string Pointer, string Detail)
{
    /// <summary>JSON Pointer to a field of the object at <paramref name="pointer"/>.</summary>
    public static string Child(string pointer, string field) =>
        $"{pointer}/{field.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    public override string ToString() => Pointer.Length == 0 ? Detail : $"{Pointer}: {Detail}";
}
