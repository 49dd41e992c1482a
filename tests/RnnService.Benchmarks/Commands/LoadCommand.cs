using RnnService.Benchmarks.Load;
using RnnService.Benchmarks.Peers;
using RnnService.Benchmarks.Report;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Commands;

/// <summary><c>load</c>: all peers, all cases, round by round, in one run on one machine; then the overload.</summary>
internal sealed class LoadCommand
{
    private static readonly (string Name, Func<TestedModel, ServerProcess> Start)[] Peers = [("naive", ServerProcess.Naive), ("service", ServerProcess.Service)];

    private readonly TestedModel _model;
    private readonly Requests _requests;
    private readonly double _seconds;
    private readonly double _warm;
    private readonly int _rounds;
    private readonly List<Measurement> _results = [];
    private readonly Dictionary<LengthMix, CeilingResult> _ceilings = [];

    private LoadCommand(TestedModel model, double seconds, double warm, int rounds)
    {
        _model = model;
        _requests = new Requests(model);
        _seconds = seconds;
        _warm = warm;
        _rounds = rounds;
    }

    public static int Run(Arguments arguments)
    {
        var command = new LoadCommand(TestedModel.Find(arguments), arguments.Number("--seconds", 5, 0.1), arguments.Number("--warm", 5, 0), (int)arguments.Number("--rounds", 2, 1));
        var folder = arguments.Text("--out");
        arguments.RefuseOthers();
        SocketSettings.Apply();
        var report = command.Measure();
        ConsoleReport.Write(report);
        if (folder is not null)
            MarkdownReport.Write(report, folder);
        return 0;
    }

    private LoadReport Measure()
    {
        for (int round = 0; round < _rounds; round++)
        {
            foreach (var mix in LengthMix.All)
                MeasureCeiling(mix, round);
            // who goes first takes turns too
            foreach (var (name, start) in round % 2 == 0 ? Peers : Peers.Reverse())
                MeasurePeer(name, start, round);
        }
        Progress(_rounds - 1, "service", "overload");
        var overload = OverloadCase.Measure(_model, _requests, _warm, _seconds);
        Console.WriteLine($"{overload.Goodput,9:N0} seq/s");
        var medians = LoadCase.All.SelectMany(c => Peers.Select(p => Measurement.Median([.. _results.Where(r => r.Case == c && r.Peer == p.Name)])));
        return new LoadReport([.. medians], _ceilings, overload, _seconds, _rounds);
    }

    private void MeasureCeiling(LengthMix mix, int round)
    {
        Progress(round, "ceiling", mix.Name);
        var result = CeilingResult.Measure(mix, _model, Math.Min(_seconds, 3));
        Console.WriteLine($"{result.SequencesPerSecond,9:N0} seq/s");
        if (!_ceilings.TryGetValue(mix, out var best) || result.SequencesPerSecond > best.SequencesPerSecond)
            _ceilings[mix] = result;
    }

    private void MeasurePeer(string name, Func<TestedModel, ServerProcess> start, int round)
    {
        Progress(round, name, "start and warm-up");
        using var server = start(_model);
        CaseRunner.WarmUp(server, _requests, _warm);
        Console.WriteLine();
        foreach (var load in LoadCase.All)
        {
            Progress(round, name, $"{load.Mix.Name}, {load.Text}");
            var result = CaseRunner.Measure(name, server, load, _requests.Of(load), _seconds);
            Console.WriteLine($"{result.SequencesPerSecond,9:N0} seq/s   p99 {result.P99:F1} ms{(result.Errors > 0 ? $"   {result.Errors} ERRORS" : "")}");
            _results.Add(result);
        }
    }

    private void Progress(int round, string peer, string what) => Console.Write($"round {round + 1}/{_rounds}  {peer,-8} {what,-34} ");
}
