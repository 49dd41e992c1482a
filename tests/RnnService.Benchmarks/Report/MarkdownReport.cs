using System.Text;

namespace RnnService.Benchmarks.Report;

/// <summary>The report as <c>RESULTS.md</c>, with <c>results.svg</c> beside it.</summary>
internal static class MarkdownReport
{
    public static void Write(LoadReport report, string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "results.svg"), BarChart.Draw(report));
        var path = Path.Combine(folder, "RESULTS.md");
        File.WriteAllText(path, Text(report));
        Console.WriteLine($"\nwritten: {path}");
    }

    private static string Text(LoadReport report)
    {
        var text = new StringBuilder("# Measured speed\n\n");
        text.Append("Written by `dotnet run -c Release --project tests/RnnService.Benchmarks -- load`. Figures of different runs or machines do not compare; ratios do, roughly.\n\n");
        text.Append("![Sequences a second of naive server, service and ceiling](results.svg)\n\n");
        AppendTable(text, ["", ""], Machine.Facts(report.Ceilings.Values.First().OnnxRuntime).Select(f => new[] { f.Name, f.Value }), 2);
        var (heads, groups) = report.Table();
        foreach (var (group, rows) in groups)
        {
            text.Append("\n## ").Append(char.ToUpperInvariant(group[0])).Append(group.AsSpan(1)).Append("\n\n");
            AppendTable(text, heads, rows, 2);
        }
        text.Append("\n## Service / naive\n\n");
        AppendTable(
            text,
            ["mix", "case", "throughput", "p99", "CPU a sequence"],
            report.Ratios().Select(r => new[] { r.Case.Mix.Name, r.Case.Text, $"{r.Throughput:F2}", $"{r.P99:F2}", $"{r.Cpu:F2}" }),
            2);
        text.Append("\n## Overload\n\n");
        AppendList(text, report.Overload.Lines());
        text.Append("\n## How it was measured\n\n");
        AppendList(text, report.Notes());
        return text.ToString();
    }

    private static void AppendTable(StringBuilder text, string[] heads, IEnumerable<string[]> rows, int textColumns)
    {
        AppendRow(text, heads);
        AppendRow(text, [.. heads.Select((_, column) => column < textColumns ? "---" : "---:")]);
        foreach (var row in rows)
            AppendRow(text, row);
    }

    private static void AppendRow(StringBuilder text, string[] cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    private static void AppendList(StringBuilder text, IEnumerable<string> lines)
    {
        foreach (var line in lines)
            text.Append("- ").Append(line).Append('\n');
    }
}
