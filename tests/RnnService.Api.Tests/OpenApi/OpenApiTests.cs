using System.Text.Json;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.OpenApi;

public sealed class OpenApiTests(SharedServer server)
{
    private readonly ServiceClient _client = server.Client;

    [Theory]
    [InlineData("/swagger")]
    [InlineData("/swagger/index.html")]
    public async Task Get_Page_IsHtml(string path)
    {
        var reply = await _client.GetAsync(path);
        Assert.Equal(200, reply.Status);
        Assert.StartsWith("text/html", reply.ContentType, StringComparison.Ordinal);
        Assert.Contains("swagger-ui", reply.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/predict", "post", "200 400 404 406 413 415 429 503 504")]
    [InlineData("/models/{model}/predict", "post", "200 400 404 406 413 415 429 503 504")]
    [InlineData("/models/{model}/versions/{version}/predict", "post", "200 400 404 406 413 415 429 503 504")]
    [InlineData("/models", "get", "200")]
    [InlineData("/models/{model}", "get", "200 404")]
    [InlineData("/models/{model}/versions/{version}", "get", "200 404")]
    [InlineData("/models/{model}/labels", "get", "200 404 503")]
    [InlineData("/health/live", "get", "200")]
    [InlineData("/health/ready", "get", "200 503")]
    public async Task Get_Document_DescribesEachEndpointWithItsErrors(string path, string method, string statuses)
    {
        var operation = (await DocumentAsync()).GetProperty("paths").GetProperty(path).GetProperty(method);
        Assert.NotEmpty(operation.GetProperty("summary").GetString()!);
        var responses = operation.GetProperty("responses");
        foreach (var status in statuses.Split(' '))
        {
            var content = responses.GetProperty(status).GetProperty("content");
            Assert.True(content.TryGetProperty(status == "200" ? "application/json" : "application/problem+json", out var media), $"{status} of {path}");
            Assert.True(media.TryGetProperty("schema", out _));
        }
    }

    [Fact]
    public async Task Get_Document_DescribesWhatRequestsAndAnswersHold()
    {
        var schemas = (await DocumentAsync()).GetProperty("components").GetProperty("schemas");
        AssertProperties("PredictBody", "model", "version", "inputs", "top_k", "decoding", "threshold", "timeout_ms");
        AssertProperties("PredictAnswer", "model", "version", "predictions");
        AssertProperties("PredictionDocument", "id", "label", "probability", "path", "levels", "consistent", "stopped_at", "alternatives");
        AssertProperties("ProblemDocument", "type", "title", "status", "detail", "instance", "errors");
        AssertProperties("Fault", "pointer", "detail");

        void AssertProperties(string schema, params string[] names) =>
            Assert.Equal(names.Order(StringComparer.Ordinal), schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("/schemas/model.json", "get", "200", "application/schema+json")]
    [InlineData("/schemas/labels.json", "get", "200", "application/schema+json")]
    [InlineData("/v2/models/{model}/infer", "post", "200", "application/octet-stream")]
    [InlineData("/v2/models/{model}/infer", "post", "429", "application/json")]
    [InlineData("/v2/repository/models/{model}/load", "post", "404", "application/json")]
    public async Task TheDocumentNamesOtherMediaTypesToo(string path, string method, string status, string type)
    {
        var operation = (await DocumentAsync()).GetProperty("paths").GetProperty(path).GetProperty(method);
        Assert.True(operation.GetProperty("responses").GetProperty(status).GetProperty("content").GetProperty(type).TryGetProperty("schema", out _));
    }

    [Fact]
    public async Task FeaturesAreArraysOfNumbersOrNull()
    {
        var item = (await DocumentAsync()).GetProperty("components").GetProperty("schemas").GetProperty("PredictInput").GetProperty("oneOf")[1].GetProperty("properties");
        Assert.Equal(["features", "id", "ids", "text", "tokens"], item.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        var number = item.GetProperty("features").GetProperty("items").GetProperty("items");
        Assert.Equal("number", number.GetProperty("type").GetString());
        Assert.True(number.GetProperty("nullable").GetBoolean());
    }

    [Theory]
    [InlineData("/predict", "texts")]
    [InlineData("/predict", "numbers")]
    [InlineData("/models/{model}/predict", "texts")]
    [InlineData("/models/{model}/versions/{version}/predict", "texts")]
    public async Task Post_ExampleOfTheDocument_IsAnswered(string path, string name)
    {
        var operation = (await DocumentAsync()).GetProperty("paths").GetProperty(path).GetProperty("post");
        var example = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("examples").GetProperty(name).GetProperty("value");
        var reply = await _client.PostAsync(Address(path, operation), example.GetRawText());
        Assert.Equal(example.GetProperty("inputs").GetArrayLength(), reply.Predictions.Length);
    }

    [Theory]
    [InlineData("/v2/models/{model}/infer")]
    [InlineData("/v2/models/{model}/versions/{version}/infer")]
    public async Task TheExampleOfRawTensorsIsAnswered(string path)
    {
        var operation = (await DocumentAsync()).GetProperty("paths").GetProperty(path).GetProperty("post");
        var example = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");
        var reply = await _client.PostAsync(Address(path, operation), example.GetRawText());
        reply.AssertOk();
        Assert.Equal("[2,6]", reply.Json.GetProperty("outputs")[0].GetProperty("shape").GetRawText());
    }

    private static string Address(string path, JsonElement operation)
    {
        var address = path;
        if (operation.TryGetProperty("parameters", out var parameters))
        {
            foreach (var parameter in parameters.EnumerateArray())
            {
                if (parameter.TryGetProperty("example", out var value))
                    address = address.Replace($"{{{parameter.GetProperty("name").GetString()}}}", value.GetString(), StringComparison.Ordinal);
            }
        }
        return address;
    }

    private async Task<JsonElement> DocumentAsync()
    {
        var reply = await _client.GetAsync("/swagger/v1/swagger.json");
        Assert.Equal(200, reply.Status);
        return reply.Json;
    }
}
