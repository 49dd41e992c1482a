using RnnService.Core.Batching;
using RnnService.Core.Text;
using RnnService.TestData;

namespace RnnService.Core.Tests.Text;

public sealed class WordTokenizerTests
{
    [Fact]
    public void Split_GoldenTexts_GivesGoldenTokens()
    {
        Assert.NotEmpty(GoldenFile.Entries);
        Assert.All(GoldenFile.Entries, e => Assert.Equal(e.Tokens, WordTokenizer.Split(e.Text)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \t\r\n")]
    [InlineData("\u00a0\u2003\u2028\u2029\u3000\u0085\v\f")]
    public void Split_NothingButSpace_GivesNothing(string text) => Assert.Empty(WordTokenizer.Split(text));

    [Theory]
    [InlineData("'", "'")]
    [InlineData("''", "''")]
    [InlineData("'''", "'' '")]
    [InlineData("''''", "'' ''")]
    [InlineData("'''''", "'' '' '")]
    [InlineData("```", "`` `")]
    [InlineData("x''", "x ''")]
    [InlineData("x'''", "x ' ''")]
    [InlineData("x'''?", "x ' '' ?")]
    [InlineData("\"''x''\"", "\" '' x '' \"")]
    public void Split_RunsOfQuotes_ComeInPairs(string text, string tokens) => AssertTokens(text, tokens);

    [Theory]
    [InlineData("What's", "What 's")]
    [InlineData("they've", "they 've")]
    [InlineData("'s", "'s")]
    [InlineData("'re?", "' re ?")]
    [InlineData("don't.", "don 't .")]
    [InlineData("O'Neil's", "O'Neil 's")]
    [InlineData("o'clock", "o'clock")]
    [InlineData("'Tis", "' Tis")]
    [InlineData("x'", "x '")]
    [InlineData("x'1", "x'1")]
    [InlineData("l'été", "l'été")]
    [InlineData("'𠀀", "'𠀀")]
    [InlineData("l'é", "l 'é")]
    public void Split_Apostrophes_TakesCliticsOff(string text, string tokens) => AssertTokens(text, tokens);

    [Theory]
    [InlineData("a.", "a .")]
    [InlineData("a. ", "a .")]
    [InlineData("a. b", "a. b")]
    [InlineData("Mr. Smith.", "Mr. Smith .")]
    [InlineData("the U.S.", "the U.S.")]
    [InlineData("wait...", "wait...")]
    [InlineData(".", ".")]
    [InlineData("(end).", "( end ) .")]
    [InlineData("end.)", "end . )")]
    [InlineData("3.14", "3.14")]
    public void Split_Periods_TakesOnlyTheFinalOneOff(string text, string tokens) => AssertTokens(text, tokens);

    [Theory]
    [InlineData("a\u00a0b\u1680c\u2000d\u202fe\u205ff\u3000g")]
    [InlineData("a\tb\nc\vd\fe\rf\u0085g")]
    [InlineData("a b\u2028c\u2029d \u2028 e f g")]
    public void Split_KindsOfSpace_AllSeparate(string text) => AssertTokens(text, "a b c d e f g");

    [Theory]
    [InlineData("a\u200bb")]
    [InlineData("a\u001cb")]
    [InlineData("a\ufeffb")]
    [InlineData("a\0b")]
    public void Split_CharactersThatOnlyLookLikeSpace_DoNotSeparate(string text) => Assert.Equal([text], WordTokenizer.Split(text));

    [Theory]
    [InlineData("a \ud83d b")]
    [InlineData("\udc00")]
    [InlineData("x\ud83d?")]
    [InlineData("'\ud83d")]
    public void Split_LoneSurrogate_LosesNothing(string text) =>
        Assert.Equal(text.Replace(" ", "", StringComparison.Ordinal), string.Concat(WordTokenizer.Split(text)));

    [Fact]
    public void Split_AnyTextOfMarks_LosesNothingAndGivesNoEmptyToken()
    {
        const string letters = "'`\"().,?!<>%$# ab1é";
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            var text = new string(random.GetItems<char>(letters, random.Next(12)));
            var tokens = WordTokenizer.Split(text);
            Assert.DoesNotContain("", tokens);
            Assert.Equal(text.Replace(" ", "", StringComparison.Ordinal), string.Concat(tokens));
        }
    }

    [Fact]
    public void Encode_MoreTokensThanWanted_StopsAndSaysSo()
    {
        using var sequences = new Sequences<int>();
        Assert.False(WordTokenizer.Encode("a b c d", SmallVocabulary.Make(), 3, sequences));
        Assert.Equal(3, sequences.OpenLength);
    }

    [Fact]
    public void Encode_AsManyTokensAsWanted_IsTrue()
    {
        using var sequences = new Sequences<int>();
        Assert.True(WordTokenizer.Encode(" a b c? ", SmallVocabulary.Make(), 4, sequences));
        Assert.Equal(4, sequences.OpenLength);
    }

    [Fact]
    public void Encode_HugeText_TakesLinearTime()
    {
        using var sequences = new Sequences<int>();
        Assert.True(WordTokenizer.Encode(string.Concat(Enumerable.Repeat("''a'' ", 200_000)), SmallVocabulary.Make(), int.MaxValue, sequences));
        Assert.Equal(600_000, sequences.OpenLength);
    }

    private static void AssertTokens(string text, string tokens) => Assert.Equal(tokens.Split(' '), WordTokenizer.Split(text));
}
