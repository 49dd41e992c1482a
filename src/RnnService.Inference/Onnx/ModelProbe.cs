using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Batching;
using RnnService.Core.Taxonomy;

namespace RnnService.Inference.Onnx;

/// <summary>
/// Finds out by running a graph on generated sequences what its declaration may hide: which shapes it takes, whether rows influence each other,
/// whether padding changes an answer, what a head's numbers are. The result is the fastest mode that is exact. Nothing is believed that was not seen.
/// </summary>
internal sealed class ModelProbe
{
    private const int LargestFrozenRows = 64;
    private const int LargestFrozenTime = 512;
    private const int LongestPadding = 512;
    private const int LargestVocabulary = 1 << 24;

    private readonly InferenceSession _session;
    private readonly OnnxGraph _graph;
    private readonly List<IgnoredOutput> _ignored;
    private readonly bool _masksStated;
    private readonly HashSet<string> _activationsStated;
    private int _maxLength;
    private int _vocabularySize;

    /// <param name="session">The graph, loaded.</param>
    /// <param name="graph">The graph, as far as it can be read; for remedies.</param>
    /// <param name="settings">What is known beforehand.</param>
    /// <param name="ignored">Receives outputs that turn out not to be heads.</param>
    public ModelProbe(InferenceSession session, OnnxGraph graph, ProbeSettings settings, List<IgnoredOutput> ignored)
    {
        _session = session;
        _graph = graph;
        _ignored = ignored;
        _vocabularySize = settings.VocabularySize ?? 0;
        _maxLength = settings.MaxLength;
        _masksStated = settings.MasksStated;
        _activationsStated = [.. settings.ActivationsStated];
    }

    /// <returns>How to run it, and the signature as it proved to be; null when faults were added: no mode is exact.</returns>
    public (BatchMode Mode, ModelSignature Signature)? Run(ModelSignature signature, List<Fault> faults)
    {
        if (Measured(signature, faults) is not { } measured)
            return null;
        if (FindShape(measured) is not { } shape)
        {
            faults.Add(new Fault("", $"The graph runs on no batch that was tried (1 to {LargestFrozenRows} rows, 1 to {LargestFrozenTime} time steps). Try it in the framework that exported it, with the shapes it was traced with."));
            return null;
        }
        using var first = new ProbeRuns(_session, shape.Signature) { VocabularySize = _vocabularySize };
        FindLimits(first, shape);
        shape = shape with { Signature = WithActivations(first, shape, faults) };
        if (faults.Count > 0)
            return null;

        var judged = Judge(shape);
        if (shape.Signature.Sides.FirstOrDefault(s => s.Role == SideRole.Mask) is { } mask && !_masksStated)
            judged = WithMasks(judged, mask, faults);
        if (judged.Shape.Signature.Sides.FirstOrDefault(s => s is { Role: SideRole.Lengths, IsGuess: true }) is { } lengths && !Hides(judged))
            faults.Add(new Fault("/lengths", $"The graph's input \"{lengths.Name}\" has the shape of the sequences' lengths, but nothing shows that it takes them: padding changes the answers whatever it says. If it does, say \"lengths\": \"{lengths.Name}\" in model.json; if it takes one number for all requests, say \"fill\": {{\"{lengths.Name}\": 0}}."));
        if (!judged.Finite)
            faults.Add(new Fault("", "The graph answers generated sequences with NaN or infinity. Look for a mask of -inf over all steps, a division by a count that can be 0, or weights that are NaN."));
        if (!judged.Repeats)
            faults.Add(new Fault("", "The graph answers the same sequence differently from run to run. Export it in evaluation mode, without dropout."));
        if (faults.Count == 0 && !judged.Independent && judged.Shape.FixedRows > 1)
            faults.Add(new Fault("", $"The graph takes only batches of {judged.Shape.FixedRows} rows, and its rows influence each other, so no sequence can be answered for itself. {BatchRemedy(judged.Shape.FixedRows)}"));
        return faults.Count > 0 ? null : (Describe(judged), judged.Shape.Signature);
    }

    /// <summary>Runs a graph that does not declare how many numbers a head has; an output that has one a time step is none.</summary>
    private ModelSignature? Measured(ModelSignature signature, List<Fault> faults)
    {
        if (signature.Heads.All(h => h.Numbers > 0))
            return signature;
        foreach (var candidate in signature.Sequence.IsTraced ? [signature] : new[] { signature, signature.Swapped() })
        {
            using var runs = new ProbeRuns(_session, candidate) { VocabularySize = _vocabularySize };
            var input = candidate.Sequence;
            int[] rows = input.DeclaredRows > 0 ? [input.DeclaredRows] : [3, 1];
            int[] times = input.DeclaredTime > 0 ? [input.DeclaredTime] : [5, 7];
            foreach (int r in rows)
            {
                var shapes = times.Select(t => runs.ShapesOf(r, t)).ToArray();
                if (shapes.Any(s => s is null))
                    continue;
                var heads = new List<Head>();
                for (int h = 0; h < candidate.Heads.Count; h++)
                {
                    var head = candidate.Heads[h];
                    long[] numbers = [.. shapes.Select(s => s![h][head.NumbersAxis])];
                    if (numbers.Any(n => n != numbers[0]))
                        _ignored.Add(new IgnoredOutput(head.Output, "one value for each time step, such as attention"));
                    else
                        heads.Add(head with { Numbers = (int)numbers[0], Width = numbers[0] == 1 ? 2 : (int)numbers[0] });
                }
                if (heads.Count > 0)
                    return candidate.WithHeads(heads);
                faults.Add(new Fault("/heads", $"No output of the graph scores labels: {string.Join("; ", _ignored.Select(o => $"\"{o.Output}\" is {o.Reason}"))}."));
                return null;
            }
        }
        faults.Add(new Fault("", "The graph declares no width of its heads, and runs on no batch that was tried to find it. Declare the outputs' shapes in the export."));
        return null;
    }

    private Shape? FindShape(ModelSignature signature)
    {
        ModelSignature[] layouts = signature.Sequence.IsTraced ? [signature] : [signature, signature.Swapped()];
        if (signature.Sides.Any(s => s.Role == SideRole.Mask))
            layouts = [.. layouts, .. layouts.Select(l => l.WithMasksSwapped())];
        foreach (var layout in layouts)
        {
            if (FindShape(layout, SomeRows, SomeTimes) is { } shape)
                return shape;
        }
        // A graph that takes neither of the usual shapes takes one size only on some axis: that one is looked for.
        foreach (var layout in layouts)
        {
            if ((FindShape(layout, Enumerable.Range(1, LargestFrozenRows), SomeTimes) ?? FindShape(layout, [1, 2, 3, 4, 8], Enumerable.Range(1, LargestFrozenTime))) is { } shape)
                return shape;
        }
        return null;
    }

    // Rows and time steps differ unless the axes are known: were they the other way round, the logits would not have a row a sequence.
    private static readonly int[] SomeRows = [3, 2];
    private static readonly int[] SomeTimes = [5, 7, 1];

    private Shape? FindShape(ModelSignature signature, IEnumerable<int> rowsToTry, IEnumerable<int> timesToTry)
    {
        using var runs = new ProbeRuns(_session, signature) { VocabularySize = _vocabularySize };
        var input = signature.Sequence;
        int[] times = input.DeclaredTime > 0 ? [input.DeclaredTime] : [.. timesToTry.Where(t => t <= _maxLength)];
        int[] someRows = input.DeclaredRows > 0 ? [input.DeclaredRows] : [.. rowsToTry];
        bool equalAllowed = input.IsTraced || (input.DeclaredRows > 0 && input.DeclaredRows == input.DeclaredTime);
        var (rows, time) = times.SelectMany(t => someRows.Where(r => r != t || equalAllowed).Select(r => (r, t))).FirstOrDefault(s => runs.Runs(s.r, s.t));
        if (rows == 0)
            return null;
        bool anyRows = input.BatchAxis >= 0 && new[] { 1, 2, 3, 6 }.All(r => runs.Runs(r, time));
        int[] longer = [.. new[] { time, time + 1, time + 4, time + 11 }.Where(t => t <= _maxLength)];
        bool anyTime = input.TimeAxis >= 0 && (longer.Length > 1 || _maxLength == time) && longer.All(t => runs.Runs(rows, t));
        // a convolution may need a few steps: that is a shortest length, no frozen one
        int shortest = anyTime ? Enumerable.Range(1, time).First(t => runs.Runs(rows, t)) : time;
        return new Shape(signature, anyRows ? 0 : rows, anyTime ? 0 : time) { Time = time, MinTime = anyTime ? shortest : 1 };
    }

    /// <summary>Finds, where nobody says, how many ids are valid and how long a sequence may be.</summary>
    private void FindLimits(ProbeRuns runs, Shape shape)
    {
        if (shape.Signature.Sequence.Kind == SequenceKind.Ids && _vocabularySize == 0)
            _vocabularySize = LargestThat(id => RunsAlone(runs, shape, shape.Steps, id - 1), 1, LargestVocabulary);
        runs.VocabularySize = _vocabularySize;
        if (shape.FixedTime == 0)
            _maxLength = LargestThat(length => RunsAlone(runs, shape, length, null), shape.Time, _maxLength);
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

    private static bool RunsAlone(ProbeRuns runs, Shape shape, int length, int? id)
    {
        using var sequence = runs.Generate([length], id);
        return ProbeRuns.Try(() => Alone(runs, shape, sequence, 0));
    }

    private static float[] Alone(ProbeRuns runs, Shape shape, Sequences sequences, int index) =>
        runs.Alone(sequences, index, Math.Max(1, shape.FixedRows), shape.FixedTime > 0 ? shape.FixedTime : sequences.Length(index));

    /// <summary>What the graph's end does not tell, its numbers do: rows that always sum to 1 are probabilities.</summary>
    private ModelSignature WithActivations(ProbeRuns runs, Shape shape, List<Fault> faults)
    {
        const double tolerance = 2e-3;
        var lengths = new int[8];
        Array.Fill(lengths, shape.Steps);
        using var sequences = runs.Generate(lengths);
        var heads = new List<Head>();
        foreach (var head in shape.Signature.Heads)
        {
            float[][] rows = [.. Enumerable.Range(0, sequences.Count).Select(i => runs.Numbers(sequences, i, Math.Max(1, shape.FixedRows), shape.FixedTime > 0 ? shape.FixedTime : shape.Steps, head))];
            bool sumToOne = rows.All(r => r.All(n => n is >= 0 and <= 1.001f) && Math.Abs(r.Sum(n => (double)n) - 1) < tolerance);
            bool exponentsSumToOne = rows.All(r => r.All(n => n <= 0) && Math.Abs(r.Sum(n => Math.Exp(n)) - 1) < tolerance);
            bool stated = _activationsStated.Contains(head.Output);
            if (head.Numbers == 1 && head.Activation == HeadActivation.Logits && !stated)
                faults.Add(new Fault("/heads", $"The output \"{head.Output}\" is one number without a sigmoid: nothing says whether it scores a label or measures something. If it is the logit of the second of two labels, say \"heads\": [{{\"output\": \"{head.Output}\", \"activation\": \"logits\"}}] in model.json."));
            if (head.Numbers == 1 && head.Activation is HeadActivation.Softmax or HeadActivation.LogSoftmax)
                faults.Add(new Fault("/heads", $"The output \"{head.Output}\" is {(stated ? "said in model.json to be " : "")}the softmax of one number, which is the same whatever the sequence. Export it with a sigmoid, or with two labels."));
            if (head.Activation == HeadActivation.Softmax && head.Numbers > 1 && !sumToOne && rows.All(r => r.All(float.IsFinite)))
                faults.Add(new Fault("/heads", $"The output \"{head.Output}\" {(stated ? "is said in model.json to be" : "ends in")} a softmax, but its numbers for one sequence do not sum to 1 (the first that was tried: {rows[0].Sum():G4}). Take the softmax over the labels, the last axis."));
            heads.Add(stated || head.Activation != HeadActivation.Logits || head.Numbers < 2 ? head
                : head with { Activation = sumToOne ? HeadActivation.Softmax : exponentsSumToOne ? HeadActivation.LogSoftmax : HeadActivation.Logits });
        }
        return shape.Signature.WithHeads(heads);
    }

    private Judgement Judge(Shape shape)
    {
        using var runs = new ProbeRuns(_session, shape.Signature) { VocabularySize = _vocabularySize };
        bool repeats = Repeats(runs, shape);
        bool independent = RowsIndependent(runs, shape);
        bool padding = independent && PaddingExact(runs, shape);
        return new Judgement(shape, repeats, independent, padding, Sensitive(runs, shape), runs.Finite, ZeroIsAnId(runs, shape), runs.LargestDifference);
    }

    /// <summary>
    /// What masks mark: the way in which they hide the padding and not the sequence. Where padding leaks around a mask both ways seem alike, and only its name may say.
    /// </summary>
    private Judgement WithMasks(Judgement judged, SideInput mask, List<Fault> faults)
    {
        if (Works(judged) && Hides(judged))
            return judged;
        var other = Judge(judged.Shape with { Signature = judged.Shape.Signature.WithMasksInverted() });
        if (Works(other) && (Hides(other) || !Works(judged)))
            return other;
        bool named = mask.MarksPadding || mask.Name.Contains("attention", StringComparison.OrdinalIgnoreCase);
        if (Works(judged) && !named)
            faults.Add(new Fault("/mask_marks", $"Nothing shows what a 1 in the mask \"{mask.Name}\" marks: padding changes the answers whether or not it is marked. Say \"mask_marks\": \"sequence\" or \"padding\" in model.json."));
        return judged;

        // a mask that hides the sequences leaves nothing to tell them apart
        static bool Works(Judgement judged) => judged.Finite && judged.Sensitive;
    }

    /// <summary>Whether padding changes nothing, be it only in batches that are never served.</summary>
    private bool Hides(Judgement judged)
    {
        using var runs = new ProbeRuns(_session, judged.Shape.Signature) { VocabularySize = _vocabularySize };
        return judged.Padding || PaddingIgnored(runs, judged.Shape);
    }

    /// <summary>The same sequence twice: a graph with dropout left on answers differently.</summary>
    private static bool Repeats(ProbeRuns runs, Shape shape)
    {
        using var sequence = runs.Generate([shape.Steps]);
        return runs.Close(Alone(runs, shape, sequence, 0), Alone(runs, shape, sequence, 0));
    }

    /// <summary>Whether different sequences get different answers: a mask that means the opposite hides everything, and changes nothing any more.</summary>
    private static bool Sensitive(ProbeRuns runs, Shape shape)
    {
        using var sequences = runs.Generate([shape.Steps, shape.Steps, shape.Steps]);
        var first = Alone(runs, shape, sequences, 0);
        return Enumerable.Range(1, 2).Any(i => Alone(runs, shape, sequences, i).Zip(first).Any(pair => Math.Abs(pair.First - pair.Second) > 1e-4));
    }

    /// <summary>Whether id 0 has an answer: a graph that masks it away divides by nothing when there is nothing else.</summary>
    private static bool ZeroIsAnId(ProbeRuns runs, Shape shape)
    {
        if (shape.Signature.Sequence.Kind != SequenceKind.Ids)
            return true;
        using var zeros = runs.Generate([shape.FixedTime > 0 ? shape.FixedTime : shape.MinTime], 0);
        return ProbeRuns.Try(() => Alone(runs, shape, zeros, 0)) && Array.TrueForAll(Alone(runs, shape, zeros, 0), float.IsFinite);
    }

    /// <summary>Batches of one length, compared with each sequence alone.</summary>
    private bool RowsIndependent(ProbeRuns runs, Shape shape)
    {
        if (shape.Signature.Sequence.Kind == SequenceKind.Ids && _vocabularySize == 1)
            return false;   // no two rows can differ, so nothing can be seen
        int time = shape.FixedTime > 0 ? shape.FixedTime : Math.Clamp(7, shape.MinTime, _maxLength);
        return Sizes(shape).All(rows => SameAsAlone(runs, shape, [.. Enumerable.Repeat(time, rows)], time));
    }

    /// <summary>Batches of mixed lengths, compared with each sequence alone; where time is frozen, padding of one kind with padding of another.</summary>
    private bool PaddingExact(ProbeRuns runs, Shape shape)
    {
        if (shape.Signature.Sequence.TimeAxis < 0)
            return true;   // there is no time to pad
        if (shape.FixedTime > 0)
            return PaddingIgnored(runs, shape);
        if (_maxLength == shape.MinTime)
            return true;   // there is never any
        int[] lengths = [.. new[] { 1, 9, 3, 17, 2, 5, 12, 1, 24, 7, 4, 33, 6, 15, 3, 10 }.Select(l => Math.Clamp(l, shape.MinTime, _maxLength))];
        int longest = Math.Min(_maxLength, LongestPadding);
        int few = shape.FixedRows > 0 ? shape.FixedRows : 3;
        if (few > 1 && !SameAsAlone(runs, shape, [.. Enumerable.Range(0, few).Select(i => i == 0 ? longest : lengths[i])], longest))
            return false;
        foreach (int rows in Sizes(shape).Where(r => r > 1))
        {
            for (int shuffle = 0; shuffle < 3; shuffle++)
            {
                int[] batch = [.. Enumerable.Range(0, rows).Select(i => lengths[i % lengths.Length])];
                runs.Shuffle(batch);
                if (!SameAsAlone(runs, shape, batch, batch.Max()))
                    return false;
            }
        }
        // A graph for one row at a time is never padded; it counts as exact only where padding could be tried.
        return shape.FixedRows != 1;
    }

    /// <summary>Whether padding may be anything, in batches that hold nothing else.</summary>
    private bool PaddingIgnored(ProbeRuns runs, Shape shape)
    {
        if (shape.Signature.Ends is null)
            return false;
        int rows = Math.Max(1, shape.FixedRows);
        int time = shape.FixedTime > 0 ? shape.FixedTime : Math.Min(shape.MinTime + 8, _maxLength);
        foreach (int length in new[] { 1, 2, time / 2, time - 1 }.Where(l => l >= shape.MinTime && l < time))
        {
            using var batch = runs.Generate([.. Enumerable.Repeat(length, rows)]);
            using var noise = runs.Generate([.. Enumerable.Repeat(time, rows)]);
            float[][] zeros = [], noisy = [];
            if (!ProbeRuns.Try(() => (zeros, noisy) = (runs.Together(batch, time), runs.Together(batch, time, noise))))
                return false;
            if (zeros.Zip(noisy).Any(pair => !runs.Close(pair.First, pair.Second)))
                return false;
        }
        return true;
    }

    private static int[] Sizes(Shape shape) => shape.FixedRows > 0 ? [shape.FixedRows] : [2, 3, 5, 8, 16];

    private static bool SameAsAlone(ProbeRuns runs, Shape shape, int[] lengths, int time)
    {
        using var batch = runs.Generate(lengths);
        float[][] together = [];
        if (!ProbeRuns.Try(() => together = runs.Together(batch, time)))
            return false;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (!runs.Close(Alone(runs, shape, batch, i), together[i]))
                return false;
        }
        return true;
    }

    private BatchMode Describe(Judgement judged)
    {
        var (shape, padding) = (judged.Shape, judged.Padding);
        bool timeless = shape.Signature.Sequence.TimeAxis < 0;
        var (name, reason, remedy) = shape.FixedRows switch
        {
            > 1 => ("fixed_batch", $"The graph takes only batches of {shape.FixedRows} rows; short batches are filled with rows that are thrown away.", BatchRemedy(shape.FixedRows)),
            1 => ("batch_of_one", "The graph takes only one sequence at a time; workers run them side by side.", BatchRemedy(1)),
            _ when !judged.Independent => ("batch_of_one", "The rows of a batch influence each other, so each sequence runs alone.", "Look for an operation over the batch axis (normalisation, softmax or attention over axis 0) and export the model in evaluation mode."),
            _ when !padding => ("equal_lengths", PaddingReason(shape), PaddingRemedy),
            _ when timeless => ("ragged", "Every input is one row, and any number of them run together.", null),
            _ => ("ragged", "Sequences of any lengths run together: neither padding nor neighbours change an answer.", (string?)null),
        };
        if (shape.FixedRows > 1 && !padding)
            (reason, remedy) = ($"{reason} {PaddingReason(shape)}", $"{remedy} {PaddingRemedy}");
        if (shape.FixedTime > 0 && !timeless)
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
            RowsIndependent = judged.Independent,
            MinLength = shape.FixedTime > 0 && !padding ? shape.FixedTime : shape.MinTime,
            MaxLength = shape.FixedTime > 0 ? Math.Min(shape.FixedTime, _maxLength) : _maxLength,
            VocabularySize = shape.Signature.Sequence.Kind == SequenceKind.Ids && _vocabularySize < LargestVocabulary ? _vocabularySize : null,
            TakesPaddingId = judged.TakesZero,
            TimeMajor = shape.Signature.Sequence.TimeMajor,
            LargestDifference = judged.LargestDifference,
        };
    }

    private static string PaddingReason(Shape shape) => shape.Signature.Ends is { } ends
        ? $"Padding changes the graph's answers although it has the input \"{ends.Name}\", so only sequences of one length run together."
        : "The graph has no input for lengths and padding changes its answers, so only sequences of one length run together.";

    private string PaddingRemedy => _graph.RecurrentNodes is [var node, ..]
        ? _graph.RecurrentNodes.All(n => n.HasLengths)
            ? $"The lengths reach every {node.Cell}, so what leaks comes after it: pool with a mask made from the lengths, or from the last state, never from the last time step."
            : $"sequence_lens of the {node.Cell} is not wired: export with pack_padded_sequence and the lengths as an input."
        : "Mask the padding with the lengths as an input.";

    private string BatchRemedy(int rows) => _graph.RecurrentNodes.FirstOrDefault(n => n.HasConstantState) is { } node
        ? $"The {node.Cell} has a constant initial state, so its batch is frozen at {rows}: make h0 (and c0) from the input's shape, torch.zeros(layers, ids.shape[0], hidden), and export again."
        : $"The batch is frozen at {rows}: name the batch axis in dynamic_axes of the export, and make initial states from the input's shape.";

    /// <summary>What a graph takes; 0 is any number.</summary>
    private sealed record Shape(ModelSignature Signature, int FixedRows, int FixedTime)
    {
        /// <summary>A number of time steps that runs.</summary>
        public int Time { get; init; }

        /// <summary>The fewest time steps that run, where time is not frozen.</summary>
        public int MinTime { get; init; }

        /// <summary>A length that a sequence may have.</summary>
        public int Steps => FixedTime > 0 ? FixedTime : Time;
    }

    private sealed record Judgement(Shape Shape, bool Repeats, bool Independent, bool Padding, bool Sensitive, bool Finite, bool TakesZero, double LargestDifference);
}

/// <summary>What is known of a graph before it is probed.</summary>
/// <param name="VocabularySize">Ids from 0 to this minus 1 are valid; null when nobody says, then it is found by trying.</param>
/// <param name="MaxLength">Longest sequence that is wanted, in time steps.</param>
/// <param name="MasksStated">Whether the manifest says what masks mark.</param>
/// <param name="ActivationsStated">Outputs whose activation the manifest says.</param>
internal sealed record ProbeSettings(int? VocabularySize, int MaxLength, bool MasksStated, IReadOnlyList<string> ActivationsStated);
