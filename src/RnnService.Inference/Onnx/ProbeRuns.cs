using Microsoft.ML.OnnxRuntime;
using RnnService.Core.Batching;
using RnnService.Core.Numerics;
using RnnService.Core.Taxonomy;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Onnx;

/// <summary>Runs generated sequences through a graph for the probe and compares what it answers.</summary>
internal sealed class ProbeRuns : IDisposable
{
    /// <summary>Largest change of a probability, the softmax of a head, that is put down to the order of additions in single precision: what callers are promised.</summary>
    private const double ProbabilityTolerance = 1e-5;

    /// <summary>Largest change of a logit, relative to 1 + its size. Where a head saturates, its probabilities would hide padding that leaks.</summary>
    private const double LogitTolerance = 2e-4;

    /// <summary>What half precision allows instead of both.</summary>
    private const double HalfTolerance = 1e-3;
    private const double HalfLogitTolerance = 2e-2;

    private static readonly string[] Words = ["a", "an", "the", "red", "blue", "what", "is", "good", "bad", "7", "x", "y"];

    private readonly OnnxRunner _runner;
    private readonly BatchTensors _tensors;
    private readonly Random _random = new(20260101);

    public ProbeRuns(InferenceSession session, ModelSignature signature)
    {
        Signature = signature;
        _runner = new OnnxRunner(session, signature, quiet: true);
        _tensors = new BatchTensors(signature);
    }

    public ModelSignature Signature { get; }

    /// <summary>Ids from 1 to this minus 1 are generated; 0 while nothing is known of it.</summary>
    public int VocabularySize { get; set; }

    /// <summary>Whether everything that was answered so far is a number.</summary>
    public bool Finite { get; private set; } = true;

    /// <summary>The largest change of a probability that was put down to rounding.</summary>
    public double LargestDifference { get; private set; }

    /// <summary>Random sequences of these lengths.</summary>
    public Sequences Generate(params ReadOnlySpan<int> lengths) => Generate(lengths, null);

    /// <summary>Sequences of one id throughout; the id is random when none is given.</summary>
    public Sequences Generate(ReadOnlySpan<int> lengths, int? id)
    {
        var input = Signature.Sequence;
        switch (input.Kind)
        {
            case SequenceKind.Text:
                var texts = new Sequences<string>();
                foreach (int _ in lengths)
                {
                    texts.Add(string.Join(' ', _random.GetItems(Words, _random.Next(1, 6))));
                    texts.Finish();
                }
                return texts;
            case SequenceKind.Features:
                var features = new Sequences<float>(input.Width);
                foreach (int length in lengths)
                {
                    for (int i = 0; i < length * input.Width; i++)
                        features.Add((float)Gaussian());
                    features.Finish();
                }
                return features;
            default:
                var ids = new Sequences<int>();
                foreach (int length in lengths)
                {
                    for (int t = 0; t < length; t++)
                        ids.Add(id ?? (VocabularySize > 2 ? _random.Next(1, VocabularySize) : _random.Next(Math.Max(1, VocabularySize))));
                    ids.Finish();
                }
                return ids;
        }
    }

    public void Shuffle(Span<int> lengths) => _random.Shuffle(lengths);

    /// <summary>The logits of each sequence in a batch of that many time steps.</summary>
    /// <param name="batch">A row each.</param>
    /// <param name="time">Time steps of the batch.</param>
    /// <param name="noise">Sequences of that many time steps whose ends are the padding; null is padding as it is served.</param>
    /// <exception cref="OnnxRuntimeException">The graph does not take such a batch.</exception>
    public float[][] Together(Sequences batch, int time, Sequences? noise = null)
    {
        _tensors.Reset(batch.Count, time);
        for (int row = 0; row < batch.Count; row++)
        {
            if (noise is not null)
                _tensors.SetRow(row, noise, row);
            _tensors.SetRow(row, batch, row);
        }
        return Answer();
    }

    /// <summary>The logits of a sequence in no company but copies of itself, as many as the graph insists on.</summary>
    /// <exception cref="OnnxRuntimeException">The graph does not take it.</exception>
    public float[] Alone(Sequences sequences, int index, int rows, int time)
    {
        _tensors.Reset(rows, time);
        for (int row = 0; row < rows; row++)
            _tensors.SetRow(row, sequences, index);
        return Answer()[0];
    }

    /// <summary>The numbers of one head, as the graph answers them, for sequences alone.</summary>
    public float[] Numbers(Sequences sequences, int index, int rows, int time, Head head)
    {
        _tensors.Reset(rows, time);
        for (int row = 0; row < rows; row++)
            _tensors.SetRow(row, sequences, index);
        _runner.Run(_tensors);
        var numbers = new float[Signature.RowWidth];
        _tensors.CopyNumbers(0, numbers);
        return numbers.AsSpan(head.Offset, head.Numbers).ToArray();
    }

    public bool Runs(int rows, int time)
    {
        var lengths = new int[rows];
        Array.Fill(lengths, time);
        using var batch = Generate(lengths);
        return Try(() => Together(batch, time));
    }

    /// <summary>Shapes of the heads' outputs for a batch; null when it does not run.</summary>
    public long[][]? ShapesOf(int rows, int time)
    {
        var lengths = new int[rows];
        Array.Fill(lengths, time);
        using var batch = Generate(lengths);
        _tensors.Reset(rows, time);
        for (int row = 0; row < rows; row++)
            _tensors.SetRow(row, batch, row);
        try
        {
            return _runner.ShapesOf(_tensors);
        }
        catch (OnnxRuntimeException)
        {
            return null;
        }
    }

    /// <summary>Whether a run succeeds.</summary>
    public static bool Try(Action run)
    {
        try
        {
            run();
            return true;
        }
        catch (Exception e) when (OnnxRunner.IsOfTheBatch(e))
        {
            return false;
        }
    }

    /// <summary>Whether two rows of logits are the same but for rounding.</summary>
    public bool Close(float[] expected, float[] actual)
    {
        double logitTolerance = Signature.HalfPrecision ? HalfLogitTolerance : LogitTolerance;
        double probabilityTolerance = Signature.HalfPrecision ? HalfTolerance : ProbabilityTolerance;
        foreach (var head in Signature.Heads)
        {
            var before = expected.AsSpan(head.Offset, head.Width);
            var after = actual.AsSpan(head.Offset, head.Width);
            // logarithms of probabilities near 0 differ by much where the probabilities hardly do
            bool scores = head.Activation == HeadActivation.Logits;
            for (int i = 0; i < before.Length; i++)
            {
                Finite &= !float.IsNaN(before[i]) && !float.IsPositiveInfinity(before[i]);
                double difference = Math.Abs(before[i] - after[i]) / (1 + Math.Abs(before[i]));
                if (scores && !before[i].Equals(after[i]) && !(difference <= logitTolerance))
                    return false;
            }
            var (p, q) = (Probabilities(before), Probabilities(after));
            for (int i = 0; i < p.Length; i++)
            {
                double difference = Math.Abs(p[i] - q[i]);
                if (difference > probabilityTolerance)
                    return false;
                if (difference <= 1)   // false for NaN, which is told of apart
                    LargestDifference = Math.Max(LargestDifference, difference);
            }
        }
        return true;
    }

    public void Dispose() => _runner.Dispose();

    private float[][] Answer()
    {
        _runner.Run(_tensors);
        var rows = new float[_tensors.Rows][];
        for (int row = 0; row < rows.Length; row++)
        {
            _tensors.CopyNumbers(row, rows[row] = new float[Signature.RowWidth]);
            foreach (var head in Signature.Heads)
                head.ToLogits(rows[row].AsSpan(head.Offset, head.Width));
        }
        return rows;
    }

    private static double[] Probabilities(ReadOnlySpan<float> logits)
    {
        var values = new double[logits.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = logits[i];
        Softmax.TryApply(values);
        return values;
    }

    /// <summary>A normally distributed number, by the method of Box and Muller.</summary>
    private double Gaussian() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
