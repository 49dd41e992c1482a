using System.Globalization;
using System.Text;
using RnnService.Core.Batching;

namespace RnnService.Core.Text;

/// <summary>
/// Splits text into words and punctuation the way the TREC questions are split ("What's up?" is What, 's, up, ?).
/// A single scan without regular expressions, so that <c>models/training/tokenizer.py</c> can be the same rule to the letter.
/// </summary>
public static class WordTokenizer
{
    private const string Opening = "\"'([{<$#`";
    private const string Closing = "?!,;:\"')]}>%`";

    /// <summary>Appends the ids of the text's tokens to the open sequence of <paramref name="sequences"/>.</summary>
    /// <param name="text">Any text; surrogates need not be paired.</param>
    /// <param name="vocabulary">Gives each token its id.</param>
    /// <param name="maxLength">Longest sequence wanted, in time steps.</param>
    /// <param name="sequences">Receives the ids; the caller closes the sequence.</param>
    /// <returns>False as soon as the text has more than <paramref name="maxLength"/> tokens.</returns>
    public static bool Encode(ReadOnlySpan<char> text, Vocabulary vocabulary, int maxLength, Sequences<int> sequences)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(sequences);
        var tokens = new TokenEnumerator(text);
        while (tokens.MoveNext())
        {
            if (sequences.OpenLength == maxLength)
                return false;
            sequences.Add(vocabulary.Lookup(tokens.Current));
        }
        return true;
    }

    /// <summary>The tokens of a text, for tests and tools.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var result = new List<string>();
        var tokens = new TokenEnumerator(text);
        while (tokens.MoveNext())
            result.Add(tokens.Current.ToString());
        return result;
    }

    /// <summary>Walks the tokens of a text without allocating: leading marks, word, clitic, trailing marks, chunk by chunk.</summary>
    private ref struct TokenEnumerator(ReadOnlySpan<char> text)
    {
        private readonly ReadOnlySpan<char> _text = text;
        private int _next;              // where the next chunk is looked for
        private ReadOnlySpan<char> _head;    // of the chunk: not yet emitted, leading marks and the word
        private ReadOnlySpan<char> _clitic;  // of the chunk: comes after the word
        private ReadOnlySpan<char> _tail;    // of the chunk: trailing marks
        private bool _headIsWord;

        public ReadOnlySpan<char> Current { get; private set; }

        public bool MoveNext()
        {
            while (true)
            {
                if (!_head.IsEmpty)
                {
                    Current = _head[..HeadLength()];
                    _head = _head[Current.Length..];
                    if (!_headIsWord)
                        OpenRest(_head);
                    return true;
                }
                if (!_clitic.IsEmpty)
                {
                    Current = _clitic;
                    _clitic = default;
                    return true;
                }
                if (!_tail.IsEmpty)
                {
                    Current = _tail[..TrailingMark(_tail)];
                    _tail = _tail[Current.Length..];
                    return true;
                }
                if (!NextChunk())
                    return false;
            }
        }

        private readonly int HeadLength() => _headIsWord ? _head.Length : LeadingMark(_head);

        private bool NextChunk()
        {
            while (_next < _text.Length && IsWhiteSpace(_text[_next]))
                _next++;
            if (_next == _text.Length)
                return false;
            int start = _next;
            while (_next < _text.Length && !IsWhiteSpace(_text[_next]))
                _next++;
            OpenRest(_text[start.._next]);
            return true;
        }

        /// <summary>Decides what the beginning of the rest of a chunk is: a leading mark, or the word with all that follows it.</summary>
        private void OpenRest(ReadOnlySpan<char> rest)
        {
            _headIsWord = false;
            if (IsClitic(rest))
            {
                _head = rest;
                _headIsWord = true;
            }
            else if (LeadingMark(rest) > 0)
            {
                _head = rest;
            }
            else
            {
                SplitWord(rest);
            }
        }

        private void SplitWord(ReadOnlySpan<char> rest)
        {
            int end = rest.Length;
            bool lastChunk = IsLastChunk();
            while (end > 0)
            {
                if (end >= 2 && rest[..end].EndsWith("''"))
                    end -= 2;
                else if (Closing.Contains(rest[end - 1], StringComparison.Ordinal))
                    end--;
                else if (rest[end - 1] == '.' && lastChunk && end >= 2 && !rest[..(end - 1)].Contains('.'))
                    end--;
                else
                    break;
            }
            _tail = rest[end..];
            var word = rest[..end];
            int apostrophe = word.LastIndexOf('\'');
            if (apostrophe >= 1 && IsClitic(word[apostrophe..]))
            {
                _clitic = word[apostrophe..];
                word = word[..apostrophe];
            }
            _head = word;
            _headIsWord = true;
        }

        private readonly bool IsLastChunk()
        {
            for (int i = _next; i < _text.Length; i++)
            {
                if (!IsWhiteSpace(_text[i]))
                    return false;
            }
            return true;
        }

        private static int LeadingMark(ReadOnlySpan<char> rest)
        {
            if (rest.StartsWith("``") || rest.StartsWith("''"))
                return 2;
            return !rest.IsEmpty && Opening.Contains(rest[0], StringComparison.Ordinal) ? 1 : 0;
        }

        /// <summary>Marks are taken off from the right, so of an odd run of apostrophes the leftmost stands alone.</summary>
        private static int TrailingMark(ReadOnlySpan<char> tail)
        {
            int run = tail.IndexOfAnyExcept('\'');
            run = run < 0 ? tail.Length : run;
            return run > 0 && run % 2 == 0 ? 2 : 1;
        }

        /// <summary>An apostrophe with one or two letters: 's, 't, 're.</summary>
        private static bool IsClitic(ReadOnlySpan<char> part)
        {
            if (part.Length is < 2 or > 5 || part[0] != '\'')
                return false;
            int letters = 0;
            foreach (var c in part[1..].EnumerateRunes())
            {
                if (!Rune.IsLetter(c) || ++letters > 2)
                    return false;
            }
            return true;
        }

        private static bool IsWhiteSpace(char c) => c switch
        {
            >= '\t' and <= '\r' or ' ' or '\u0085' => true,
            < '\u0080' => false,
            _ => char.GetUnicodeCategory(c) is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator,
        };
    }
}
