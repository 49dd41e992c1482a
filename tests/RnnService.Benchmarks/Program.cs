using System.Globalization;
using RnnService.Benchmarks.Commands;
using RnnService.Benchmarks.Micro;
using RnnService.Benchmarks.Peers;

namespace RnnService.Benchmarks;

/// <summary>The table of contents: one word, one thing that is measured.</summary>
internal static class Program
{
    private const string Usage = """
        load    [--seconds 5] [--rounds 2] [--warm 5] [--out FOLDER]   service, naive server and in-process ceiling side by side, then overload
        soak    [--minutes 10] [--every 60]                            full load for a long time: does memory stay where it is?
        swaps   [--count 200] [--connections 64]                       the model is replaced again and again under load: is every request answered, does memory stay?
        micro   [BenchmarkDotNet options]                              the parts of a request one by one
        Peers that load starts itself, each in a process of its own:
        naive   --port P                                               one shared session, one run a request
        ceiling --mix questions|uniform|long [--seconds 2]             ONNX Runtime directly, sorted batches, no HTTP
        Everywhere: --models FOLDER, the model repository (default: models/ of this repository)
        """;

    public static int Main(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        var arguments = new Arguments(args.Skip(1));
        try
        {
            switch (args.FirstOrDefault())
            {
                case "load":
                    return LoadCommand.Run(arguments);
                case "soak":
                    return SoakCommand.Run(arguments);
                case "swaps":
                    return SwapsCommand.Run(arguments);
                case "micro":
                    return MicroCommand.Run([.. args.Skip(1)]);
                case "naive":
                    return NaiveServer.Run(arguments);
                case "ceiling":
                    return Ceiling.Run(arguments);
                default:
                    Console.WriteLine(Usage);
                    return 2;
            }
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"{e.Message}\n{Usage}");
            return 2;
        }
    }
}
