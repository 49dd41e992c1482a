using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.OpenApi;
using RnnService.Api.OpenInference;
using RnnService.Api.Predict;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace RnnService.Api.OpenApi;

/// <summary>Swagger UI at /swagger and the OpenAPI document at /swagger/v1/swagger.json.</summary>
internal static class OpenApiSetup
{
    private static readonly string[] Order = ["Predict", "Models", "Schemas", "Open Inference Protocol", "Health"];

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
                Description = "Hierarchical predictions from exported RNN, LSTM and GRU classifiers of texts, ids and numeric sequences, and under /v2 raw tensors for any ONNX model. "
                    + "Errors are RFC 9457 problem documents with a JSON Pointer to each fault; under /v2 they are the Open Inference Protocol's.",
            });
            foreach (var comments in Directory.EnumerateFiles(AppContext.BaseDirectory, "RnnService.*.xml"))
                options.IncludeXmlComments(comments);
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
            options.OrderActionsBy(action => $"{Array.IndexOf(Order, action.ActionDescriptor.EndpointMetadata.OfType<ITagsMetadata>().LastOrDefault()?.Tags[0])}{action.RelativePath}");
            options.OperationFilter<PathParameters>();
            options.OperationFilter<PredictExamples>();
            options.OperationFilter<TensorExamples>();
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

/// <summary>Gives the path parameters of every operation values that work with its example.</summary>
internal sealed class PathParameters : IOperationFilter
{
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
    }
}

/// <summary>Gives each form of the prediction request examples that work when they are sent from the page.</summary>
internal sealed class PredictExamples : IOperationFilter
{
    private const string Texts = """
        { "inputs": ["When did CNN begin broadcasting ?", { "id": "q2", "text": "Who was Galileo ?" }, { "tokens": ["What", "is", "LSTM", "?"] }], "top_k": 3 }
        """;

    private const string Numbers = """
        { "model": "activity", "inputs": [ { "id": "lying", "features": [
          [0.001, 0.002, -0.003, 0.012, -0.008, 0.003, -0.121, 0.612, 0.783],
          [0.002, null, -0.001, 0.010, -0.011, 0.001, -0.120, 0.613, 0.785],
          [-0.001, 0.001, 0.002, null, -0.009, 0.004, -0.123, 0.612, 0.788],
          [0.000, 0.003, -0.002, 0.009, -0.010, 0.002, -0.122, 0.614, 0.784] ] } ] }
        """;

    private const string Problem = """
        { "type": "urn:rnn-service:problem:invalid-request", "title": "The request is not valid.", "status": 400,
          "detail": "This is how many alternatives are wanted: an integer of at least 1.", "instance": "/predict",
          "errors": [ { "pointer": "/top_k", "detail": "This is how many alternatives are wanted: an integer of at least 1." } ] }
        """;

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        if (context.ApiDescription.RelativePath?.EndsWith("predict", StringComparison.Ordinal) != true)
            return;
        if (operation.RequestBody?.Content?.TryGetValue("application/json", out var body) == true)
        {
            body.Examples = new Dictionary<string, IOpenApiExample> { ["texts"] = new OpenApiExample { Summary = "Texts and tokens", Value = JsonNode.Parse(Texts) } };
            if (operation.Parameters is null or [])   // else the address names the model of the other example
                body.Examples.Add("numbers", new OpenApiExample { Summary = "A numeric sequence with missing values", Value = JsonNode.Parse(Numbers) });
        }
        if (operation.Responses?.TryGetValue("400", out var response) == true && response.Content?.TryGetValue("application/problem+json", out var problem) == true)
            problem.Example = JsonNode.Parse(Problem);
    }
}

/// <summary>Gives the requests of the Open Inference Protocol examples that work, and says what does not follow from their types.</summary>
internal sealed class TensorExamples : IOperationFilter
{
    private const string Infer = """
        { "inputs": [
            { "name": "input_ids", "shape": [2, 3], "datatype": "INT64", "data": [12, 7, 3, 5, 9, 0] },
            { "name": "lengths", "shape": [2], "datatype": "INT64", "data": [3, 2] } ],
          "outputs": [ { "name": "coarse" } ] }
        """;

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        if (context.ApiDescription.RelativePath?.StartsWith("v2", StringComparison.Ordinal) != true || operation.RequestBody?.Content is not { } content || !content.TryGetValue("application/json", out var body))
            return;
        // other types are read too, as clients call JSON by many names; nobody should choose them
        foreach (var other in content.Keys.Where(k => k != "application/json").ToArray())
            content.Remove(other);
        bool infers = context.ApiDescription.RelativePath.EndsWith("/infer", StringComparison.Ordinal);
        body.Example = infers ? JsonNode.Parse(Infer) : new JsonObject();
        if (!infers)
            return;
        operation.Description = "All 13 datatypes. With the header Inference-Header-Content-Length the body is JSON of that length, then the tensors' binary data in the order of the inputs; "
            + "0 is a body that is the data of the only input. Answers with binary data have the same header.";
        var octets = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = "JSON, then binary data." } };
        content["application/octet-stream"] = octets;
        if (operation.Responses?.TryGetValue("200", out var answer) == true && answer.Content is { } answers)
            answers["application/octet-stream"] = octets;
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = InferBody.HeaderLength,
            In = ParameterLocation.Header,
            Description = "Bytes of JSON before the binary data.",
            Schema = new OpenApiSchema { Type = JsonSchemaType.Integer },
        });
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
