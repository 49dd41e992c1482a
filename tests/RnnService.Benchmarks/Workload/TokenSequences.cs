namespace RnnService.Benchmarks.Workload;

/// <summary>The same sequences of token ids in every run, on every machine, for every peer.</summary>
internal static class TokenSequences
{
    private const int Seed = 20_260_101;
    private const int FirstWord = 100;   // the entries before are padding and classes of unknown words

    /// <summary>Number of sequences of a mix: many, so that no run sees only lucky lengths.</summary>
    public const int Count = 4096;

    /// <param name="mix">Their lengths.</param>
    /// <param name="vocabularySize">Ids are below this.</param>
    public static int[][] Of(LengthMix mix, int vocabularySize)
    {
        var random = new Random(Seed + mix.Name[0]);
        var sequences = new int[Count][];
        for (int i = 0; i < Count; i++)
        {
            sequences[i] = new int[mix.Draw(random)];
            for (int t = 0; t < sequences[i].Length; t++)
                sequences[i][t] = Word(random, vocabularySize);
        }
        return sequences;
    }

    public static int[][] Of(LengthMix mix, TestedModel model) => Of(mix, File.ReadLines(model.Vocabulary).Count());

    /// <summary>Frequent words have small ids: the chance of an id falls as 1 / id, as words do in texts.</summary>
    private static int Word(Random random, int vocabularySize) =>
        (int)(FirstWord * Math.Pow((double)vocabularySize / FirstWord, random.NextDouble()));
}
