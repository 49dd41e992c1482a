namespace RnnService.Benchmarks.Report;

/// <summary>The report as a table of fixed width.</summary>
internal static class ConsoleReport
{
    private const int TextColumns = 2;   // the first columns are words and stand left, the rest are numbers and stand right

    public static void Write(LoadReport report)
    {
        var (heads, groups) = report.Table();
        var widths = heads.Select((h, c) => Math.Max(h.Length, groups.Max(g => g.Rows.Max(r => r[c].Length)))).ToArray();
        Console.WriteLine();
        Console.WriteLine(Line(heads, widths));
        foreach (var (group, rows) in groups)
        {
            Console.WriteLine($"-- {group} ".PadRight(widths.Sum() + 2 * (widths.Length - 1), '-'));
            string previous = "";
            foreach (var row in rows)
            {
                Console.WriteLine(Line([row[0] == previous ? "" : row[0], .. row[1..]], widths));
                previous = row[0];
            }
        }
        Console.WriteLine($"\nservice / naive{"throughput",24}{"p99",9}{"CPU a sequence",17}");
        foreach (var (load, throughput, p99, cpu) in report.Ratios())
            Console.WriteLine($"{load.Mix.Name,-10}{load.Text,-21}{throughput,7:F2}x{p99,8:F2}x{cpu,16:F2}x");
        Console.WriteLine("\noverload");
        foreach (var line in report.Overload.Lines())
            Console.WriteLine($"  {line}");
        Console.WriteLine();
        foreach (var note in report.Notes())
            Console.WriteLine(note);
    }

    private static string Line(string[] cells, int[] widths) =>
        string.Join("  ", cells.Select((cell, c) => c < TextColumns ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).TrimEnd();
}
