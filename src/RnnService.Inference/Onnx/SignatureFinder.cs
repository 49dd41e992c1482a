using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Manifests;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Onnx;

/// <summary>
/// Says what each input and output of a graph is for: from the traced axes and uses first, then from types and shapes, and from the manifest where it says so.
/// Where the manifest and the graph contradict each other, both sides are reported.
/// </summary>
internal sealed class SignatureFinder
{
    private readonly InferenceSession _session;
    private readonly OnnxGraph _graph;
    private readonly ModelManifest _manifest;
    private readonly List<Fault> _faults = [];
    private readonly List<IgnoredOutput> _ignored = [];
    private readonly HashSet<string> _free;

    private SignatureFinder(InferenceSession session, OnnxGraph graph, ModelManifest manifest)
    {
        _session = session;
        _graph = graph;
        _manifest = manifest;
        _free = [.. session.InputMetadata.Keys];
    }

    public static SignatureFindings Find(InferenceSession session, OnnxGraph graph, ModelManifest manifest) => new SignatureFinder(session, graph, manifest).Find();

    private SignatureFindings Find()
    {
        if (!CheckNames())
            return new SignatureFindings(null, _faults, _ignored);
        var lengths = FindLengths();
        var states = FindStates();
        var sequence = FindSequence();
        var sides = sequence is null ? [] : FindSides(sequence, lengths, states);
        var heads = HeadFinder.Find(_session, _graph, _manifest, sequence, _faults, _ignored);
        var signature = sequence is null || heads.Count == 0 || _faults.Count > 0
            ? null
            : new ModelSignature(sequence, sides, []) { PaddingId = _manifest.PaddingId ?? 0, HalfPrecision = _graph.HalfPrecision }.WithHeads(heads);
        return new SignatureFindings(signature, _faults, _ignored) { LooksLikeClassifier = sequence is not null && heads.Count > 0 };
    }

    /// <summary>Inputs that the manifest names must be there, and of a type that can be fed.</summary>
    /// <returns>False when one of them is there but cannot be fed.</returns>
    private bool CheckNames()
    {
        bool feedable = true;
        var named = new List<(string Pointer, string? Name)> { ("/input", _manifest.Input), ("/lengths", _manifest.Lengths), ("/mask", _manifest.Mask) };
        named.AddRange(_manifest.States?.Select((name, i) => ($"/states/{i}", (string?)name)) ?? []);
        named.AddRange(_manifest.Fill?.Keys.Select(name => ($"/fill/{name}", (string?)name)) ?? []);
        foreach (var (pointer, name) in named)
        {
            if (name is null)
                continue;
            if (_session.InputMetadata.TryGetValue(name, out var meta))
            {
                if (meta.IsTensor && TensorBuffer.Holds(meta.ElementDataType))
                    continue;
                feedable = false;
                _faults.Add(new Fault(pointer, $"model.json names the input \"{name}\", but it is {Metadata.Describe(meta)}, which this server does not feed. Export the model with float or int64 there."));
            }
            else
                _faults.Add(new Fault(pointer, $"model.json names the input \"{name}\", but the graph has no such input; it has {Metadata.Describe(_session.InputMetadata)}."));
        }
        return feedable;
    }

    /// <summary>An input that is not there is reported, and what it was meant for is looked for as if nothing had been said: one mistake, one fault.</summary>
    private bool IsThere(string? input) => input is not null && _session.InputMetadata.ContainsKey(input);

    private NodeMetadata Meta(string input) => _session.InputMetadata[input];

    private bool IsStated(string input) =>
        input == _manifest.Input || input == _manifest.Lengths || input == _manifest.Mask || _manifest.States?.Contains(input) == true || _manifest.Fill?.ContainsKey(input) == true;

    private string? FindLengths()
    {
        if (_manifest.Lengths is { } stated && _session.InputMetadata.ContainsKey(stated))
        {
            if (_free.Remove(stated) && !(Metadata.IsInteger(Meta(stated)) && Meta(stated).Dimensions.Length <= 2))
                _faults.Add(new Fault("/lengths", $"model.json says that the input \"{stated}\" takes the sequences' lengths, but the graph says that it is {Metadata.Describe(Meta(stated))}; lengths are integers [batch]."));
            return stated;
        }
        // what the recurrent nodes take for sequence_lens is no guess; failing that, integers, one a sequence, beside something that is the sequence
        var wired = _graph.Cells.Select(c => _graph[c.In(4)].DependsOn).FirstOrDefault(d => d.Count == 1)?.First();
        var found = wired is not null && _free.Contains(wired) && IsLengths(wired)
            ? wired
            : _free.FirstOrDefault(i => !IsStated(i) && IsLengths(i) && !_graph.IsLookedUp(i) && (Metadata.IsInteger(Meta(i)) || AreNamedLengths(i)) && _free.Any(o => o != i && Metadata.Rank(Meta(o)) >= 2));
        if (found is not null)
            _free.Remove(found);
        return found;
    }

    /// <summary>Whether the graph, the manifest or its name say that an input takes lengths; any integers, one a sequence, have the same shape.</summary>
    private bool AreKnownLengths(string input) =>
        input == _manifest.Lengths || AreNamedLengths(input) || _graph.Cells.Any(c => _graph[c.In(4)].DependsOn.Contains(input));

    private static bool AreNamedLengths(string input) =>
        Names(input, "length") || input.EndsWith("len", StringComparison.OrdinalIgnoreCase) || input.EndsWith("lens", StringComparison.OrdinalIgnoreCase);

    private bool IsLengths(string input) => Metadata.IsNumber(Meta(input)) && Meta(input).Dimensions is [_] or [_, 1];

    private List<string> FindStates()
    {
        var states = new List<string>();
        // a recurrent node may begin where another has ended, and then its state depends on the sequence, which is none
        var sequences = _graph.Cells.SelectMany(c => _graph[c.In(0)].Axes ?? []).OfType<Axis>().Select(a => a.Input).ToHashSet(StringComparer.Ordinal);
        foreach (var input in _session.InputMetadata.Keys)
        {
            bool wired = !sequences.Contains(input) && _graph.Cells.Any(c => IsStateOf(c.In(5), input) || IsStateOf(c.In(6), input));
            if (_free.Contains(input) && (_manifest.States?.Contains(input) ?? (wired && !IsStated(input))))
                states.Add(input);
        }
        _free.ExceptWith(states);
        return states;
    }

    private bool IsStateOf(string initial, string input) => initial.Length > 0 && _graph[initial].DependsOn is { Count: 1 } depends && depends.Contains(input) && Metadata.IsFloat(Meta(input));

    private SequenceInput? FindSequence()
    {
        var name = (IsThere(_manifest.Input) ? _manifest.Input : null) ?? Traced() ?? Likeliest();
        if (name is null || !_session.InputMetadata.TryGetValue(name, out var meta))
        {
            if (_faults.Count == 0)
                _faults.Add(new Fault("/input", $"No input of the graph takes sequences: token ids [batch, time], features [batch, time, features] or texts [batch]; it has {Metadata.Describe(_session.InputMetadata)}. Name it as \"input\" in model.json."));
            return null;
        }
        if (!_free.Remove(name))
        {
            _faults.Add(new Fault("/input", $"model.json says that the input \"{name}\" takes the sequences, token ids or features, but in the graph it is the lengths or the initial state of a recurrent node."));
            return null;
        }
        bool ids = Metadata.IsInteger(meta) ? Metadata.Rank(meta) <= 2 || meta.Dimensions[^1] == 1 : _graph.IsLookedUp(name);
        var kind = meta.IsString ? SequenceKind.Text : ids ? SequenceKind.Ids : SequenceKind.Features;
        var input = Axes(name, meta, kind);
        if (input is null)
        {
            _faults.Add(new Fault("/input", $"The graph's input \"{name}\" cannot take sequences; it is {Metadata.Describe(meta)}, and sequences are token ids [batch, time], features [batch, time, features] or texts [batch]."));
            return null;
        }
        return WithLayout(input);
    }

    /// <summary>The input whose axis a recurrent node takes for time.</summary>
    private string? Traced()
    {
        foreach (var cell in _graph.Cells)
        {
            var x = _graph[cell.In(0)];
            var time = x.AxisAt(cell.Integer("layout", 0) == 1 ? 1 : 0);
            if (time is { } axis && _free.Contains(axis.Input) && !IsStated(axis.Input))
            {
                // several embeddings may be added up: the words have the largest table, kinds of segments and the like have small ones
                return _session.InputMetadata.Keys.Where(i => _free.Contains(i) && !IsStated(i) && x.DependsOn.Contains(i) && _graph.EmbeddingRows(i) is not null)
                    .MaxBy(i => Names(i, "position") ? 0 : _graph.EmbeddingRows(i)) ?? axis.Input;
            }
        }
        return null;
    }

    private string? Likeliest()
    {
        var open = _session.InputMetadata.Where(i => _free.Contains(i.Key) && !IsStated(i.Key) && i.Value.IsTensor).ToArray();
        return Named(i => _graph.IsLookedUp(i.Key) && i.Value.Dimensions.Length <= 2)
            ?? Named(i => Metadata.IsFloat(i.Value) && i.Value.Dimensions.Length == 3)
            ?? Named(i => Metadata.IsInteger(i.Value) && i.Value.Dimensions.Length == 2)
            ?? Named(i => i.Value.IsString && i.Value.Dimensions is [_] or [_, 1])
            ?? Named(i => Metadata.IsFloat(i.Value) && i.Value.Dimensions is [_, > 0]);

        string? Named(Func<KeyValuePair<string, NodeMetadata>, bool> fits) => open.Where(fits).Select(i => i.Key).FirstOrDefault();
    }

    private SequenceInput? Axes(string name, NodeMetadata meta, SequenceKind kind)
    {
        int rank = Metadata.Rank(meta);
        var (batch, time) = TracedAxes(name);
        bool traced = time >= 0;
        int feature = -1;
        switch (kind)
        {
            case SequenceKind.Text when rank is 1 or 2:
                (batch, time) = (0, -1);
                break;
            case SequenceKind.Ids when rank == 1:
                (batch, time) = (-1, 0);
                break;
            case SequenceKind.Ids when rank == 2 || (rank == 3 && meta.Dimensions[2] == 1):
                (batch, time) = Complete(batch, time, 2);
                break;
            case SequenceKind.Features when rank == 3:
                (batch, time) = CompleteOfThree(batch, time);
                feature = 3 - batch - time;
                break;
            case SequenceKind.Features when rank == 2 && _graph.Cells.Count == 0:
                (batch, time, feature) = (0, -1, 1);
                break;
            case SequenceKind.Features when rank == 2 && traced && batch >= 0:
                break;   // [batch, time] of single numbers
            case SequenceKind.Features when rank == 2 && traced:
                feature = 1 - time;
                break;
            default:
                return null;
        }
        int width = feature < 0 ? 1 : meta.Dimensions[feature] > 0 ? meta.Dimensions[feature] : _graph.CellWidth ?? 0;
        if (width == 0)
            _faults.Add(new Fault("/input", $"The graph's input \"{name}\" is {Metadata.Describe(meta)}: nothing says how many features a time step has. Export it with a fixed last dimension."));
        return new SequenceInput(name, meta.ElementDataType, kind, meta.Dimensions, batch, time, feature, width) { IsTraced = traced || kind == SequenceKind.Text || batch < 0 || time < 0 };
    }

    private (int Batch, int Time) TracedAxes(string name)
    {
        foreach (var cell in _graph.Cells)
        {
            var x = _graph[cell.In(0)];
            bool batchFirst = cell.Integer("layout", 0) == 1;
            if (x.AxisAt(batchFirst ? 1 : 0) is { } time && time.Input == name)
                return (x.AxisAt(batchFirst ? 0 : 1) is { } batch && batch.Input == name ? batch.Index : -1, time.Index);
        }
        // no recurrent node: a convolution runs along time, with the channels before it
        foreach (var x in _graph.Convolved)
        {
            if (x.AxisAt(2) is { } time && time.Input == name)
                return (x.AxisAt(0) is { } batch && batch.Input == name ? batch.Index : -1, time.Index);
        }
        // nor that: the axis of an input that a head has is the batch
        foreach (var output in _session.OutputMetadata.Keys)
        {
            if (_graph[output].Axes is [{ } batch, null] && batch.Input == name && batch.Index <= 1)
                return (batch.Index, Metadata.Rank(Meta(name)) == 1 ? -1 : 1 - batch.Index);
        }
        return (-1, -1);
    }

    private static (int Batch, int Time) Complete(int batch, int time, int rank) =>
        time < 0 ? (0, 1) : batch < 0 ? (rank - 1 - time, time) : (batch, time);

    private static (int Batch, int Time) CompleteOfThree(int batch, int time) =>
        time < 0 ? (0, 1) : batch >= 0 ? (batch, time) : time == 0 ? (1, 0) : (0, time);

    private SequenceInput WithLayout(SequenceInput input)
    {
        if (_manifest.Layout is not { } layout || input.BatchAxis < 0 || input.TimeAxis < 0)
            return input;
        bool timeMajor = layout == SequenceLayout.TimeMajor;
        if (input.IsTraced && input.TimeMajor != timeMajor)
            _faults.Add(new Fault("/layout", $"model.json says that the input \"{input.Name}\" is {(timeMajor ? "time_major" : "batch_first")}, but in the graph its axis {input.TimeAxis} runs along the time of a recurrent node, so it is {(input.TimeMajor ? "time_major" : "batch_first")}. Correct or remove \"layout\"."));
        return (input.TimeMajor == timeMajor ? input : input.Swapped()) with { IsTraced = true };
    }

    private List<SideInput> FindSides(SequenceInput sequence, string? lengths, List<string> states)
    {
        var sides = new List<SideInput>();
        if (lengths is not null && sequence.TimeAxis < 0)
            _free.Add(lengths);   // where there is no time, nothing is long
        else if (lengths is not null)
            sides.Add(new SideInput(lengths, Meta(lengths).ElementDataType, SideRole.Lengths, Meta(lengths).Dimensions, 0) { IsGuess = !AreKnownLengths(lengths) });
        foreach (var state in states)
            sides.Add(State(state));
        foreach (var name in _session.InputMetadata.Keys.Where(_free.Contains))
        {
            var meta = Meta(name);
            if (_manifest.Fill?.TryGetValue(name, out double fill) == true)
                sides.Add(Like(sequence, name, SideRole.Constant) with { Fill = fill });
            else if (name != _manifest.Mask && IsSegment(name, sequence))
                sides.Add(Like(sequence, name, SideRole.Constant));
            else if (name == _manifest.Mask || (!IsThere(_manifest.Mask) && IsMask(name, sequence)))
                sides.Add(Like(sequence, name, SideRole.Mask) with { MarksPadding = _manifest.MaskMarks is { } marks ? marks == MaskMarks.Padding : Names(name, "pad") });
            else
                _faults.Add(new Fault("", $"The graph's input \"{name}\" {Metadata.Describe(meta)} is neither the sequence (\"{sequence.Name}\") nor lengths, mask or initial state, so nothing would feed it. Give it one number for all requests as \"fill\": {{\"{name}\": 0}} in model.json, or export the model without it."));
        }
        if (sides.FirstOrDefault(s => s.Name == _manifest.Mask) is { } mask && !(Metadata.IsNumber(Meta(mask.Name)) && mask.Dimensions.Count == 2))
            _faults.Add(new Fault("/mask", $"model.json says that the input \"{mask.Name}\" is a mask, but the graph says that it is {Metadata.Describe(Meta(mask.Name))}; a mask is [batch, time], or [time, batch] where the sequence is."));
        return sides;
    }

    private SideInput State(string name)
    {
        var meta = Meta(name);
        // the batch axis of a state is the second of what the recurrent node takes
        int batch = -1;
        foreach (var cell in _graph.Cells)
        {
            foreach (var initial in new[] { cell.In(5), cell.In(6) })
            {
                if (batch < 0 && _graph[initial].AxisAt(cell.Integer("layout", 0) == 1 ? 0 : 1) is { } axis && axis.Input == name)
                    batch = axis.Index;
            }
        }
        if (batch < 0)
            batch = Array.FindLastIndex(meta.Dimensions, d => d < 0);
        if (batch < 0 && meta.Dimensions.Length == 3)
            batch = 1;
        var dimensions = meta.Dimensions.ToArray();
        for (int axis = 0; axis < dimensions.Length; axis++)
        {
            if (axis != batch && dimensions[axis] < 0)
                dimensions[axis] = axis == dimensions.Length - 1 ? (_graph.RecurrentNodes is [var first, ..] ? first.HiddenSize : 1) : _graph.RecurrentNodes.Sum(n => n.Direction == "bidirectional" ? 2 : 1);
        }
        return new SideInput(name, meta.ElementDataType, SideRole.State, dimensions, batch);
    }

    private bool IsMask(string name, SequenceInput sequence) =>
        Metadata.IsNumber(Meta(name)) && sequence.TimeAxis >= 0 && sequence.BatchAxis >= 0 && Meta(name).Dimensions.Length == 2 && !_graph.IsLookedUp(name)
        && Agrees(Meta(name).Dimensions, sequence);

    /// <summary>Whether dimensions can be those of batch and time, in either order: a size that is fixed here and varies there is another axis, such as that of features beside the sequence.</summary>
    private static bool Agrees(int[] dimensions, SequenceInput sequence)
    {
        return (Can(0, sequence.DeclaredRows) && Can(1, sequence.DeclaredTime)) || (Can(0, sequence.DeclaredTime) && Can(1, sequence.DeclaredRows));

        bool Can(int axis, int declared) => dimensions[axis] < 0 || dimensions[axis] == declared;
    }

    private static bool Names(string input, string word) => input.Contains(word, StringComparison.OrdinalIgnoreCase);

    /// <summary>Kinds of segments, which are 0 where there is one segment.</summary>
    private bool IsSegment(string name, SequenceInput sequence) =>
        Metadata.IsInteger(Meta(name)) && Meta(name).Dimensions.Length == sequence.Dimensions.Count && (Names(name, "type") || Names(name, "segment"));

    /// <summary>An input shaped like the sequences: its first two axes are the sequences' own, in their order unless the names of the dimensions say otherwise.</summary>
    private SideInput Like(SequenceInput sequence, string name, SideRole role)
    {
        var meta = Meta(name);
        bool timeFirst = sequence.TimeMajor;
        if (meta.Dimensions.Length == 2 && sequence is { BatchAxis: >= 0, TimeAxis: >= 0 })
        {
            var (batch, time) = (Meta(sequence.Name).SymbolicDimensions[sequence.BatchAxis], Meta(sequence.Name).SymbolicDimensions[sequence.TimeAxis]);
            if (batch.Length > 0 && time.Length > 0 && batch != time && meta.SymbolicDimensions is [var first, var second] && (first == time || first == batch || second == time || second == batch))
                timeFirst = first == time || second == batch;
        }
        bool two = meta.Dimensions.Length >= 2 && sequence.TimeAxis >= 0;
        return new SideInput(name, meta.ElementDataType, role, meta.Dimensions, meta.Dimensions.Length == 0 || sequence.BatchAxis < 0 ? -1 : two && timeFirst ? 1 : 0, two ? timeFirst ? 0 : 1 : -1);
    }
}
