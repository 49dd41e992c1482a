using RnnService.Core.Text;

namespace RnnService.Core.Tests.Text;

internal static class SmallVocabulary
{
    /// <summary>A vocabulary of the two entries that every one begins with, then the given ones from id 2.</summary>
    public static Vocabulary Make(params string[] entries)
    {
        var faults = new List<Fault>();
        var vocabulary = Vocabulary.Parse(string.Join('\n', ["<pad>", "<unk>", .. entries]), faults);
        Assert.Empty(faults);
        return vocabulary!;
    }
}
