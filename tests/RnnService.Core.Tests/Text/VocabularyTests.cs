using RnnService.Core.Batching;
using RnnService.Core.Text;
using RnnService.TestData;

namespace RnnService.Core.Tests.Text;

public sealed class VocabularyTests
{
    [Fact]
    public void Lookup_GoldenTexts_GivesGoldenIds()
    {
        var faults = new List<Fault>();
        var vocabulary = Vocabulary.Parse(File.ReadAllText(RepositoryRoot.Combine("models", "questions", "1", "vocab.txt")), faults);
        Assert.Empty(faults);
        Assert.All(GoldenFile.Entries, entry =>
        {
            Assert.Equal(entry.Ids, entry.Tokens.Select(t => vocabulary!.Lookup(t)));
            using var sequences = new Sequences<int>();
            Assert.True(WordTokenizer.Encode(entry.Text, vocabulary!, entry.Ids.Length, sequences));
            sequences.Finish();
            Assert.Equal(entry.Ids, sequences[0].ToArray());
        });
    }

    [Fact]
    public void Lookup_WordAsWritten_ComesBeforeLowerCase()
    {
        var vocabulary = SmallVocabulary.Make("who", "Who");
        Assert.Equal(3, vocabulary.Lookup("Who"));
        Assert.Equal(2, vocabulary.Lookup("who"));
        Assert.Equal(2, vocabulary.Lookup("WHO"));
    }

    [Fact]
    public void Lookup_UnknownWord_TakesLongestEndingThenShapeThenUnknown()
    {
        var vocabulary = SmallVocabulary.Make("<unk:title>", "<unk:title:ng>", "<unk:title:ing>");
        Assert.Equal(4, vocabulary.Lookup("Xxing"));
        Assert.Equal(3, vocabulary.Lookup("Xxang"));
        Assert.Equal(2, vocabulary.Lookup("Xxxx"));
        Assert.Equal(3, vocabulary.Lookup("Ing"));   // an ending is shorter than its word
        Assert.Equal(2, vocabulary.Lookup("Ng"));
        Assert.Equal(1, vocabulary.Lookup("xxing"));
    }

    [Theory]
    [InlineData("42", "number")]
    [InlineData("1,250.75", "number")]
    [InlineData("B-52", "mixed")]
    [InlineData("𝒜", "title")]
    [InlineData("𝒜𝒞", "upper")]
    [InlineData("𠀀", "lower")]
    [InlineData("NASA", "upper")]
    [InlineData("U.S.", "upper")]
    [InlineData("I", "title")]
    [InlineData("Paris", "title")]
    [InlineData("paris", "lower")]
    [InlineData("東京", "lower")]
    [InlineData("?", "other")]
    [InlineData("-x", "other")]
    [InlineData("٣", "other")]
    [InlineData("\ud83d", "other")]
    public void Lookup_UnknownWord_FallsIntoTheBucketOfItsShape(string token, string shape)
    {
        string[] shapes = ["number", "mixed", "upper", "title", "lower", "other"];
        var vocabulary = SmallVocabulary.Make([.. shapes.Select(s => $"<unk:{s}>")]);
        Assert.Equal(2 + Array.IndexOf(shapes, shape), vocabulary.Lookup(token));
    }

    [Theory]
    [InlineData("<pad>")]
    [InlineData("<unk:title>")]
    [InlineData("<b>")]
    public void Lookup_TokenSpeltLikeAReservedEntry_NeverMatchesIt(string token)
    {
        var vocabulary = SmallVocabulary.Make("<unk:title>", "<b>", "<unk:other>");
        Assert.Equal(4, vocabulary.Lookup(token));
    }

    [Fact]
    public void Lookup_ReservedEntryInUpperCase_FallsIntoABucketToo() => Assert.Equal(2, SmallVocabulary.Make("<unk:upper>").Lookup("<PAD>"));

    [Fact]
    public void Lookup_BracketsWithNothingBetween_IsAWord() => Assert.Equal(2, SmallVocabulary.Make("<>").Lookup("<>"));

    [Fact]
    public void Lookup_VeryLongOrEmptyToken_Works()
    {
        var vocabulary = SmallVocabulary.Make("<unk:lower>", "<unk:lower:aaa>");
        Assert.Equal(3, vocabulary.Lookup(new string('a', 100_000)));
        Assert.Equal(1, vocabulary.Lookup(""));
    }

    [Theory]
    [InlineData("<pad>\r\n<unk>\r\nwho\r\n")]
    [InlineData("<pad>\n<unk>\nwho")]
    [InlineData("<pad>\n<unk>\nwho\n")]
    public void Parse_AnyLineEndings_GivesTheSame(string text)
    {
        var vocabulary = Vocabulary.Parse(text, []);
        Assert.Equal(3, vocabulary!.Count);
        Assert.Equal(2, vocabulary.Lookup("who"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("<pad>")]
    [InlineData("<unk>\n<pad>\nwho")]
    public void Parse_OtherBeginning_IsFault(string text)
    {
        var faults = new List<Fault>();
        Assert.Null(Vocabulary.Parse(text, faults));
        Faults.AssertSingle(faults, "", "<pad> and <unk>");
    }

    [Fact]
    public void Parse_SeveralFaults_ListsAllWithTheirLines()
    {
        var faults = new List<Fault>();
        Assert.Null(Vocabulary.Parse("a\nb\na\nb\n", faults));
        Assert.Equal(3, faults.Count);
        Assert.Contains("line 3 repeats line 1 (\"a\")", faults[1].Detail, StringComparison.Ordinal);
        Assert.Contains("line 4 repeats line 2 (\"b\")", faults[2].Detail, StringComparison.Ordinal);
    }
}
