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
    [InlineData("/predict")]
    [InlineData("/models/{model}/predict")]
    [InlineData("/models/{model}/versions/{version}/predict")]
    public async Task Post_ExampleOfTheDocument_IsAnswered(string path)
    {
        var operation = (await DocumentAsync()).GetProperty("paths").GetProperty(path).GetProperty("post");
        var example = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");
        var address = path;
        if (operation.TryGetProperty("parameters", out var parameters))
        {
            foreach (var parameter in parameters.EnumerateArray())
                address = address.Replace($"{{{parameter.GetProperty("name").GetString()}}}", parameter.GetProperty("example").GetString(), StringComparison.Ordinal);
        }
        var reply = await _client.PostAsync(address, example.GetRawText());
        Assert.Equal(example.GetProperty("inputs").GetArrayLength(), reply.Predictions.Length);
    }

    private async Task<JsonElement> DocumentAsync()
    {
        var reply = await _client.GetAsync("/swagger/v1/swagger.json");
        Assert.Equal(200, reply.Status);
        return reply.Json;
    }
}
