using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Numerics;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Onnx;

/// <summary>
/// Finds out by running a graph on generated sequences what its declaration may hide: which shapes it takes, whether rows influence each other,
/// whether padding changes an answer. The result is the fastest mode that is exact. Nothing is believed that was not seen.
/// </summary>
internal sealed class ModelProbe : IDisposable
{
    /// <summary>Largest change of a probability, the softmax of a head, that is put down to the order of additions in single precision: what callers are promised.</summary>
    private const double ProbabilityTolerance = 1e-5;

    /// <summary>Largest change of a logit, relative to 1 + its size. Where a head saturates, its probabilities would hide padding that leaks.</summary>
    private const double LogitTolerance = 2e-4;

    private const int LargestFrozenRows = 64;
    private const int LargestFrozenTime = 512;
    private const int LongestPadding = 512;
    private const int LargestVocabulary = 1 << 24;

    private readonly InferenceSession _session;
    private readonly ModelSignature _signature;
    private readonly OnnxGraph _graph;
    private readonly Random _random = new(20260101);
    private int _maxLength;
    private int _vocabularySize;
    private bool _finite = true;
    private OnnxRunner _runner;
    private double _largest;

    /// <param name="session">The graph, loaded.</param>
    /// <param name="signature">What goes in and comes out.</param>
    /// <param name="graph">The graph, as far as it can be read; for remedies.</param>
    /// <param name="vocabularySize">Ids from 0 to this minus 1 are valid; null when nobody says, then it is found by trying.</param>
    /// <param name="maxLength">Longest sequence that is wanted, in time steps.</param>
    public ModelProbe(InferenceSession session, ModelSignature signature, OnnxGraph graph, int? vocabularySize, int maxLength)
    {
        _session = session;
        _signature = signature;
        _graph = graph;
        _vocabularySize = vocabularySize ?? 0;
        _maxLength = maxLength;
        _runner = new OnnxRunner(session, signature, ownsSession: false, quiet: true);
    }

    /// <returns>The mode, or null when faults were added: no mode is exact.</returns>
    public BatchMode? Run(List<Fault> faults)
    {
        var shape = FindShape(timeMajor: false, SomeRows, SomeTimes) ?? FindShape(timeMajor: true, SomeRows, SomeTimes)
            ?? FindFrozenShape(timeMajor: false) ?? FindFrozenShape(timeMajor: true);
        if (shape is not { } found)
        {
            faults.Add(new Fault("", $"The graph runs on no batch that was tried (1 to {LargestFrozenRows} rows, 1 to {LargestFrozenTime} time steps). Try it in the framework that exported it, with the shapes it was traced with."));
            return null;
        }
        var one = new int[found.FixedTime > 0 ? found.FixedTime : found.Time];
        if (_vocabularySize == 0)
            _vocabularySize = LargestThat(id => Runs(found, [.. one.Select(_ => id - 1)]), 1, LargestVocabulary);
        if (found.FixedTime == 0)
            _maxLength = LargestThat(length => Runs(found, Sequence(length)), found.Time, _maxLength);
        bool repeats = Repeats(found);
        bool independent = RowsIndependent(found);
        bool padding = independent && PaddingExact(found);
        if (!_finite)
            faults.Add(new Fault("", "The graph answers generated sequences with NaN or infinity. Look for a mask of -inf over all steps, or a division by a count that can be 0."));
        if (!repeats)
            faults.Add(new Fault("", "The graph answers the same sequence differently from run to run. Export it in evaluation mode, without dropout."));
        if (faults.Count > 0)
            return null;
        if (!independent && found.FixedRows > 1)
        {
            faults.Add(new Fault("", $"The graph takes only batches of {found.FixedRows} rows, and its rows influence each other, so no sequence can be answered for itself. {BatchRemedy(found.FixedRows)}"));
            return null;
        }
        return Describe(found, independent, padding);
    }

    public void Dispose() => _runner.Dispose();

    private BatchMode Describe(Shape shape, bool independent, bool padding)
    {
        var (name, reason, remedy) = shape.FixedRows switch
        {
            > 1 => ("fixed_batch", $"The graph takes only batches of {shape.FixedRows} rows; short batches are filled with rows that are thrown away.", BatchRemedy(shape.FixedRows)),
            1 => ("batch_of_one", "The graph takes only one sequence at a time; workers run them side by side.", BatchRemedy(1)),
            _ when !independent => ("batch_of_one", "The rows of a batch influence each other, so each sequence runs alone.", "Look for an operation over the batch axis (normalisation, softmax or attention over axis 0) and export the model in evaluation mode."),
            _ when !padding => ("equal_lengths", PaddingReason, PaddingRemedy),
            _ => ("ragged", "Sequences of any lengths run together: neither padding nor neighbours change an answer.", (string?)null),
        };
        if (shape.FixedRows > 1 && !padding)
            (reason, remedy) = ($"{reason} {PaddingReason}", $"{remedy} {PaddingRemedy}");
        if (shape.FixedTime > 0)
        {
            name = $"fixed_time_{name}";
            reason = padding
                ? $"The graph takes only {shape.FixedTime} time steps; shorter sequences are padded to them. {reason}"
                : $"The graph takes only {shape.FixedTime} time steps, and padding changes its answers, so it answers sequences of just that length. {reason}";
            remedy = $"{remedy} Name the time axis in dynamic_axes of the export, and take no length from a constant.".Trim();
        }
        return new BatchMode
        {
            Name = name,
            Reason = reason,
            Remedy = remedy,
            FixedRows = shape.FixedRows,
            FixedTime = shape.FixedTime,
            PaddingExact = padding,
            RowsIndependent = independent,
            MinLength = shape.FixedTime > 0 && !padding ? shape.FixedTime : shape.MinTime,
            MaxLength = shape.FixedTime > 0 ? Math.Min(shape.FixedTime, _maxLength) : _maxLength,
            VocabularySize = _vocabularySize < LargestVocabulary ? _vocabularySize : null,
            TakesPaddingId = ZeroIsAnId(shape),
            TimeMajor = shape.TimeMajor,
            LargestDifference = _largest,
        };
    }

    private string PaddingReason => _signature.LengthsInput is null
        ? "The graph has no input for lengths and padding changes its answers, so only sequences of one length run together."
        : $"Padding changes the graph's answers although it has the input \"{_signature.LengthsInput}\", so only sequences of one length run together.";

    private string PaddingRemedy => _graph.RecurrentNodes().ToArray() switch
    {
        { Length: > 0 } nodes when nodes.All(n => n.HasLengths) => $"The lengths reach every {nodes[0].Cell}, so what leaks comes after it: pool with a mask made from the lengths, or from the last state, never from the last time step.",
        { Length: > 0 } nodes => $"sequence_lens of the {nodes[0].Cell} is not wired: export with pack_padded_sequence and the lengths as an input.",
        _ => "Mask the padding with the lengths as an input.",
    };

    private string BatchRemedy(int rows) => _graph.RecurrentNodes().FirstOrDefault(n => n.HasConstantState) is { } node
        ? $"The {node.Cell} has a constant initial state, so its batch is frozen at {rows}: make h0 (and c0) from the input's shape, torch.zeros(layers, ids.shape[0], hidden), and export again."
        : $"The batch is frozen at {rows}: name the batch axis in dynamic_axes of the export, and make initial states from the input's shape.";

    // Rows and time steps always differ: were the axes the other way round, the logits would not have a row a sequence.
    private static readonly int[] SomeRows = [3, 2];
    private static readonly int[] SomeTimes = [5, 7, 1];

    /// <summary>A graph that takes neither of the usual shapes takes one size only on some axis: that one is looked for.</summary>
    private Shape? FindFrozenShape(bool timeMajor) =>
        FindShape(timeMajor, Enumerable.Range(1, LargestFrozenRows), SomeTimes) ?? FindShape(timeMajor, [1, 2, 3, 4, 8], Enumerable.Range(1, LargestFrozenTime));

    private Shape? FindShape(bool timeMajor, IEnumerable<int> rowsToTry, IEnumerable<int> timesToTry)
    {
        _runner.Dispose();
        _runner = new OnnxRunner(_session, _signature with { TimeMajor = timeMajor }, ownsSession: false, quiet: true);
        int declaredRows = _signature.IdsShape[timeMajor ? 1 : 0];
        int declaredTime = _signature.IdsShape[timeMajor ? 0 : 1];
        int[] times = declaredTime > 0 ? [declaredTime] : [.. timesToTry.Where(t => t <= _maxLength)];
        int[] someRows = declaredRows > 0 ? [declaredRows] : [.. rowsToTry];
        bool declaredSquare = declaredRows > 0 && declaredRows == declaredTime;
        var (rows, time) = times.SelectMany(t => someRows.Where(r => r != t || declaredSquare).Select(r => (r, t))).FirstOrDefault(s => Runs(s.r, s.t));
        if (rows == 0)
            return null;
        bool anyRows = new[] { 1, 2, 3, 6 }.All(r => Runs(r, time));
        int[] longer = [.. new[] { time, time + 1, time + 4, time + 11 }.Where(t => t <= _maxLength)];
        bool anyTime = (longer.Length > 1 || _maxLength == time) && longer.All(t => Runs(rows, t));
        // a convolution may need a few steps: that is a shortest length, no frozen one
        int shortest = anyTime ? Enumerable.Range(1, time).First(t => Runs(rows, t)) : time;
        return new Shape(anyRows ? 0 : rows, anyTime ? 0 : time, timeMajor) { Time = time, MinTime = anyTime ? shortest : 1 };
    }

    /// <summary>The largest number up to a limit that passes, when all up to it do; the smallest is known to.</summary>
    private static int LargestThat(Func<int, bool> passes, int smallest, int limit)
    {
        if (limit <= smallest || passes(limit))
            return limit;
        int good = smallest;
        int bad = limit;
        while (good < bad / 2 && passes(2 * good))
            good *= 2;
        bad = Math.Min(bad, 2 * good);
        while (bad - good > 1)
        {
            int middle = good + (bad - good) / 2;
            (good, bad) = passes(middle) ? (middle, bad) : (good, middle);
        }
        return good;
    }

    private bool Runs(Shape shape, int[] sequence)
    {
        try
        {
            Alone(shape, sequence);
            return true;
        }
        catch (OnnxRuntimeException)
        {
            return false;
        }
    }

    /// <summary>The same batch twice: a graph with dropout left on answers differently.</summary>
    private bool Repeats(Shape shape)
    {
        var sequence = Sequence(shape.FixedTime > 0 ? shape.FixedTime : shape.Time);
        return Close(Alone(shape, sequence), Alone(shape, sequence));
    }

    /// <summary>Whether id 0 has an answer: a graph that masks it away divides by nothing when there is nothing else.</summary>
    private bool ZeroIsAnId(Shape shape)
    {
        try
        {
            return Array.TrueForAll(Alone(shape, new int[shape.FixedTime > 0 ? shape.FixedTime : shape.MinTime]), float.IsFinite);
        }
        catch (OnnxRuntimeException)
        {
            return false;
        }
    }

    /// <summary>The logits of a sequence in no company but copies of itself, where the graph insists on several rows.</summary>
    private float[] Alone(Shape shape, int[] sequence) =>
        RunBatch([.. Enumerable.Repeat(sequence, Math.Max(1, shape.FixedRows))], shape.FixedTime > 0 ? shape.FixedTime : sequence.Length)[0];

    private bool Runs(int rows, int time)
    {
        try
        {
            RunBatch([.. Enumerable.Range(0, rows).Select(_ => Sequence(time))], time);
            return true;
        }
        catch (OnnxRuntimeException)
        {
            return false;
        }
    }

    /// <summary>Batches of one length, compared with each sequence alone.</summary>
    private bool RowsIndependent(Shape shape)
    {
        if (_vocabularySize == 1)
            return false;   // no two rows can differ, so nothing can be seen
        int time = shape.FixedTime > 0 ? shape.FixedTime : Math.Clamp(7, shape.MinTime, _maxLength);
        foreach (int rows in Sizes(shape))
        {
            int[][] batch = [.. Enumerable.Range(0, rows).Select(_ => Sequence(time))];
            if (!SameAsAlone(shape, batch, time))
                return false;
        }
        return true;
    }

    /// <summary>Batches of mixed lengths, compared with each sequence alone; where time is frozen, padding of one kind with padding of another.</summary>
    private bool PaddingExact(Shape shape)
    {
        if (shape.FixedTime > 0)
            return PaddingIgnored(shape);
        if (_maxLength == shape.MinTime)
            return true;   // there is never any
        int[] lengths = [.. new[] { 1, 9, 3, 17, 2, 5, 12, 1, 24, 7, 4, 33, 6, 15, 3, 10 }.Select(l => Math.Clamp(l, shape.MinTime, _maxLength))];
        int longest = Math.Min(_maxLength, LongestPadding);
        int few = shape.FixedRows > 0 ? shape.FixedRows : 3;
        if (few > 1 && !SameAsAlone(shape, [.. Enumerable.Range(0, few).Select(i => Sequence(i == 0 ? longest : lengths[i]))], longest))
            return false;
        foreach (int rows in Sizes(shape).Where(r => r > 1))
        {
            for (int shuffle = 0; shuffle < 3; shuffle++)
            {
                int[][] batch = [.. Enumerable.Range(0, rows).Select(i => Sequence(lengths[i % lengths.Length]))];
                _random.Shuffle(batch);
                if (!SameAsAlone(shape, batch, batch.Max(s => s.Length)))
                    return false;
            }
        }
        // A graph for one row at a time is never padded; it counts as exact only where padding could be tried.
        return shape.FixedRows != 1;
    }

    private bool PaddingIgnored(Shape shape)
    {
        if (_signature.LengthsInput is null)
            return false;
        int rows = Math.Max(1, shape.FixedRows);
        foreach (int length in new[] { 1, 2, shape.FixedTime / 2, shape.FixedTime - 1 }.Where(l => l > 0 && l < shape.FixedTime))
        {
            int[][] batch = [.. Enumerable.Range(0, rows).Select(_ => Sequence(length))];
            float[][] zeros, noise;
            try
            {
                zeros = RunBatch(batch, shape.FixedTime);
                noise = RunBatch(batch, shape.FixedTime, paddingFrom: _random);
            }
            catch (OnnxRuntimeException)
            {
                return false;
            }
            if (zeros.Zip(noise).Any(pair => !Close(pair.First, pair.Second)))
                return false;
        }
        return true;
    }

    private static int[] Sizes(Shape shape) => shape.FixedRows > 0 ? [shape.FixedRows] : [2, 3, 5, 8, 16];

    private bool SameAsAlone(Shape shape, int[][] batch, int time)
    {
        float[][] together;
        try
        {
            together = RunBatch(batch, time);
        }
        catch (OnnxRuntimeException)
        {
            return false;
        }
        for (int i = 0; i < batch.Length; i++)
        {
            if (!Close(Alone(shape, batch[i]), together[i]))
                return false;
        }
        return true;
    }

    private bool Close(float[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            _finite &= !float.IsNaN(expected[i]) && !float.IsPositiveInfinity(expected[i]);
            double difference = Math.Abs(expected[i] - actual[i]) / (1 + Math.Abs(expected[i]));
            if (!expected[i].Equals(actual[i]) && !(difference <= LogitTolerance))
                return false;
        }
        foreach (var head in _signature.Heads)
        {
            var before = Probabilities(expected, head);
            var after = Probabilities(actual, head);
            for (int i = 0; i < before.Length; i++)
            {
                double difference = Math.Abs(before[i] - after[i]);
                if (difference > ProbabilityTolerance)
                    return false;
                if (difference <= 1)   // false for NaN, which is told of apart
                    _largest = Math.Max(_largest, difference);
            }
        }
        return true;
    }

    private static double[] Probabilities(float[] logits, Head head)
    {
        double[] values = [.. logits.AsSpan(head.Offset, head.Width).ToArray().Select(l => (double)l)];
        Softmax.TryApply(values);
        return values;
    }

    private float[][] RunBatch(int[][] batch, int time, Random? paddingFrom = null)
    {
        var tensors = new BatchTensors(_runner.Signature);
        tensors.Reset(batch.Length, time);
        for (int row = 0; row < batch.Length; row++)
        {
            if (paddingFrom is not null)
                tensors.SetRow(row, Sequence(time));
            tensors.SetRow(row, batch[row]);
        }
        _runner.Run(tensors);
        var logits = new float[batch.Length][];
        for (int row = 0; row < batch.Length; row++)
            tensors.CopyLogits(row, logits[row] = new float[_signature.RowWidth]);
        return logits;
    }

    private int[] Sequence(int length)
    {
        var ids = new int[length];
        for (int t = 0; t < length; t++)
            ids[t] = _vocabularySize > 2 ? _random.Next(1, _vocabularySize) : _random.Next(Math.Max(1, _vocabularySize));
        return ids;
    }

    /// <summary>What a graph takes; 0 is any number.</summary>
    private readonly record struct Shape(int FixedRows, int FixedTime, bool TimeMajor)
    {
        /// <summary>A number of time steps that runs.</summary>
        public int Time { get; init; }

        /// <summary>The fewest time steps that run, where time is not frozen.</summary>
        public int MinTime { get; init; }
    }
}
