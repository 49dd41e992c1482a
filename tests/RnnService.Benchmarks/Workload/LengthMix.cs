namespace RnnService.Benchmarks.Workload;

/// <summary>How long sequences are. The distributions are made up; the first has the shape of the TREC questions.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Text">As in the table.</param>
/// <param name="Draw">Gives a length, in time steps, of at least 1.</param>
internal sealed record LengthMix(string Name, string Text, Func<Random, int> Draw)
{
    /// <summary>Short and alike: what people ask.</summary>
    public static readonly LengthMix Questions = new("questions", "questions: 3 to 37 tokens, median 10", random => LogNormal(random, 10, 0.40, 3, 37));

    /// <summary>Every length as likely as any other.</summary>
    public static readonly LengthMix Uniform = new("uniform", "uniform: 3 to 64 tokens", random => random.Next(3, 65));

    /// <summary>Most are short, a few are very long: sentences among documents.</summary>
    public static readonly LengthMix Long = new("long", "long tail: 3 to 512 tokens, median 20", random => LogNormal(random, 20, 1.1, 3, 512));

    public static readonly LengthMix[] All = [Questions, Uniform, Long];

    /// <exception cref="UsageException">There is no mix of that name.</exception>
    public static LengthMix Parse(string? name) =>
        All.FirstOrDefault(m => m.Name == name) ?? throw new UsageException($"--mix is one of {string.Join(", ", All.Select(m => m.Name))}.");

    /// <param name="random">Gives chance.</param>
    /// <param name="median">Half of the lengths are below.</param>
    /// <param name="spread">Standard deviation of the logarithm.</param>
    /// <param name="shortest">What would be shorter has this length.</param>
    /// <param name="longest">What would be longer has this length.</param>
    private static int LogNormal(Random random, double median, double spread, int shortest, int longest)
    {
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return Math.Clamp((int)Math.Round(median * Math.Exp(spread * normal)), shortest, longest);
    }
}
