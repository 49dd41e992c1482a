using System.Text;
using System.Text.Json.Serialization.Metadata;
using RnnService.Core.Manifests;
using RnnService.TestData;

namespace RnnService.Core.Tests.Manifests;

public sealed class ManifestSchemasTests
{
    private const string Renew = "RNN_WRITE_SCHEMAS";

    [Fact]
    public void Model_PublishedSchema_IsWhatTheTypesSay() =>
        AssertInStep(ManifestJson.Default.ModelManifest, "model.json", "model.schema.json", ManifestSchemas.Model);

    [Fact]
    public void Labels_PublishedSchema_IsWhatTheTypesSay() =>
        AssertInStep(ManifestJson.Default.LabelsDocument, "labels.json", "labels.schema.json", ManifestSchemas.Labels);

    /// <summary>With RNN_WRITE_SCHEMAS=1 the files are written anew, which the next build embeds.</summary>
    private static void AssertInStep(JsonTypeInfo type, string title, string file, ReadOnlyMemory<byte> embedded)
    {
        var expected = SchemaWriter.Write(type, title);
        if (Environment.GetEnvironmentVariable(Renew) == "1")
        {
            File.WriteAllText(RepositoryRoot.Combine("src", "RnnService.Core", "Manifests", file), expected);
            return;
        }
        Assert.True(expected == Encoding.UTF8.GetString(embedded.Span), $"{file} is out of step with the types; run the tests once with {Renew}=1 and commit what they write.\n{expected}");
    }
}
