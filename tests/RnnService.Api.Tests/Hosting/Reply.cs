using System.Net;
using System.Text.Json;

namespace RnnService.Api.Tests.Hosting;

/// <summary>An answer with its body.</summary>
internal sealed class Reply(HttpResponseMessage message, byte[] body)
{
    private JsonElement? _json;   // read when asked for: not every body that begins like JSON is nothing else

    public int Status => (int)message.StatusCode;

    public string? ContentType => message.Content.Headers.ContentType?.ToString();

    public ICollection<string> Allow => message.Content.Headers.Allow;

    public byte[] Bytes => body;

    public string Text => System.Text.Encoding.UTF8.GetString(body);

    public JsonElement Json => _json ??= body.Length > 0 && body[0] == '{' ? JsonSerializer.Deserialize<JsonElement>(body) : default;

    /// <summary>The array <c>predictions</c>, after a look at the status.</summary>
    public JsonElement[] Predictions
    {
        get
        {
            AssertOk();
            return [.. Json.GetProperty("predictions").EnumerateArray()];
        }
    }

    public string? Header(string name) => message.Headers.TryGetValues(name, out var values) ? Assert.Single(values) : null;

    public void AssertOk()
    {
        Assert.True(message.StatusCode == HttpStatusCode.OK, Text);
        Assert.Equal("application/json", message.Content.Headers.ContentType?.MediaType);
    }

    /// <summary>The answer is a problem document with every member.</summary>
    /// <returns>The pointers of its errors, in order.</returns>
    public string[] AssertProblem(int status, string? part = null)
    {
        Assert.True(Status == status, $"{Status} instead of {status}: {Text}");
        Assert.Equal("application/problem+json", ContentType);
        Assert.Equal(["detail", "errors", "instance", "status", "title", "type"], Json.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.Equal(status, Json.GetProperty("status").GetInt32());
        Assert.StartsWith("urn:rnn-service:problem:", Json.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(Json.GetProperty("title").GetString()!);
        Assert.NotEmpty(Json.GetProperty("detail").GetString()!);
        Assert.Equal(message.RequestMessage!.RequestUri!.AbsolutePath, Json.GetProperty("instance").GetString());
        var errors = Json.GetProperty("errors").EnumerateArray().ToArray();
        Assert.NotEmpty(errors);
        Assert.All(errors, e => Assert.NotEmpty(e.GetProperty("detail").GetString()!));
        if (part is not null)
            Assert.Contains(errors, e => e.GetProperty("detail").GetString()!.Contains(part, StringComparison.Ordinal));
        return [.. errors.Select(e => e.GetProperty("pointer").GetString()!)];
    }
}
