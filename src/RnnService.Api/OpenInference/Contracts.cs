using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RnnService.Api.OpenInference;

/// <summary>The body of every error of the Open Inference Protocol.</summary>
/// <param name="Error">What is wrong and the remedy.</param>
public sealed record InferenceError(string Error);

/// <param name="Live">Whether the server answers.</param>
public sealed record ServerLive(bool Live);

/// <param name="Ready">Whether every model that must load has loaded.</param>
public sealed record ServerReady(bool Ready);

/// <param name="Name">Name of the model.</param>
/// <param name="Ready">Whether it can be asked.</param>
public sealed record ModelReady(string Name, bool Ready);

/// <param name="Name">Name of the server.</param>
/// <param name="Version">Version of the server.</param>
/// <param name="Extensions">The extensions of the protocol that it offers.</param>
public sealed record ServerMetadata(string Name, string Version, IReadOnlyList<string> Extensions);

/// <param name="Name">Name of the input or output.</param>
/// <param name="Datatype">Type of its elements, for example <c>FP32</c>.</param>
/// <param name="Shape">Its dimensions; -1 is one that varies.</param>
public sealed record TensorMetadata(string Name, string Datatype, IReadOnlyList<int> Shape);

/// <param name="Name">Name of the model.</param>
/// <param name="Versions">Its versions that are ready.</param>
/// <param name="Platform">What runs it: <c>onnx_onnxv1</c>.</param>
/// <param name="Inputs">Every input must be in a request.</param>
/// <param name="Outputs">Those that are tensors.</param>
public sealed record ModelMetadata(string Name, IReadOnlyList<string> Versions, string Platform, IReadOnlyList<TensorMetadata> Inputs, IReadOnlyList<TensorMetadata> Outputs);

/// <summary>An inference request. Binary data of inputs follow the JSON when the header Inference-Header-Content-Length says how long it is.</summary>
/// <param name="Id">Comes back in the answer.</param>
/// <param name="Parameters"><c>timeout</c> in microseconds, <c>binary_data_output</c>; others are ignored.</param>
/// <param name="Inputs">Every input of the model.</param>
/// <param name="Outputs">The wanted outputs; all when left out.</param>
public sealed record InferDocument(string? Id, IReadOnlyDictionary<string, JsonElement>? Parameters, IReadOnlyList<InputTensor> Inputs, IReadOnlyList<OutputRequest>? Outputs);

/// <param name="Name">Name of the model's input.</param>
/// <param name="Shape">Sizes of its dimensions, batch included.</param>
/// <param name="Datatype">Type of its elements.</param>
/// <param name="Parameters"><c>binary_data_size</c>: the data are so many bytes behind the JSON.</param>
/// <param name="Data">The elements, flat in row-major order or nested to the shape.</param>
public sealed record InputTensor(string Name, IReadOnlyList<long> Shape, string Datatype, IReadOnlyDictionary<string, JsonElement>? Parameters, IReadOnlyList<JsonElement>? Data);

/// <param name="Name">Name of the model's output.</param>
/// <param name="Parameters"><c>binary_data</c>: as binary data behind the JSON; <c>classification</c>: so many of the largest values with index and label instead.</param>
public sealed record OutputRequest(string Name, IReadOnlyDictionary<string, JsonElement>? Parameters);

/// <param name="ModelName">The model that answered.</param>
/// <param name="ModelVersion">Its version.</param>
/// <param name="Id">The request's.</param>
/// <param name="Outputs">The outputs; data in row-major order, NaN and Infinity as JSON has no word for them.</param>
public sealed record InferAnswerDocument(string ModelName, string ModelVersion, string? Id, IReadOnlyList<InputTensor> Outputs);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(InferenceError))]
[JsonSerializable(typeof(ServerLive))]
[JsonSerializable(typeof(ServerReady))]
[JsonSerializable(typeof(ModelReady))]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(ModelMetadata))]
[JsonSerializable(typeof(StatisticsDocument))]
[JsonSerializable(typeof(ConfigDocument))]
[JsonSerializable(typeof(IReadOnlyList<IndexEntry>))]
internal sealed partial class OpenInferenceJson : JsonSerializerContext
{
    /// <summary>Leaves quotes as they are: these answers are never read as HTML.</summary>
    public static OpenInferenceJson Readable => field ??= new(new JsonSerializerOptions(Default.Options!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
