using System.Text.Json;

namespace RnnService.TestData;

/// <summary>What the training tools say about one text; the server must say the same.</summary>
/// <param name="Text">The text.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Ids">Their ids.</param>
/// <param name="Coarse">Softmax of the head of the coarse level.</param>
/// <param name="Fine">Softmax of the head of the fine level, over all fine labels.</param>
internal sealed record GoldenEntry(string Text, string[] Tokens, int[] Ids, double[] Coarse, double[] Fine);

internal static class GoldenFile
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public static IReadOnlyList<GoldenEntry> Entries { get; } =
        JsonSerializer.Deserialize<GoldenEntry[]>(File.ReadAllBytes(RepositoryRoot.Combine("tests", "golden", "questions", "golden.json")), Options)!;
}
