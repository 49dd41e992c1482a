using System.Net.Http.Headers;
using System.Text;

namespace RnnService.Api.Tests.Hosting;

/// <summary>Speaks HTTP with a server.</summary>
internal sealed class ServiceClient(Uri address) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = TimeSpan.FromMinutes(2) };

    public Uri Address => address;

    public Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    /// <summary>Posts JSON.</summary>
    public Task<Reply> PostAsync(string path, string json) => PostAsync(path, Encoding.UTF8.GetBytes(json));

    /// <summary>Posts bytes that are said to be JSON.</summary>
    public Task<Reply> PostAsync(string path, byte[] body) => SendAsync(HttpMethod.Post, path, Json(new ByteArrayContent(body)));

    /// <summary>Posts JSON as a caller who goes away when <paramref name="gone"/> is set.</summary>
    /// <exception cref="OperationCanceledException">The caller went before the answer came.</exception>
    public Task<Reply> PostUnlessGoneAsync(string path, byte[] body, CancellationToken gone) =>
        ExchangeAsync(HttpMethod.Post, path, Json(new ByteArrayContent(body)), [], gone);

    public Task<Reply> PredictAsync(string json) => PostAsync("/predict", json);

    /// <summary>Sends a request; <paramref name="headers"/> are name, value, name, value, …, sent as they are.</summary>
    public Task<Reply> SendAsync(HttpMethod method, string path, HttpContent? content = null, params string[] headers) =>
        ExchangeAsync(method, path, content, headers, TestContext.Current.CancellationToken);

    private async Task<Reply> ExchangeAsync(HttpMethod method, string path, HttpContent? content, string[] headers, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var header in headers.Chunk(2))
            Assert.True(request.Headers.TryAddWithoutValidation(header[0], header[1]));
        using var response = await _http.SendAsync(request, cancel);
        return new Reply(response, await response.Content.ReadAsByteArrayAsync(cancel));
    }

    public async Task WaitUntilReadyAsync()
    {
        var last = "";
        await Wait.UntilAsync(
            async () =>
            {
                var reply = await GetAsync("/health/ready");
                last = reply.Text;
                return reply.Status == 200;
            },
            () => last);
    }

    public static HttpContent Json(HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    public void Dispose() => _http.Dispose();
}
