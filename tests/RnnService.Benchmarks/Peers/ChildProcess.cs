using System.Diagnostics;
using RnnService.Benchmarks.Load;

namespace RnnService.Benchmarks.Peers;

/// <summary>How peers are started: in an environment that is the same for all of them.</summary>
internal static class ChildProcess
{
    /// <summary>Another command of this program.</summary>
    public static ProcessStartInfo OfThisProgram(params string[] arguments)
    {
        var self = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(self) == "dotnet"
            ? Start(self, [typeof(ChildProcess).Assembly.Location, .. arguments])
            : Start(self, arguments);
    }

    /// <summary>The service, as built beside this program.</summary>
    public static ProcessStartInfo OfService(params string[] arguments) =>
        Start(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "RnnService.Api.dll"), .. arguments]);

    private static ProcessStartInfo Start(string file, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var variable in SocketSettings.Variables)
            start.Environment.Remove(variable);
        // the service asks for server collection itself; this program must not, but its naive server would have it from the web SDK
        start.Environment["DOTNET_gcServer"] = "1";
        start.Environment["DOTNET_gcConcurrent"] = "1";
        return start;
    }
}
