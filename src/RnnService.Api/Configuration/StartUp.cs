using System.Reflection;
using Microsoft.Extensions.Options;

namespace RnnService.Api.Configuration;

/// <summary>What happens before the first request: default address, and a readable end when the configuration is wrong.</summary>
internal static class StartUp
{
    private const int BadConfiguration = 78;   // EX_CONFIG of sysexits.h

    /// <summary>Listens on port 8080 of localhost unless ASP.NET Core is told otherwise in one of its own ways.</summary>
    public static void ListenOnDefaultAddress(this WebApplicationBuilder builder)
    {
        string[] settings = ["urls", "http_ports", "https_ports"];
        if (!settings.Any(s => !string.IsNullOrEmpty(builder.Configuration[s])) && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls("http://localhost:8080");
    }

    /// <summary>Runs the server; bad configuration ends it with every fault listed and exit code 78.</summary>
    public static async Task<int> RunAsync(Func<WebApplication> create)
    {
        try
        {
            await using var app = create();
            await app.RunAsync();
            return Environment.ExitCode;
        }
        catch (Exception e) when (Faults(e) is { Count: > 0 } faults)
        {
            await Console.Error.WriteLineAsync($"rnn-service cannot start, {faults.Count} setting(s) must be mended:");
            foreach (var fault in faults)
                await Console.Error.WriteLineAsync($"  - {fault}");
            return BadConfiguration;
        }
    }

    private static List<string> Faults(Exception e) => e switch
    {
        OptionsValidationException validation => [.. validation.Failures],
        AggregateException many => [.. many.InnerExceptions.SelectMany(Faults)],
        TargetInvocationException { InnerException: { } inner } => Faults(inner),
        InvalidOperationException { InnerException: (FormatException or OverflowException or ArgumentException or InvalidCastException) and var inner } => [$"{e.Message} {inner.Message}"],
        IOException { InnerException: not null } => [$"urls: {e.Message}"],
        FormatException => [$"urls: {e.Message}"],
        _ => [],
    };
}
