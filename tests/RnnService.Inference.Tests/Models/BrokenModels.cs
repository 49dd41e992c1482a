namespace RnnService.Inference.Tests.Models;

/// <summary>Models that cannot be served, each for another reason, beside one that can.</summary>
public sealed class BrokenModels : IAsyncLifetime
{
    public const string Sound = "sound";

    private readonly ModelFolders _folders = new();
    private RunningRepository? _running;

    /// <summary>Name of each model and what the reason must hold.</summary>
    public static TheoryData<string, string[]> All => new()
    {
        { "vocabulary-missing", ["vocab.txt", "not in the folder"] },
        { "vocabulary-too-short", ["vocab.txt has", "entries", "rows"] },
        { "vocabulary-repeats", ["vocab.txt line", "repeats"] },
        { "label-missing", ["\"fine\"", "labels.json", "wide"] },
        { "level-missing", ["labels.json has 1 level(s)", "none named \"fine\""] },
        { "labels-no-json", ["labels.json"] },
        { "labels-null", ["labels.json", "null"] },
        { "field-unknown", ["model.json", "colour"] },
        { "head-unknown", ["/heads", "names the output \"middle\"", "no such output", "\"coarse\""] },
        { "head-null", ["model.json", "null"] },
        { "level-of-no-head", ["/heads", "\"fine\""] },
        { "input-unknown", ["/input", "names the input \"words\"", "no such input", "\"input_ids\""] },
        { "input-of-wrong-kind", ["/input", "\"lengths\"", "token ids"] },
        { "several-faults", ["/decoding", "/threshold", "/max_length", "/tree/0/label"] },
        { "graph-cut-in-half", ["model.onnx cannot be loaded"] },
        { "graph-without-its-last-byte", ["model.onnx cannot be loaded"] },
        { "graph-of-one-byte", ["model.onnx cannot be loaded"] },
        { "graph-empty", ["model.onnx cannot be loaded"] },
        { "graph-is-text", ["model.onnx cannot be loaded"] },
        { "graph-is-zeros", ["model.onnx cannot be loaded"] },
        { "graph-names-a-tensor-twice", ["a"] },
    };

    internal RunningRepository Running => _running!;

    public async ValueTask InitializeAsync()
    {
        File.Delete(Path.Combine(_folders.Add("vocabulary-missing"), "vocab.txt"));
        _folders.AddChanged("vocabulary-too-short", "vocab.txt", t => t[..t.TrimEnd().LastIndexOf('\n')]);
        _folders.AddChanged("vocabulary-repeats", "vocab.txt", t => t + "<unk>\n");
        _folders.AddChanged("label-missing", "labels.json", t => Compact(t).Replace("""{"label":"ABBR:abb"},""", "", StringComparison.Ordinal));
        _folders.AddChanged("level-missing", "labels.json", _ => """{"levels":["coarse"],"tree":[{"label":"a"},{"label":"b"},{"label":"c"},{"label":"d"},{"label":"e"},{"label":"f"}]}""");
        _folders.AddChanged("labels-no-json", "labels.json", t => t[..^20]);
        _folders.AddChanged("labels-null", "labels.json", _ => """{"levels":["coarse","fine"],"tree":[null]}""");
        _folders.AddChanged("field-unknown", "model.json", t => """{"colour":"red",""" + t.TrimStart()[1..]);
        _folders.AddChanged("head-unknown", "model.json", _ => """{"heads":[{"output":"coarse"},{"output":"middle"}]}""");
        _folders.AddChanged("head-null", "model.json", _ => """{"heads":[null]}""");
        _folders.AddChanged("level-of-no-head", "model.json", _ => """{"heads":[{"output":"coarse","level":"coarse"},{"output":"fine","level":"finest"}]}""");
        _folders.AddChanged("input-unknown", "model.json", _ => """{"input":"words"}""");
        _folders.AddChanged("input-of-wrong-kind", "model.json", _ => """{"input":"lengths"}""");
        _folders.AddChanged("several-faults", "model.json", _ => """{"decoding":"best","threshold":2,"max_length":0}""");
        File.WriteAllText(Path.Combine(_folders.Root, "several-faults", "1", "labels.json"), """{"levels":["coarse"],"tree":[{"label":""}]}""");
        var graph = await File.ReadAllBytesAsync(ModelFolders.Shipped("model.onnx"));
        AddGraph("graph-cut-in-half", graph.AsSpan(0, graph.Length / 2));
        AddGraph("graph-without-its-last-byte", graph.AsSpan(0, graph.Length - 1));
        AddGraph("graph-of-one-byte", graph.AsSpan(0, 1));
        AddGraph("graph-empty", []);
        AddGraph("graph-is-text", "This is no model."u8);
        AddGraph("graph-is-zeros", new byte[1000]);
        AddGraph("graph-names-a-tensor-twice", [0x3A, 10, 0x2A, 3, 0x42, 1, (byte)'a', 0x2A, 3, 0x42, 1, (byte)'a']);
        _folders.Add(Sound);
        _running = await RunningRepository.StartAsync(_folders.Root);
    }

    public async ValueTask DisposeAsync()
    {
        await _running!.DisposeAsync();
        _folders.Dispose();
    }

    private void AddGraph(string model, ReadOnlySpan<byte> graph) => File.WriteAllBytes(Path.Combine(_folders.Add(model), "model.onnx"), graph);

    private static string Compact(string json) => string.Concat(json.Where(c => !char.IsWhiteSpace(c)));
}
