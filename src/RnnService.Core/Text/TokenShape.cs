using System.Globalization;
using System.Text;

namespace RnnService.Core.Text;

/// <summary>The outward form of a word, which is what remains of it when it is not in the vocabulary.</summary>
internal static class TokenShape
{
    /// <returns>One of <c>number, mixed, upper, title, lower, other</c>.</returns>
    public static string Of(ReadOnlySpan<char> token)
    {
        bool digit = false, numeric = true, letter = false, allUpper = true;
        int length = 0;
        foreach (var c in token.EnumerateRunes())
        {
            length++;
            if (c.Value is >= '0' and <= '9')
                digit = true;
            else if (c.Value is not ('.' or ',' or '-'))
                numeric = false;
            if (Rune.IsLetter(c))
            {
                letter = true;
                allUpper &= IsUpper(c);
            }
        }
        if (digit)
            return numeric ? "number" : "mixed";
        if (length >= 2 && letter && allUpper)
            return "upper";
        Rune.DecodeFromUtf16(token, out var first, out _);
        if (!Rune.IsLetter(first))
            return "other";
        return IsUpper(first) ? "title" : "lower";
    }

    private static bool IsUpper(Rune c) => Rune.GetUnicodeCategory(c) == UnicodeCategory.UppercaseLetter;
}
