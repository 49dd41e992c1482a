using System.CommandLine;
using RnnService.Api.Configuration;

namespace RnnService.Api.CommandLine;

/// <summary>What the executable can be told to do: serve, unless it is told something else.</summary>
internal static class Commands
{
    private const int WrongUsage = 64;   // EX_USAGE of sysexits.h

    public static Task<int> RunAsync(string[] args)
    {
        var path = new Argument<string>("path") { Description = "A model.onnx, the folder of a version or of a model, or a whole repository." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var inspect = new Command("inspect", "Load a model as the server would, and print what was understood, what the probe found, what batches cost, and each problem with its remedy. Ends with 1 when a model cannot serve.") { path, json };
        inspect.SetAction(result => InspectCommand.Run(result.GetValue(path)!, result.GetValue(json)));

        // whatever is not known here is configuration, which ASP.NET Core reads and this server checks
        var serve = new Command("serve", "Serve the models (the default). Settings are given as --Section:Name value, for example --Models:Root models --urls http://localhost:8080.") { TreatUnmatchedTokensAsErrors = false };
        serve.SetAction((_, _) => StartUp.RunAsync(() => Program.Create(args is ["serve", .. var settings] ? settings : args)));
        var root = new RootCommand("Serves exported RNN, LSTM and GRU classifiers over HTTP.") { inspect, serve };
        root.TreatUnmatchedTokensAsErrors = false;
        root.SetAction((_, _) => args is [var word, ..] && IsNoSetting(word) ? Task.FromResult(Refuse(word)) : StartUp.RunAsync(() => Program.Create(args)));
        return root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }

    /// <summary>A misspelt command must not start a server: settings are written --name value, /name value or name=value.</summary>
    private static bool IsNoSetting(string word) => !word.StartsWith('-') && !word.StartsWith('/') && !word.Contains('=', StringComparison.Ordinal);

    private static int Refuse(string word)
    {
        Console.Error.WriteLine($"There is no command \"{word}\"; there are serve and inspect. --help says more.");
        return WrongUsage;
    }
}
