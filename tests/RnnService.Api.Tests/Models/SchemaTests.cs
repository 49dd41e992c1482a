using System.Text.Json;
using RnnService.Api.Tests.Hosting;
using RnnService.Core.Manifests;

namespace RnnService.Api.Tests.Models;

public sealed class SchemaTests(SharedServer server)
{
    [Theory]
    [InlineData("model.json", "features")]
    [InlineData("labels.json", "tree")]
    public async Task TheSchemasOfWhatLiesBesideAGraphArePublished(string name, string field)
    {
        var reply = await server.Client.GetAsync($"/schemas/{name}");

        Assert.Equal(200, reply.Status);
        Assert.Equal("application/schema+json", reply.ContentType);
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", reply.Json.GetProperty("$schema").GetString());
        Assert.True(reply.Json.GetProperty("properties").TryGetProperty(field, out _));
        // wherever the server is reached, the schema is what lies there
        Assert.False(reply.Json.TryGetProperty("$id", out var id) && Uri.TryCreate(id.GetString(), UriKind.Absolute, out _));
        var own = name == "model.json" ? ManifestSchemas.Model : ManifestSchemas.Labels;
        Assert.True(JsonElement.DeepEquals(JsonSerializer.Deserialize<JsonElement>(own.Span), reply.Json));
    }

    [Fact]
    public async Task AnUnknownSchemaIsAProblemLikeAnyOther() => (await server.Client.GetAsync("/schemas/vocab.txt")).AssertProblem(404);
}
