using System.Globalization;
using System.Text;
using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Report;

/// <summary>Draws the throughput of the peers as bars, a group of three for each case, as SVG.</summary>
internal sealed class BarChart
{
    private const int Left = 76;
    private const int Top = 92;
    private const int PlotHeight = 300;
    private const int BarWidth = 26;
    private const int GroupWidth = 3 * BarWidth + 28;
    private const int MixGap = 22;
    private const int Bottom = 84;

    private static readonly (string Peer, string Colour)[] Peers = [("naive", "#b8bcc4"), ("service", "#1f6fb2"), ("ceiling", "#e9b44c")];

    private readonly StringBuilder _svg = new();
    private readonly LoadReport _report;
    private readonly double _top;
    private readonly double _step;
    private readonly int _width;

    private BarChart(LoadReport report)
    {
        _report = report;
        double highest = Math.Max(report.Ceilings.Values.Max(c => c.SequencesPerSecond), report.Results.Max(r => r.SequencesPerSecond));
        _step = Step(highest);
        _top = Math.Ceiling(highest / _step) * _step;
        _width = Left + Cases().Length * GroupWidth + (report.Ceilings.Count - 1) * MixGap + 24;
    }

    public static string Draw(LoadReport report) => new BarChart(report).Draw();

    private string Draw()
    {
        int height = Top + PlotHeight + Bottom;
        Append($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_width} {height}" width="{_width}" height="{height}" font-family="system-ui, sans-serif" font-size="12" fill="#24292f">""");
        Append($"""<rect width="{_width}" height="{height}" fill="#ffffff"/>""");
        Append($"""<text x="{Left}" y="30" font-size="18" font-weight="600">Sequences a second, by case</text>""");
        Append($"""<text x="{Left}" y="50" fill="#57606a">model {TestedModel.Name}, {Environment.ProcessorCount} processors shared by server and load generator; higher is better</text>""");
        DrawLegend();
        DrawAxis();
        int x = Left;
        foreach (var mix in _report.Ceilings.Keys)
            x = DrawMix(mix, x) + MixGap;
        Append($"</svg>");
        return _svg.ToString();
    }

    private void DrawLegend()
    {
        string[] meaning = ["naive: one run a request", "service", "ceiling: in process, no HTTP"];
        int x = Left;
        for (int i = 0; i < Peers.Length; i++)
        {
            Append($"""<rect x="{x}" y="62" width="12" height="12" rx="2" fill="{Peers[i].Colour}"/><text x="{x + 18}" y="72">{meaning[i]}</text>""");
            x += 40 + 7 * meaning[i].Length;
        }
    }

    private void DrawAxis()
    {
        for (double value = 0; value <= _top; value += _step)
        {
            double y = Y(value);
            Append($"""<line x1="{Left}" x2="{_width - 20}" y1="{y:F1}" y2="{y:F1}" stroke="{(value == 0 ? "#24292f" : "#e4e7eb")}"/>""");
            Append($"""<text x="{Left - 8}" y="{y + 4:F1}" text-anchor="end" fill="#57606a">{value:#,0}</text>""");
        }
        Append($"""<text transform="translate(16 {Top + PlotHeight / 2}) rotate(-90)" text-anchor="middle" fill="#57606a">sequences a second</text>""");
    }

    /// <returns>Where the mix ends.</returns>
    private int DrawMix(LengthMix mix, int x)
    {
        int start = x;
        foreach (var load in Cases().Where(c => c.Mix == mix))
        {
            DrawGroup(load, x);
            x += GroupWidth;
        }
        int line = Top + PlotHeight + 46;
        Append($"""<line x1="{start + 8}" x2="{x - 8}" y1="{line}" y2="{line}" stroke="#8c959f"/>""");
        Append($"""<text x="{(start + x) / 2}" y="{line + 18}" text-anchor="middle" font-weight="600">{mix.Name}</text>""");
        return x;
    }

    private void DrawGroup(LoadCase load, int x)
    {
        int middle = x + GroupWidth / 2;
        for (int i = 0; i < Peers.Length; i++)
        {
            double value = Peers[i].Peer == "ceiling" ? _report.Ceilings[load.Mix].SequencesPerSecond : _report.Of(load, Peers[i].Peer).SequencesPerSecond;
            double left = middle + (i - 1.5) * BarWidth;
            Append($"""<rect x="{left + 1:F1}" y="{Y(value):F1}" width="{BarWidth - 2}" height="{Top + PlotHeight - Y(value):F1}" rx="1.5" fill="{Peers[i].Colour}"><title>{Peers[i].Peer}: {value:#,0} sequences/s</title></rect>""");
            Append($"""<text x="{left + BarWidth / 2:F1}" y="{Y(value) - 4:F1}" text-anchor="middle" font-size="10">{Thousands(value)}</text>""");
        }
        Append($"""<text x="{middle}" y="{Top + PlotHeight + 18}" text-anchor="middle">{load.Rows} a request</text>""");
        Append($"""<text x="{middle}" y="{Top + PlotHeight + 34}" text-anchor="middle" fill="#57606a">{load.Connections} connection{(load.Connections == 1 ? "" : "s")}</text>""");
    }

    private LoadCase[] Cases() => [.. _report.Results.Select(r => r.Case).Distinct()];

    private double Y(double value) => Top + PlotHeight * (1 - value / _top);

    private static string Thousands(double value) => value < 1000 ? $"{value:F0}" : value < 10_000 ? $"{value / 1000:F1}k" : $"{value / 1000:F0}k";

    /// <summary>A round number that cuts the axis into about five parts.</summary>
    private static double Step(double highest)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(highest / 5)));
        return new[] { 1, 2, 5, 10 }.Select(f => f * power).First(s => highest / s <= 6);
    }

    private void Append(FormattableString line) => _svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
