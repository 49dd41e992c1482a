namespace RnnService.Api.Observability;

/// <summary>The id under which caller, answer and log speak of the same request.</summary>
internal static class RequestId
{
    private const string Header = "X-Request-Id";
    private const int Longest = 128;

    /// <summary>Takes the caller's id if it is short and printable, else makes one, and puts it on the response.</summary>
    public static string Assign(HttpContext context)
    {
        if (context.Request.Headers.TryGetValue(Header, out var sent) && sent is [{ Length: > 0 and <= Longest } own] && own.All(c => c is > ' ' and <= '~'))
            context.TraceIdentifier = own;
        Show(context);
        return context.TraceIdentifier;
    }

    /// <summary>Puts the id on the response.</summary>
    public static void Show(HttpContext context) => context.Response.Headers[Header] = context.TraceIdentifier;
}
