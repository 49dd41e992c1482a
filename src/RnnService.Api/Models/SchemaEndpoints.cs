using System.Text.Json;
using RnnService.Core.Manifests;

namespace RnnService.Api.Models;

/// <summary>The JSON Schemas of the documents beside a graph, for editors and checks: <c>"$schema": "http://localhost:8080/schemas/model.json"</c>.</summary>
internal static class SchemaEndpoints
{
    private const string MediaType = "application/schema+json";

    public static void MapSchemas(this IEndpointRouteBuilder routes)
    {
        var schemas = routes.MapGroup("/schemas").WithTags("Schemas");
        schemas.MapGet("/model.json", () => TypedResults.Bytes(ManifestSchemas.Model, MediaType))
            .WithName("GetManifestSchema").WithSummary("The JSON Schema of model.json, the manifest beside a graph").Produces<IReadOnlyDictionary<string, JsonElement>>(200, MediaType);
        schemas.MapGet("/labels.json", () => TypedResults.Bytes(ManifestSchemas.Labels, MediaType))
            .WithName("GetLabelsSchema").WithSummary("The JSON Schema of labels.json, the label tree beside a graph").Produces<IReadOnlyDictionary<string, JsonElement>>(200, MediaType);
    }
}
