using System.Globalization;

namespace RnnService.Benchmarks.Peers;

/// <summary>A reading of the service's <c>GET /metrics</c>.</summary>
internal sealed class ServiceMetrics
{
    private readonly List<(string Name, string Labels, double Value)> _samples = [];

    /// <summary>Empty when the server has no such endpoint.</summary>
    public static ServiceMetrics Read(int port)
    {
        var metrics = new ServiceMetrics();
        var (status, text) = PlainHttp.Get(port, "/metrics");
        if (status != 200)
            return metrics;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int value = line.LastIndexOf(' ');
            if (line[0] == '#' || value < 0 || !double.TryParse(line.AsSpan(value + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
                continue;
            int labels = line.IndexOf('{', StringComparison.Ordinal);
            metrics._samples.Add(labels < 0 ? (line[..value], "", number) : (line[..labels], line[labels..value], number));
        }
        return metrics;
    }

    /// <summary>Sum of a metric over the samples whose labels hold <paramref name="label"/>; null when there are none.</summary>
    public double? Sum(string name, string label = "")
    {
        var found = _samples.Where(s => s.Name == name && s.Labels.Contains(label, StringComparison.Ordinal)).ToArray();
        return found.Length == 0 ? null : found.Sum(s => s.Value);
    }

    /// <summary>Bytes that the collector has handed out since the start; null when the service does not say.</summary>
    public double? AllocatedBytes =>
        _samples.Where(s => s.Name.StartsWith("dotnet_gc", StringComparison.Ordinal) && s.Name.Contains("alloc", StringComparison.Ordinal)).Select(s => (double?)s.Value).FirstOrDefault();

    /// <summary>Collections of a generation, 0 to 2.</summary>
    public double Collections(int generation) => Sum("dotnet_gc_collections_total", $"generation=\"{generation}\"") ?? 0;
}
