using System.Globalization;

namespace RnnService.Core.Text;

/// <summary>The outward form of a word, which is what remains of it when it is not in the vocabulary.</summary>
internal static class TokenShape
{
    /// <returns>One of <c>number, mixed, upper, title, lower, other</c>.</returns>
    public static string Of(ReadOnlySpan<char> token)
    {
        bool digit = false, numeric = true, letter = false, allUpper = true;
        foreach (char c in token)
        {
            if (char.IsAsciiDigit(c))
                digit = true;
            else if (c is not ('.' or ',' or '-'))
                numeric = false;
            if (char.IsLetter(c))
            {
                letter = true;
                allUpper &= IsUpper(c);
            }
        }
        if (digit)
            return numeric ? "number" : "mixed";
        if (token.Length >= 2 && letter && allUpper)
            return "upper";
        if (token.IsEmpty || !char.IsLetter(token[0]))
            return "other";
        return IsUpper(token[0]) ? "title" : "lower";
    }

    private static bool IsUpper(char c) => char.GetUnicodeCategory(c) == UnicodeCategory.UppercaseLetter;
}
