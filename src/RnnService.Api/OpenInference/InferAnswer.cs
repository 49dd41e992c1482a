using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using RnnService.Api.Errors;
using RnnService.Core.Tensors;
using RnnService.Inference.Models;
using RnnService.Inference.Tensors;

namespace RnnService.Api.OpenInference;

/// <summary>Writes the answer to an inference request: JSON, and behind it the data of the outputs that are wanted as binary data.</summary>
internal sealed class InferAnswer : IDisposable
{
    private static readonly JsonWriterOptions Options = new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly PooledBuffer _json = new(4096);
    private readonly List<ReadOnlyMemory<byte>> _binary = [];

    /// <summary>Answers, or says why the outputs cannot be answered in the form that is wanted.</summary>
    public static async ValueTask<Problem?> WriteAsync(HttpContext context, LoadedModel model, InferRequest request, TensorAnswer result)
    {
        using var answer = new InferAnswer();
        if (answer.Build(model, request, result) is { } fault)
            return Problem.Whole(400, "invalid-request", "The request is not valid.", fault);
        await answer.SendAsync(context.Response, context.RequestAborted);
        return null;
    }

    private string? Build(LoadedModel model, InferRequest request, TensorAnswer result)
    {
        using var json = new Utf8JsonWriter(_json, Options);
        json.WriteStartObject();
        json.WriteString("model_name"u8, model.Name);
        json.WriteString("model_version"u8, model.Version.ToString(CultureInfo.InvariantCulture));
        if (request.Id is { } id)
            json.WriteString("id"u8, id);
        json.WriteStartArray("outputs"u8);
        for (int i = 0; i < result.Outputs.Count; i++)
        {
            var wanted = request.Outputs.Count > 0 ? request.Outputs[i] : null;
            var tensor = result.Outputs[i];
            if (wanted is { Classes: > 0 })
            {
                if (Classification.Of(tensor, wanted.Classes, Classification.Labels(model, tensor.Name)) is not { } ranked)
                    return $"outputs[{i}] \"{tensor.Name}\": it is {tensor.Type.Name()}, whose values have no order to classify by; ask for it without classification.";
                tensor = ranked;
            }
            if (!TryWrite(json, tensor, wanted?.Binary ?? request.BinaryOutputs))
                return $"outputs[{i}] \"{tensor.Name}\": it holds bytes that are no text, which JSON cannot say; ask for it with the parameter binary_data.";
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return null;
    }

    private bool TryWrite(Utf8JsonWriter json, Tensor tensor, bool binary)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, tensor.Name);
        json.WriteString("datatype"u8, tensor.Type.Name());
        json.WriteStartArray("shape"u8);
        foreach (long size in tensor.Shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        if (binary)
        {
            json.WriteStartObject("parameters"u8);
            json.WriteNumber("binary_data_size"u8, tensor.Data.Length);
            json.WriteEndObject();
            _binary.Add(tensor.Data);
        }
        else
        {
            json.WritePropertyName("data"u8);
            if (!TensorJson.TryWriteData(json, tensor))
                return false;
        }
        json.WriteEndObject();
        return true;
    }

    private async ValueTask SendAsync(HttpResponse response, CancellationToken cancel)
    {
        response.ContentType = "application/json";
        if (_binary.Count > 0)
        {
            response.ContentType = "application/octet-stream";
            response.Headers[InferBody.HeaderLength] = _json.Length.ToString(CultureInfo.InvariantCulture);
        }
        response.ContentLength = _json.Length + _binary.Sum(b => (long)b.Length);
        await response.BodyWriter.WriteAsync(_json.Written, cancel);
        foreach (var data in _binary)
            await response.BodyWriter.WriteAsync(data, cancel);
    }

    public void Dispose() => _json.Dispose();
}
