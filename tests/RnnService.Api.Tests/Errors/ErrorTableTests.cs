using System.Net.Http.Headers;
using System.Text;
using RnnService.Api.Tests.Hosting;

namespace RnnService.Api.Tests.Errors;

/// <summary>The rows of the error table that need no special server; those about the body are in RequestFaultTests and LimitTests.</summary>
public sealed class ErrorTableTests(SharedServer server)
{
    private const string Body = """{"inputs":["Who ?"]}""";
    private readonly ServiceClient _client = server.Client;

    [Theory]
    [InlineData("/nothing/here", "GET /swagger")]
    [InlineData("/models/answers", "\"answers\"")]
    [InlineData("/models/answers/labels", "\"answers\"")]
    [InlineData("/models/answers/versions/1", "\"answers\"")]
    [InlineData("/models/questions/versions/9", "\"9\"")]
    [InlineData("/models/questions/versions/one", "\"one\"")]
    [InlineData("/models/questions/nothing", "GET /swagger")]
    [InlineData("/models/%3Cb%3E%22", "")]
    [InlineData("/models/caf%C3%A9%20%F0%9F%98%80", "")]
    public async Task Get_Unknown_Is404(string path, string part) => (await _client.GetAsync(path)).AssertProblem(404, part);

    [Theory]
    [InlineData("GET", "/predict", "POST")]
    [InlineData("PUT", "/predict", "POST")]
    [InlineData("DELETE", "/models/questions/predict", "POST")]
    [InlineData("GET", "/models/questions/versions/1/predict", "POST")]
    [InlineData("POST", "/models", "GET")]
    [InlineData("DELETE", "/models/questions", "GET")]
    [InlineData("POST", "/models/questions/labels", "GET")]
    [InlineData("POST", "/health/live", "GET")]
    public async Task Send_OtherMethod_Is405AndSaysWhichThereAre(string method, string path, string allowed)
    {
        var reply = await _client.SendAsync(new HttpMethod(method), path);
        reply.AssertProblem(405, method);
        Assert.Contains(allowed, reply.Allow);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/jsonp")]
    [InlineData("text/json")]
    [InlineData("")]
    [InlineData("nonsense")]
    public async Task Post_OtherContentType_Is415(string type)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body));
        if (type.Length > 0)
            Assert.True(content.Headers.TryAddWithoutValidation("Content-Type", type));
        (await _client.SendAsync(HttpMethod.Post, "/predict", content)).AssertProblem(415, "application/json");
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/json;charset=\"UTF-8\"")]
    [InlineData("Application/JSON")]
    [InlineData("application/json; v=1")]
    public async Task Post_JsonByOtherSpelling_IsRead(string type)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body));
        Assert.True(content.Headers.TryAddWithoutValidation("Content-Type", type));
        (await _client.SendAsync(HttpMethod.Post, "/predict", content)).AssertOk();
    }

    [Theory]
    [InlineData("text/html", 406)]
    [InlineData("application/xml, text/*", 406)]
    [InlineData("application/json;q=0", 406)]
    [InlineData("*/*", 200)]
    [InlineData("text/html, application/json;q=0.1", 200)]
    [InlineData("application/*", 200)]
    [InlineData("APPLICATION/JSON", 200)]
    [InlineData("text/html, */*;q=0.8", 200)]
    public async Task Post_Accept_DecidesWhetherThereIsAnAnswer(string accept, int status)
    {
        using var content = ServiceClient.Json(new StringContent(Body));
        var reply = await _client.SendAsync(HttpMethod.Post, "/predict", content, "Accept", accept);
        if (status == 200)
            reply.AssertOk();
        else
            reply.AssertProblem(status, "application/json");
    }

    [Fact]
    public async Task Head_AnError_HasNoBody()
    {
        var reply = await _client.SendAsync(HttpMethod.Head, "/models/answers/nothing");
        Assert.Equal((404, "application/problem+json", ""), (reply.Status, reply.ContentType, reply.Text));
    }

    [Fact]
    public async Task Post_MissingBody_Is400()
    {
        using var content = new ByteArrayContent([]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        (await _client.SendAsync(HttpMethod.Post, "/predict", content)).AssertProblem(400, "JSON");
    }
}
