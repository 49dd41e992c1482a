using Microsoft.ML.OnnxRuntime;
using RnnService.Core;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;

namespace RnnService.Inference.Onnx;

/// <summary>Tells the outputs that score labels from states, attention and whatever else a graph answers.</summary>
internal static class HeadFinder
{
    /// <summary>The heads in the manifest's order, or else in the graph's. A head whose width the graph does not declare has width 0 until it has run.</summary>
    public static List<Head> Find(InferenceSession session, OnnxGraph graph, ModelManifest manifest, SequenceInput? sequence, List<Fault> faults, List<IgnoredOutput> ignored)
    {
        var heads = new List<Head>();
        var outputs = session.OutputMetadata;
        foreach (var (name, meta) in outputs)
        {
            if (manifest.Heads?.Any(h => h.Output == name) != false && WhyNoHead(name, meta, graph, sequence) is { } reason)
            {
                ignored.Add(new IgnoredOutput(name, reason));
                if (manifest.Heads?.ToList().FindIndex(h => h.Output == name) is { } stated)
                    faults.Add(new Fault($"/heads/{stated}/output", $"model.json says that the output \"{name}\" is a head, but in the graph it is {reason}; a head is floating [batch, labels]."));
            }
            else if (manifest.Heads is null)
                heads.Add(Head(name, meta, graph, sequence));
            else if (manifest.Heads.All(h => h.Output != name))
                ignored.Add(new IgnoredOutput(name, "not named in the heads of model.json"));
        }
        if (manifest.Heads is null)
            LeaveOutWhatOthersAreMadeFrom(graph, heads, ignored);
        for (int i = 0; i < manifest.Heads?.Count; i++)
        {
            var stated = manifest.Heads[i];
            if (!outputs.TryGetValue(stated.Output, out var meta))
                faults.Add(new Fault($"/heads/{i}/output", $"model.json names the output \"{stated.Output}\", but the graph has no such output; it has {Metadata.Describe(outputs)}."));
            else if (ignored.All(o => o.Output != stated.Output))
                heads.Add(Head(stated.Output, meta, graph, sequence) with { Activation = ActivationOf(graph, stated, i, faults) });
        }
        if (heads.Count == 0 && faults.Count == 0)
            faults.Add(new Fault("/heads", $"No output of the graph scores labels: {string.Join("; ", ignored.Select(o => $"\"{o.Output}\" is {o.Reason}"))}. A head is floating [batch, labels]."));
        return heads;
    }

    /// <summary>Logits and their softmax are one head, and features that are answered beside it are none.</summary>
    private static void LeaveOutWhatOthersAreMadeFrom(OnnxGraph graph, List<Head> heads, List<IgnoredOutput> ignored)
    {
        foreach (var head in heads.ToArray())
        {
            if (heads.Find(h => h.Output == graph.ActivatedFrom(head.Output)) is { } logits)
                ignored.Add(new IgnoredOutput(head.Output, $"the same head as \"{logits.Output}\""));
            else if (heads.Find(h => h != head && graph.IsComputedFrom(h.Output, head.Output)) is { } made)
                ignored.Add(new IgnoredOutput(head.Output, $"features, from which \"{made.Output}\" is computed"));
            else
                continue;
            heads.Remove(head);
        }
    }

    private static string? WhyNoHead(string name, NodeMetadata meta, OnnxGraph graph, SequenceInput? sequence)
    {
        if (!meta.IsTensor)
            return $"{Metadata.Describe(meta)}, no tensor{(graph.EndsIn(name) == "ZipMap" ? "; export with the option zipmap=False" : "")}";
        if (!Metadata.IsFloat(meta))
            return $"{Metadata.Describe(meta)}, which are no scores";
        var traced = graph[name];
        if (traced.IsState)
            return "a state of a recurrent node, with nothing that scores it";
        var dimensions = meta.Dimensions;
        var wide = Enumerable.Range(0, dimensions.Length).Where(i => dimensions[i] != 1).ToArray();
        if (sequence is not null && sequence.TimeAxis >= 0 && wide.Any(i => traced.AxisAt(i) == new Axis(sequence.Name, sequence.TimeAxis)) && sequence.DeclaredTime != 1)
            return $"{Metadata.Describe(meta)} with one value for each time step, such as attention or an answer a step";
        bool batched = sequence is null || sequence.BatchAxis >= 0;
        bool shaped = dimensions.Length is >= 1 and <= 3 && wide.Length <= (batched ? 2 : 1) && (!batched || dimensions.Length >= 2);
        return shaped ? null : $"{Metadata.Describe(meta)}, more than one number for each label";
    }

    private static Head Head(string name, NodeMetadata meta, OnnxGraph graph, SequenceInput? sequence)
    {
        var dimensions = meta.Dimensions;
        var traced = graph[name];
        int batch = -1;
        if (sequence is null || sequence.BatchAxis >= 0)
        {
            batch = Enumerable.Range(0, dimensions.Length).FirstOrDefault(i => sequence is not null && traced.AxisAt(i) == new Axis(sequence.Name, sequence.BatchAxis), -1);
            if (batch < 0)
                batch = dimensions.Length == 3 && dimensions[0] == 1 && dimensions[1] != 1 ? 1 : 0;   // [1, batch, labels], of a state that kept its axis of directions
        }
        int numbers = dimensions.Length - 1 == batch ? dimensions.Length - 2 : dimensions.Length - 1;
        if (dimensions.Length == 3 && batch == 0 && dimensions[2] == 1 && dimensions[1] != 1)
            numbers = 1;   // [batch, labels, 1]
        int width = Math.Max(0, dimensions[numbers]);
        var activation = graph.EndsIn(name) switch
        {
            "Softmax" => HeadActivation.Softmax,
            "LogSoftmax" => HeadActivation.LogSoftmax,
            "Sigmoid" or "HardSigmoid" => HeadActivation.Sigmoid,
            _ => HeadActivation.Logits,
        };
        return new Head(name, width == 1 ? 2 : width, 0, activation) { Numbers = width, Type = meta.ElementDataType, Rank = dimensions.Length, BatchAxis = batch, NumbersAxis = numbers };
    }

    private static HeadActivation ActivationOf(OnnxGraph graph, HeadManifest stated, int index, List<Fault> faults)
    {
        var end = graph.EndsIn(stated.Output);
        HeadActivation? found = end switch { "Softmax" => HeadActivation.Softmax, "LogSoftmax" => HeadActivation.LogSoftmax, "Sigmoid" or "HardSigmoid" => HeadActivation.Sigmoid, "Gemm" => HeadActivation.Logits, _ => null };
        var said = stated.Activation;
        if (said is not null && found is not null && said != found)
            faults.Add(new Fault($"/heads/{index}/activation", $"model.json says that the output \"{stated.Output}\" is {Name(said.Value)}, but in the graph it ends in {end}, so it is {Name(found.Value)}. Correct or remove \"activation\"."));
        return said ?? found ?? HeadActivation.Logits;
    }

    private static string Name(HeadActivation activation) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(activation.ToString());
}
