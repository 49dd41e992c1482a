using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RnnService.Api.Tests.OpenInference;

/// <summary>Builds the tensors of sequences from nothing but what <c>GET /models/{model}</c> and <c>GET /v2/models/{model}</c> tell of a model.</summary>
/// <param name="model">The version's document.</param>
/// <param name="metadata">The protocol's metadata of the model.</param>
internal sealed class RawRequest(JsonElement model, JsonElement metadata)
{
    private readonly JsonElement[] _inputs = [.. metadata.GetProperty("inputs").EnumerateArray()];
    private readonly Dictionary<string, JsonElement> _roles = model.GetProperty("roles").EnumerateArray().ToDictionary(r => r.GetProperty("name").GetString()!);

    /// <summary>What the axes of the sequence are: batch, time, …</summary>
    private string[] Axes => [.. _roles.Values.Single(r => r.GetProperty("role").GetString() == "sequence").GetProperty("detail").GetString()!.Split('[', ']')[1].Split(", ")];

    private int[] SequenceShape => Shape(_inputs.Single(i => Role(i) == "sequence"));

    public bool HasBatch => Axes.Contains("batch");

    /// <summary>Rows that the graph insists on; 0 is any number.</summary>
    public int FixedRows => !HasBatch ? 1 : Math.Max(0, SequenceShape[Array.IndexOf(Axes, "batch")]);

    /// <summary>Time steps that the graph insists on; 0 is any number.</summary>
    public int FixedTime => Axes.Contains("time") ? Math.Max(0, SequenceShape[Array.IndexOf(Axes, "time")]) : 1;

    /// <summary>Whether the graph is told where sequences end, so that padding is possible.</summary>
    public bool Ends => _roles.Values.Any(r => r.GetProperty("role").GetString() is "lengths" or "mask");

    /// <summary>The request as JSON; rows beyond the sequences repeat them.</summary>
    public string Write(IReadOnlyList<BareSequence> sequences, int rows, int time, IEnumerable<string> outputs)
    {
        var tensors = _inputs.Select(i => Tensor(i, sequences, rows, time)).Select(t => $"{{{t.Head},\"data\":[{string.Join(',', t.Data)}]}}");
        return $"{{\"inputs\":[{string.Join(',', tensors)}],\"outputs\":[{string.Join(',', outputs.Select(o => $"{{\"name\":\"{o}\"}}"))}]}}";
    }

    /// <summary>The same with binary tensor data, and binary answers.</summary>
    public (string Json, byte[] Data) WriteBinary(IReadOnlyList<BareSequence> sequences, int rows, int time, IEnumerable<string> outputs)
    {
        var (heads, data) = (new List<string>(), new List<byte>());
        foreach (var (head, elements) in _inputs.Select(i => Tensor(i, sequences, rows, time)))
        {
            byte[] bytes = [.. elements.SelectMany(e => Bytes(head.Split("\"datatype\":\"")[1].TrimEnd('"'), e))];
            heads.Add($"{{{head},\"parameters\":{{\"binary_data_size\":{bytes.Length}}}}}");
            data.AddRange(bytes);
        }
        var wanted = outputs.Select(o => $"{{\"name\":\"{o}\",\"parameters\":{{\"binary_data\":true}}}}");
        return ($"{{\"inputs\":[{string.Join(',', heads)}],\"outputs\":[{string.Join(',', wanted)}]}}", [.. data]);
    }

    private (string Head, string[] Data) Tensor(JsonElement input, IReadOnlyList<BareSequence> sequences, int rows, int time)
    {
        var (name, type, shape) = (input.GetProperty("name").GetString()!, input.GetProperty("datatype").GetString()!, Shape(input));
        var axes = Role(input) switch
        {
            "sequence" => Axes,
            "lengths" => ["batch"],
            "mask" => MaskAxes,
            _ => shape.Length == 3 ? ["layers", "batch", "hidden"] : ["batch", "time"],   // states, and constants of ids
        };
        int[] sizes = [.. axes.Select((axis, d) => axis == "batch" ? rows : axis == "time" ? time : shape[d])];
        var data = new string[sizes.Aggregate(1, (a, b) => a * b)];
        for (int i = 0; i < data.Length; i++)
        {
            int rest = i, row = 0, step = 0, channel = 0;
            for (int d = sizes.Length - 1; d >= 0; d--)
            {
                int at = rest % sizes[d];
                rest /= sizes[d];
                row = axes[d] == "batch" ? at : row;
                step = axes[d] == "time" ? at : step;
                channel = axes[d] is "batch" or "time" ? channel : at;
            }
            data[i] = Element(input, type, sequences[row % sequences.Count], step, channel);
        }
        return ($"\"name\":\"{name}\",\"shape\":[{string.Join(',', sizes)}],\"datatype\":\"{type}\"", data);
    }

    /// <summary>PyTorch's Transformer takes ids with time first and a mask with batch first; everything else has one order.</summary>
    private string[] MaskAxes => model.GetProperty("name").GetString() == "transformer_time_major" ? ["batch", "time"] : [.. Axes.Where(a => a is "batch" or "time")];

    private string Element(JsonElement input, string type, BareSequence sequence, int step, int channel)
    {
        bool inside = step < sequence.Length;
        switch (Role(input))
        {
            case "sequence" when sequence.Text is not null:
                return JsonSerializer.Serialize(sequence.Text);
            case "sequence":
                double value = !inside ? 0 : sequence.Ids is not null ? sequence.Ids[step] : sequence.Features![step][channel];
                return value.ToString("R", CultureInfo.InvariantCulture);
            case "lengths":
                return sequence.Length.ToString(CultureInfo.InvariantCulture);
            case "mask":
                bool mark = inside != (_roles[input.GetProperty("name").GetString()!].GetProperty("detail").GetString() == "marks the padding");
                return type == "BOOL" ? (mark ? "true" : "false") : mark ? "1" : "0";
            default:
                return "0";
        }
    }

    private static byte[] Bytes(string type, string element) => type switch
    {
        "BOOL" => [element == "true" ? (byte)1 : (byte)0],
        "INT32" => BitConverter.GetBytes(int.Parse(element, CultureInfo.InvariantCulture)),
        "INT64" => BitConverter.GetBytes(long.Parse(element, CultureInfo.InvariantCulture)),
        "FP16" => BitConverter.GetBytes((Half)double.Parse(element, CultureInfo.InvariantCulture)),
        "FP32" => BitConverter.GetBytes(float.Parse(element, CultureInfo.InvariantCulture)),
        "FP64" => BitConverter.GetBytes(double.Parse(element, CultureInfo.InvariantCulture)),
        _ => [.. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(JsonSerializer.Deserialize<string>(element)!)), .. Encoding.UTF8.GetBytes(JsonSerializer.Deserialize<string>(element)!)],
    };

    private string Role(JsonElement input) => _roles[input.GetProperty("name").GetString()!].GetProperty("role").GetString()!;

    private static int[] Shape(JsonElement tensor) => [.. tensor.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())];
}
