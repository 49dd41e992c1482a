using System.Collections.Frozen;

namespace RnnService.Core.Text;

/// <summary>
/// Maps a token to the row of the embedding table that stands for it.
/// A token is looked up as written, then in lower case, then by the bucket of its shape and ending, so that an unknown
/// "Kyrgyzstani" still says "capitalised, ends in -ani". <c>models/training/tokenizer.py</c> states the same rule; golden files hold the two together.
/// </summary>
public sealed class Vocabulary
{
    private const int LongestBucketSuffix = 3;
    private const int StackLimit = 128;

    private readonly FrozenDictionary<string, int> _ids;
    private readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly int _unknown;

    /// <param name="entries">Entries in order of their ids; entry 0 is <c>&lt;pad&gt;</c>, entry 1 is <c>&lt;unk&gt;</c>.</param>
    private Vocabulary(string[] entries)
    {
        _ids = entries.Select((entry, id) => KeyValuePair.Create(entry, id)).ToFrozenDictionary(StringComparer.Ordinal);
        _lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _unknown = 1;
        Count = entries.Length;
    }

    /// <summary>Number of entries; valid ids are 0 to <c>Count - 1</c>.</summary>
    public int Count { get; }

    /// <summary>Reads <c>vocab.txt</c>: one entry a line, the line's number (from 0) is the id.</summary>
    /// <returns>Null when <paramref name="faults"/> were added.</returns>
    public static Vocabulary? Parse(string text, List<Fault> faults)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(faults);
        var entries = text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n').Split('\n');
        int before = faults.Count;
        if (entries.Length < 2 || entries[0] != "<pad>" || entries[1] != "<unk>")
            faults.Add(new Fault("", "vocab.txt must begin with the lines <pad> and <unk>, ids 0 and 1."));
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < entries.Length; id++)
        {
            if (!seen.TryAdd(entries[id], id))
                faults.Add(new Fault("", $"vocab.txt line {id + 1} repeats line {seen[entries[id]] + 1} (\"{entries[id]}\"); each token has one id."));
        }
        return faults.Count == before ? new Vocabulary(entries) : null;
    }

    /// <summary>The id of a token; never fails, the last resort is the id of <c>&lt;unk&gt;</c>.</summary>
    public int Lookup(ReadOnlySpan<char> token)
    {
        bool reserved = token is ['<', _, .., '>'];
        if (!reserved && _lookup.TryGetValue(token, out int id))
            return id;

        char[]? heap = token.Length > StackLimit ? new char[token.Length] : null;
        Span<char> lower = heap ?? stackalloc char[StackLimit];
        lower = lower[..token.Length];
        for (int i = 0; i < token.Length; i++)
            lower[i] = char.ToLowerInvariant(token[i]);
        if (!reserved && _lookup.TryGetValue(lower, out id))
            return id;
        return LookupBucket(TokenShape.Of(token), lower);
    }

    private int LookupBucket(string shape, ReadOnlySpan<char> lower)
    {
        Span<char> key = stackalloc char[32];
        for (int suffix = LongestBucketSuffix; suffix >= 2; suffix--)
        {
            if (lower.Length > suffix && key.TryWrite($"<unk:{shape}:{lower[^suffix..]}>", out int length) && _lookup.TryGetValue(key[..length], out int id))
                return id;
        }
        key.TryWrite($"<unk:{shape}>", out int bare);
        return _lookup.TryGetValue(key[..bare], out int bucket) ? bucket : _unknown;
    }
}
