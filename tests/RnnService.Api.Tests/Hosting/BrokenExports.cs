using System.Text.Json;
using RnnService.TestData;

namespace RnnService.Api.Tests.Hosting;

/// <summary>Exports that cannot serve, and what has to be said of each.</summary>
internal static class BrokenExports
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Dictionary<string, Words> Golden { get; } =
        JsonSerializer.Deserialize<Dictionary<string, Words>>(File.ReadAllBytes(RepositoryRoot.Combine("tests", "golden", "broken", "golden.json")), Json)!;

    public static TheoryData<string> Names => [.. Golden.Keys.Order(StringComparer.Ordinal)];

    public static string Folder(string name) => RepositoryRoot.Combine("tests", "golden", "broken", name);

    /// <param name="AllOf">All of these are said.</param>
    /// <param name="AnyOf">At least one of these is said, in any case of letters.</param>
    internal sealed record Words(string[] AllOf, string[] AnyOf)
    {
        public void AssertSaid(string text)
        {
            Assert.All(AllOf, word => Assert.Contains(word, text, StringComparison.Ordinal));
            Assert.True(Array.Exists(AnyOf, word => text.Contains(word, StringComparison.OrdinalIgnoreCase)), text);
        }
    }
}
