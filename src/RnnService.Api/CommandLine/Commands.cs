using System.CommandLine;
using RnnService.Api.Configuration;

namespace RnnService.Api.CommandLine;

/// <summary>What the executable can be told to do: serve, unless it is told something else.</summary>
internal static class Commands
{
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
        root.SetAction((_, _) => StartUp.RunAsync(() => Program.Create(args)));
        return root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }
}
