using System.Text;
using System.Text.Json;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Micro;

/// <summary>What the parts are fed with.</summary>
internal static class Samples
{
    /// <summary>Questions of usual length, with the marks and unknown words that make a tokenizer work.</summary>
    public static readonly string[] Questions =
    [
        "When did the first railway across the Alps open ?",
        "Who wrote \"The Hitchhiker's Guide to the Galaxy\" ?",
        "What's the difference between a fjord, a firth and a ria?",
        "How many litres does the tank of a 1963 Quetzalmobil hold ?",
        "What does UNESCO stand for ?",
        "Why do onions make people cry ?",
        "Where is Lake Titicaca ?",
        "Name a colour that isn't in the rainbow .",
    ];

    /// <param name="kind"><c>1 text</c>, <c>32 texts</c> or <c>32 ids</c>.</param>
    public static byte[] Body(string kind) => Encoding.UTF8.GetBytes(kind switch
    {
        "1 text" => Texts(1),
        "32 texts" => Texts(32),
        _ => RequestSet.Body(TokenSequences.Of(LengthMix.Questions, 9000).Take(32)),
    });

    private static string Texts(int count) =>
        $$"""{"inputs":{{JsonSerializer.Serialize(Enumerable.Range(0, count).Select(i => Questions[i % Questions.Length]))}}}""";
}
