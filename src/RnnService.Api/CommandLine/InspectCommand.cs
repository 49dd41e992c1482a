using System.Text.Json;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;
using Spectre.Console;

namespace RnnService.Api.CommandLine;

/// <summary><c>inspect PATH [--json]</c>.</summary>
internal static class InspectCommand
{
    private const int CannotServe = 1;

    /// <returns>0 when every model at the path can serve, else 1.</returns>
    public static int Run(string path, bool json)
    {
        var reports = new List<InspectReport>();
        var settings = new ConfigurationBuilder().SetBasePath(AppContext.BaseDirectory).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().Build();
        var batching = settings.GetSection(BatchingOptions.Section).Get<BatchingOptions>() ?? new BatchingOptions();
        var printer = new InspectPrinter(AnsiConsole.Create(new AnsiConsoleSettings { Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect }));
        foreach (var inspected in Inspection.Load(path, batching))
        {
            using (inspected)
                reports.Add(InspectReport.Of(inspected));
            if (!json)
                printer.Print(reports[^1]);
        }
        if (reports.Count == 0)
        {
            Console.Error.WriteLine($"There is no model at \"{path}\". Name a model.onnx, a folder that holds one, or a repository with <model>/<version>/model.onnx.");
            return CannotServe;
        }
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(reports, InspectJson.Default.ListInspectReport));
        return reports.TrueForAll(r => r.Serves) ? 0 : CannotServe;
    }
}
