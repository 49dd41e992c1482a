using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using RnnService.Api.Predict;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace RnnService.Api.OpenApi;

/// <summary>Swagger UI at /swagger and the OpenAPI document at /swagger/v1/swagger.json.</summary>
internal static class OpenApiSetup
{
    public static void AddOpenApiDocument(this IServiceCollection services)
    {
        // The generator takes names from the serializer's options, so these must be the contract's.
        services.ConfigureHttpJsonOptions(o => o.SerializerOptions.PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.SnakeCaseLower);
        services.AddEndpointsApiExplorer();
        services.AddSwaggerGen(options =>
        {
            options.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "RnnService",
                Version = "v1",
                Description = "Hierarchical predictions from exported RNN, LSTM and GRU classifiers. Errors are RFC 9457 problem documents with a JSON Pointer to each fault.",
            });
            foreach (var comments in Directory.EnumerateFiles(AppContext.BaseDirectory, "RnnService.*.xml"))
                options.IncludeXmlComments(comments);
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
            options.OperationFilter<PredictExamples>();
            options.SchemaFilter<InputSchema>();
        });
    }

    public static void UseOpenApiPages(this WebApplication app)
    {
        app.UseSwagger();
        app.UseSwaggerUI(options =>
        {
            options.DocumentTitle = "RnnService";
            options.EnableTryItOutByDefault();
            options.DisplayRequestDuration();
        });
    }
}

/// <summary>Gives each form of the prediction request an example that works when it is sent from the page.</summary>
internal sealed class PredictExamples : IOperationFilter
{
    private const string Request = """
        { "inputs": ["When did CNN begin broadcasting ?", { "id": "q2", "text": "Who was Galileo ?" }, { "tokens": ["What", "is", "LSTM", "?"] }], "top_k": 3 }
        """;

    private const string Problem = """
        { "type": "urn:rnn-service:problem:invalid-request", "title": "The request is not valid.", "status": 400,
          "detail": "This is how many alternatives are wanted: an integer of at least 1.", "instance": "/predict",
          "errors": [ { "pointer": "/top_k", "detail": "This is how many alternatives are wanted: an integer of at least 1." } ] }
        """;

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        operation.Parameters ??= [];
        foreach (var name in new[] { "model", "version" }.Where(n => context.ApiDescription.RelativePath?.Contains($"{{{n}}}", StringComparison.Ordinal) == true))
        {
            // A handler that reads its route itself has no parameters that the generator could find.
            if (operation.Parameters.All(p => p.Name != name))
                operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Path, Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
        }
        foreach (var parameter in operation.Parameters)
        {
            if (parameter is OpenApiParameter { Name: "model" or "version" } named)
                named.Example = named.Name == "model" ? "questions" : "1";
        }
        if (operation.RequestBody?.Content?.TryGetValue("application/json", out var body) == true)
            body.Example = JsonNode.Parse(Request);
        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (status == "400" && response.Content?.TryGetValue("application/problem+json", out var problem) == true)
                problem.Example = JsonNode.Parse(Problem);
        }
    }
}

/// <summary>An input may also be a plain string, which no C# type says.</summary>
internal sealed class InputSchema : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (context.Type != typeof(PredictInput) || schema is not OpenApiSchema input)
            return;
        var item = new OpenApiSchema { Type = JsonSchemaType.Object, Properties = input.Properties, AdditionalPropertiesAllowed = false };
        input.OneOf = [new OpenApiSchema { Type = JsonSchemaType.String, Description = "A text." }, item];
        input.Type = null;
        input.Properties = null;
        input.AdditionalPropertiesAllowed = true;
    }
}
