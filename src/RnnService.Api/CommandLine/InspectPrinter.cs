using System.Globalization;
using Spectre.Console;

namespace RnnService.Api.CommandLine;

/// <summary>Prints a report for people, in tables.</summary>
internal sealed class InspectPrinter(IAnsiConsole console)
{
    private const int NarrowestTables = 120;

    public void Print(InspectReport report)
    {
        if (!console.Profile.Out.IsTerminal)   // a file or a pipe has no width to keep to, and shows no colours
        {
            console.Profile.Width = Math.Max(console.Profile.Width, NarrowestTables);
            console.Profile.Capabilities.Ansi = false;
        }
        console.Write(new Rule($"[bold]{Escape(report.Model)}[/] version {report.Version}") { Justification = Justify.Left });
        console.MarkupLine($"[grey]{Escape(report.Path)}[/]");
        if (report.Producer is not null)
            console.MarkupLine($"{Escape(report.Producer.Length > 0 ? report.Producer : "unknown exporter")}, opset {report.Opset}{(report.ExternalFiles is { Count: > 0 } files ? Escape($", weights in {string.Join(", ", files)}") : "")}");
        PrintTensors("input", report.Inputs.Select(i => (i.Name, i.Type, i.Shape, i.Role, i.Detail)));
        PrintTensors("output", report.Outputs.Select(o => (o.Name, o.Type, o.Shape, o.Role, o.Detail)));
        PrintCells(report);
        if (report.Classifier is { } classifier)
        {
            PrintFindings(classifier);
            PrintCosts(classifier);
        }
        foreach (var problem in report.Problems)
            console.MarkupLine($"[red]problem[/]  {Escape(problem)}");
        foreach (var advice in report.Advice)
            console.MarkupLine($"[yellow]advice[/]   {Escape(advice)}");
        console.MarkupLine((report.Serves, report.Predicts) switch
        {
            (true, true) => "[green]serves[/]   /predict and /v2",
            (true, false) => "[yellow]serves[/]   /v2 only: the graph is no classifier of sequences",
            _ when report.Producer is not null => "[red]fails[/]    no predictions, only raw tensors at /v2",
            _ => "[red]fails[/]    cannot be loaded",
        });
        console.WriteLine();
    }

    private void PrintTensors(string what, IEnumerable<(string Name, string Type, IReadOnlyList<int> Shape, string? Role, string? Detail)> tensors)
    {
        var table = Table(what, "type", "shape", "role", "");
        foreach (var (name, type, shape, role, detail) in tensors)
            Row(table, name, type, $"[{string.Join(", ", shape.Select(d => d < 0 ? "?" : $"{d}"))}]", role ?? "", detail ?? "");
        Write(table);
    }

    private void PrintCells(InspectReport report)
    {
        if (report.Recurrent.Count == 0)
            return;
        var table = Table("recurrent node", "cell", "direction", "hidden", "layout", "sequence_lens", "initial state");
        foreach (var node in report.Recurrent)
            Row(table, node.Inside is null ? node.Name : $"{node.Name} in {node.Inside}", node.Cell, node.Direction, $"{node.HiddenSize}", node.BatchFirst ? "batch first" : "time major", node.SequenceLens ?? "not wired", node.InitialState);
        Write(table);
    }

    private void PrintFindings(InspectedClassifier c)
    {
        var table = Table("finding", "");
        Row(table, "takes", Takes(c));
        Row(table, "answers", c.Scheme == InspectedClassifier.Unrelated
            ? $"{string.Join(", ", c.Levels.Select(l => $"{l.Name} ({l.Labels})"))}: heads that no labels.json relates to each other"
            : $"{string.Join(" > ", c.Levels.Select(l => $"{l.Name} ({l.Labels})"))}, heads score {c.Scheme}, decoding {c.Decoding}");
        Row(table, "mode", $"{c.Mode}: {c.Reason}");
        Row(table, "padding", c.PaddingExact ? "changes no answer" : "changes answers, or was not tried; it is never used");
        Row(table, "neighbours", c.RowsIndependent ? $"change no answer (largest change of a probability: {c.LargestDifference.ToString("0.0e+0", CultureInfo.InvariantCulture)})" : "change answers; each sequence runs alone");
        Row(table, "axes", c.TimeMajor ? "time, then batch" : "batch, then time");
        Write(table);
    }

    private static string Takes(InspectedClassifier c)
    {
        if (c.Takes == "text")
            return "texts, as they are";
        var steps = c.Windows is { } windows ? $"{c.MinLength} or more time steps in windows of {windows}" : $"{c.MinLength} to {c.MaxLength} time steps";
        return c.Channels is { } channels ? $"features, {steps}, {channels} channels, missing values: {c.Missing}" : $"ids, {steps}{(c.VocabularySize is { } size ? $", ids below {size}" : "")}";
    }

    private void PrintCosts(InspectedClassifier c)
    {
        int[] times = [.. c.Costs.Select(p => p.Time).Distinct().Order()];
        var table = Table(["cost, us, by rows", .. times.Select(t => t == 1 ? "1 step" : $"{t} steps"), "a row at best"]);
        foreach (var rows in c.Costs.GroupBy(p => p.Rows))
            Row(table, [$"{rows.Key}", .. times.Select(t => rows.FirstOrDefault(p => p.Time == t) is { } point ? Number(point.Microseconds) : ""), Number(rows.Min(p => p.Microseconds) / rows.Key)]);
        Write(table);
    }

    private static Table Table(params IEnumerable<string> columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns)
            table.AddColumn(new TableColumn($"[bold]{Escape(column)}[/]"));
        return table;
    }

    private static void Row(Table table, params IEnumerable<string> cells) => table.AddRow([.. cells.Select(Escape)]);

    private void Write(Table table)
    {
        if (table.Rows.Count > 0)
            console.Write(table);
    }

    private static string Number(double number) => number.ToString(number < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static string Escape(string text) => Markup.Escape(text);
}
