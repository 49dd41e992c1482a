using System.Globalization;
using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using RnnService.Api.Errors;
using RnnService.Inference.Models;
using RnnService.Inference.Onnx;

namespace RnnService.Api.OpenInference;

/// <summary>The Open Inference Protocol, version 2, over REST, with the extensions that <c>GET /v2</c> names.</summary>
internal static class OpenInferenceEndpoints
{
    /// <summary>Where it lives; everything under it answers errors as <see cref="InferenceError"/>.</summary>
    public const string Root = "/v2";

    private const string Platform = "onnx_onnxv1";

    private static readonly string[] Extensions =
        ["binary_tensor_data", "classification", "model_configuration", "model_repository", "model_repository(unload_dependents)", "parameters", "statistics"];

    private static readonly ServerMetadata Server = new(
        "rnn-service", typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0], Extensions);

    public static void MapOpenInference(this IEndpointRouteBuilder routes)
    {
        var v2 = routes.MapGroup(Root).WithTags("Open Inference Protocol");
        v2.MapGet("", () => Json(Server, OpenInferenceJson.Readable.ServerMetadata))
            .WithName("ServerMetadata").WithSummary("Name, version and extensions of the server").Produces<ServerMetadata>();
        v2.MapGet("/health/live", () => Json(new ServerLive(true), OpenInferenceJson.Readable.ServerLive))
            .WithName("ServerLive").WithSummary("Whether the server answers").Produces<ServerLive>();
        v2.MapGet("/health/ready", Ready)
            .WithName("ServerReady").WithSummary("Whether every model has loaded and the server takes requests").Produces<ServerReady>().ProducesErrors(503);
        foreach (var (pattern, suffix) in Forms)
        {
            v2.MapGet(pattern, Metadata)
                .WithName($"ModelMetadata{suffix}").WithSummary("Inputs and outputs of a model").Produces<ModelMetadata>().ProducesErrors(404, 503);
            v2.MapGet($"{pattern}/ready", ModelIsReady)
                .WithName($"ModelReady{suffix}").WithSummary("Whether a model can be asked").Produces<ModelReady>().ProducesErrors(404, 503);
            v2.MapPost($"{pattern}/infer", (Delegate)routes.ServiceProvider.GetRequiredService<InferEndpoint>().InferAsync)
                .WithName($"ModelInfer{suffix}").WithSummary("Runs a model on tensors")
                .Accepts<InferDocument>(isOptional: true, "application/json", "application/octet-stream", "application/x-www-form-urlencoded")
                .Produces<InferAnswerDocument>().ProducesErrors(400, 404, 413, 415, 429, 503, 504);
        }
        ModelConfiguration.Map(v2);
        Statistics.Map(v2);
        RepositoryEndpoints.Map(v2, routes.ServiceProvider.GetRequiredService<RepositoryEndpoints>());
    }

    internal static readonly (string Pattern, string Suffix)[] Forms = [("/models/{model}", ""), ("/models/{model}/versions/{version}", "Version")];

    private static IResult Ready(ModelRepository repository, IHostApplicationLifetime lifetime)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return new ProblemResult(Problem.Unavailable("The server is shutting down; send requests to another replica.", 5));
        return repository.Ready
            ? Json(new ServerReady(true), OpenInferenceJson.Readable.ServerReady)
            : new ProblemResult(Problem.Unavailable("Not every model is ready; GET /health/ready says which and why.", 1));
    }

    private static IResult Metadata(HttpContext context, ModelRepository repository)
    {
        var (lease, problem) = ModelLease.Take(repository, context);
        if (problem is not null)
            return new ProblemResult(problem);
        using (lease)
        {
            var model = lease.Model;
            string[] versions = [.. repository.Versions(model.Name).Where(v => v.State == ModelState.Ready).Select(v => Text(v.Version))];
            return Json(new ModelMetadata(model.Name, versions, Platform, Describe(model.TensorInputs), Describe(model.TensorOutputs)), OpenInferenceJson.Readable.ModelMetadata);
        }
    }

    private static IResult ModelIsReady(HttpContext context, ModelRepository repository)
    {
        var (lease, problem) = ModelLease.Take(repository, context);
        if (problem is not null)
            return new ProblemResult(problem);
        using (lease)
            return Json(new ModelReady(lease.Model.Name, true), OpenInferenceJson.Readable.ModelReady);
    }

    private static TensorMetadata[] Describe(IEnumerable<TensorDescription> tensors) =>
        [.. tensors.Select(t => new TensorMetadata(t.Name, Core.Tensors.Datatypes.Name(t.Datatype!.Value), t.Shape))];

    internal static string Text(int version) => version.ToString(CultureInfo.InvariantCulture);

    internal static IResult Json<T>(T value, JsonTypeInfo<T> type) => TypedResults.Json(value, type);

    /// <summary>Says in the OpenAPI document that an endpoint may answer with these errors.</summary>
    internal static RouteHandlerBuilder ProducesErrors(this RouteHandlerBuilder endpoint, params ReadOnlySpan<int> statuses)
    {
        foreach (int status in statuses)
            endpoint.Produces<InferenceError>(status);
        return endpoint;
    }
}
