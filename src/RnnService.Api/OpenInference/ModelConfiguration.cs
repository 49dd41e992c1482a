using RnnService.Api.Errors;
using RnnService.Core.Tensors;
using RnnService.Inference.Models;
using RnnService.Inference.Onnx;

namespace RnnService.Api.OpenInference;

/// <summary>The model configuration extension: what Triton would call this model's configuration.</summary>
internal static class ModelConfiguration
{
    public static void Map(RouteGroupBuilder v2)
    {
        foreach (var (pattern, suffix) in OpenInferenceEndpoints.Forms)
        {
            v2.MapGet($"{pattern}/config", Get)
                .WithName($"ModelConfig{suffix}").WithSummary("The model's configuration in Triton's terms").Produces<ConfigDocument>().ProducesErrors(404, 503);
        }
    }

    private static IResult Get(HttpContext context, ModelRepository repository)
    {
        var (lease, problem) = ModelLease.Take(repository, context);
        using (lease)
            return problem is null ? OpenInferenceEndpoints.Json(ConfigDocument.Of(lease.Model), OpenInferenceJson.Readable.ConfigDocument) : new ProblemResult(problem);
    }
}

/// <summary>A model's configuration in Triton's terms.</summary>
/// <param name="Name">Name of the model.</param>
/// <param name="Platform">What Triton calls ONNX models.</param>
/// <param name="Backend">What Triton calls ONNX Runtime.</param>
/// <param name="VersionPolicy">All versions are served.</param>
/// <param name="MaxBatchSize">0: the dimensions below are whole, the batch included.</param>
/// <param name="Input">The inputs.</param>
/// <param name="Output">The outputs.</param>
/// <param name="InstanceGroup">How many runs there are at the same time.</param>
/// <param name="DefaultModelFilename">The file.</param>
public sealed record ConfigDocument(string Name, string Platform, string Backend, VersionPolicy VersionPolicy, int MaxBatchSize,
    IReadOnlyList<InputConfig> Input, IReadOnlyList<OutputConfig> Output, IReadOnlyList<InstanceGroup> InstanceGroup, string DefaultModelFilename)
{
    public static ConfigDocument Of(LoadedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new(model.Name, "onnxruntime_onnx", "onnxruntime", new(new()), 0,
            [.. model.TensorInputs.Select(i => new InputConfig(i.Name, TypeOf(i), "FORMAT_NONE", i.Shape, false, false, false))],
            [.. model.TensorOutputs.Select(o => new OutputConfig(o.Name, TypeOf(o), o.Shape, "", false))],
            [new InstanceGroup($"{model.Name}_0", "KIND_CPU", model.Workers)],
            "model.onnx");
    }

    private static string TypeOf(TensorDescription tensor) => tensor.Datatype == Datatype.Bytes ? "TYPE_STRING" : $"TYPE_{tensor.Datatype!.Value.Name()}";
}

/// <param name="All">No version is left out.</param>
public sealed record VersionPolicy(AllVersions All);

/// <summary>Has no settings.</summary>
public sealed record AllVersions;

/// <summary>An input; -1 is a dimension that varies.</summary>
public sealed record InputConfig(string Name, string DataType, string Format, IReadOnlyList<int> Dims, bool IsShapeTensor, bool AllowRaggedBatch, bool Optional);

/// <summary>An output; -1 is a dimension that varies.</summary>
public sealed record OutputConfig(string Name, string DataType, IReadOnlyList<int> Dims, string LabelFilename, bool IsShapeTensor);

/// <summary>Runs at the same time.</summary>
public sealed record InstanceGroup(string Name, string Kind, int Count);
