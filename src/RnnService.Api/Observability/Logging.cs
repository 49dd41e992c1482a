using System.Globalization;
using Serilog;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Json;

namespace RnnService.Api.Observability;

internal static class Logging
{
    private const string ConsoleTemplate = "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";

    /// <summary>
    /// Serilog behind ASP.NET Core's logging: one JSON object a line in a container, plain lines on a console.
    /// Serilog.AspNetCore cannot be restored everywhere; this and <see cref="RequestLog"/> are what it would do here.
    /// </summary>
    public static void UseSerilog(this WebApplicationBuilder builder)
    {
        var format = builder.Configuration[$"{RequestLogOptions.Section}:Format"];
        bool json = format == "json" || (format != "console" && Environment.GetEnvironmentVariable("DOTNET_RUNNING_IN_CONTAINER") == "true");
        var configuration = new LoggerConfiguration().ReadFrom.Configuration(builder.Configuration);
        configuration = json
            ? configuration.WriteTo.Console(new JsonFormatter(renderMessage: true))
            : configuration.WriteTo.Console(outputTemplate: ConsoleTemplate, formatProvider: CultureInfo.InvariantCulture);
        builder.Logging.ClearProviders();
        builder.Logging.AddSerilog(configuration.CreateLogger(), dispose: true);
        // RequestLog writes the line of a request. With this category on, hosting would also start an Activity for each.
        builder.Logging.AddFilter<SerilogLoggerProvider>("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
    }
}
