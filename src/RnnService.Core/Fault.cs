namespace RnnService.Core;

/// <summary>One thing that is wrong with a document that somebody sent or wrote, and what to do about it.</summary>
/// <param name="Pointer">JSON Pointer (RFC 6901) into the document; empty for the document as a whole.</param>
/// <param name="Detail">What is wrong and the remedy, in one or two sentences.</param>
public readonly record struct Fault(string Pointer, string Detail)
{
    public override string ToString() => Pointer.Length == 0 ? Detail : $"{Pointer}: {Detail}";
}
