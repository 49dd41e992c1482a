namespace RnnService.Benchmarks.Workload;

/// <summary>One line of the table: what is sent, and over how many connections.</summary>
/// <param name="Mix">How long the sequences are.</param>
/// <param name="Rows">Sequences a request.</param>
/// <param name="Connections">Each has one request under way at any time.</param>
internal sealed record LoadCase(LengthMix Mix, int Rows, int Connections)
{
    public static readonly LoadCase[] All =
    [
        new(LengthMix.Questions, 1, 1),
        new(LengthMix.Questions, 1, 16),
        new(LengthMix.Questions, 1, 64),
        new(LengthMix.Questions, 32, 1),
        new(LengthMix.Questions, 32, 16),
        new(LengthMix.Uniform, 1, 16),
        new(LengthMix.Uniform, 32, 16),
        new(LengthMix.Long, 1, 16),
        new(LengthMix.Long, 32, 16),
    ];

    public string Text => $"{Rows} a request, {Connections} conn.";
}
