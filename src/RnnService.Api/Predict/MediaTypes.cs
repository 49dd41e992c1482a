using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using RnnService.Api.Errors;

namespace RnnService.Api.Predict;

/// <summary>Only JSON comes in and only JSON goes out.</summary>
internal static class MediaTypes
{
    private const string Json = "application/json";

    /// <returns>Null when the request's Content-Type and Accept allow JSON.</returns>
    public static Problem? Check(HttpRequest request)
    {
        if (!IsJson(request.ContentType))
            return Problem.OfStatus(StatusCodes.Status415UnsupportedMediaType, request);
        return Accepts(request.Headers.Accept) ? null : Problem.OfStatus(StatusCodes.Status406NotAcceptable, request);
    }

    private static bool IsJson(string? contentType)
    {
        if (contentType == Json)
            return true;
        return MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));
    }

    private static bool Accepts(StringValues accept)
    {
        if (accept.Count == 0 || (accept.Count == 1 && accept[0] is "*/*" or Json))
            return true;
        return !MediaTypeHeaderValue.TryParseList(accept, out var types)
            || types.Any(t => (t.Quality ?? 1) > 0 && (t.MatchesAllTypes || (t.MatchesAllSubTypes && t.Type == "application") || t.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)));
    }
}
