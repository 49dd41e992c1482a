using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using RnnService.TestData;

namespace RnnService.Api.Tests.Hosting;

/// <summary>The application as a process of its own, started in the repository's root as an operator would.</summary>
internal sealed partial class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    /// <summary>Starts it; <paramref name="environment"/> is name, value, name, value, …</summary>
    public ServerProcess(string[] arguments, params string[] environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "RnnService.Api.dll"), .. arguments])
        {
            WorkingDirectory = RepositoryRoot.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        foreach (var pair in environment.Chunk(2))
            start.Environment[pair[0]] = pair[1];
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, e) => Keep(_output, e.Data);
        _process.ErrorDataReceived += (_, e) => Keep(_errors, e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it has written to standard output so far.</summary>
    public IReadOnlyCollection<string> Output => _output;

    /// <summary>What it has written to standard error so far.</summary>
    public string Errors => string.Join('\n', _errors);

    /// <summary>Resident memory, in bytes.</summary>
    public long Memory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>The first address that it says to listen on, wildcards turned into the loopback address; null when it ended instead.</summary>
    public async Task<Uri?> AddressAsync()
    {
        Match? line = null;
        await Wait.UntilAsync(
            () => (line = _output.Select(l => Listening().Match(l)).FirstOrDefault(m => m.Success)) is not null || _process.HasExited,
            () => $"It does not listen: {string.Join('\n', _output)}\n{Errors}");
        return line is null ? null : new Uri($"http://{(line.Groups["host"].Value is "[::]" or "0.0.0.0" ? "localhost" : line.Groups["host"].Value)}:{line.Groups["port"].Value}");
    }

    public async Task<int> ExitCodeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
            lines.Enqueue(line);
    }

    [GeneratedRegex(@"Now listening on: \\?""?http://(?<host>\[::\]|[\w.]+):(?<port>\d+)")]
    private static partial Regex Listening();
}
