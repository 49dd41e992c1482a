using System.Globalization;
using Microsoft.Extensions.Options;
using RnnService.Api.Configuration;
using RnnService.Api.Errors;
using RnnService.Api.Observability;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;
using RnnService.Inference.Tensors;

namespace RnnService.Api.OpenInference;

/// <summary>
/// <c>POST /v2/models/{model}/infer</c>. The way of a request: body (<see cref="InferBody"/>), tensors (<see cref="InferRequestReader"/>),
/// the engine (<see cref="LoadedModel.InferAsync"/>), JSON and binary data (<see cref="InferAnswer"/>).
/// </summary>
internal sealed class InferEndpoint(ModelRepository repository, BodyBudget bodies, IOptions<LimitsOptions> limits, IHostApplicationLifetime lifetime)
{
    private readonly LimitsOptions _limits = limits.Value;

    public async Task InferAsync(HttpContext context)
    {
        if (await TryInferAsync(context) is { } problem)
            await problem.WriteAsync(context);
    }

    private async Task<Problem?> TryInferAsync(HttpContext context)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return Draining;
        if (context.Request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
            return Problem.Whole(415, "unsupported-media-type", "The body is not of a type that is read here.", $"The Content-Encoding \"{encoding}\" is not read here; use gzip, deflate, br, or none.");
        var (lease, missing) = ModelLease.Take(repository, context);
        if (missing is not null)
            return missing;
        using (lease)
        using (var share = bodies.Open())
        using (var request = new InferRequest())
        {
            try
            {
                var (body, refused) = await InferBody.ReadAsync(context.Request, _limits.TensorBodyBytes, share, context.RequestAborted);
                if (refused is not null)
                    return refused;
                request.Own(body.Buffer);
                if (body.Raw)
                    InferRequestReader.ReadRaw(body, lease.Model, request);
                else
                    InferRequestReader.Read(body, request);
            }
            catch (InvalidRequestException e)
            {
                return Invalid(e.Message);
            }
            return await AnswerAsync(context, lease.Model, request);
        }
    }

    private async Task<Problem?> AnswerAsync(HttpContext context, LoadedModel model, InferRequest request)
    {
        var timeout = TimeSpan.FromMicroseconds(Math.Min(request.TimeoutMicroseconds ?? long.MaxValue, _limits.TimeoutMilliseconds * 1000L));
        string[] outputs = [.. request.Outputs.Select(o => o.Name)];
        using var answer = await model.InferAsync(request.Inputs, outputs, timeout, context.RequestAborted);
        if (answer.Outcome is RunOutcome.TimedOut or RunOutcome.Abandoned or RunOutcome.Unavailable)
            request.Forget();
        context.Features.Set(new PredictFacts { Model = model.Name, Version = model.Version, Sequences = answer.BatchSize, Queue = answer.QueueTime, Infer = answer.InferTime });
        switch (answer.Outcome)
        {
            case RunOutcome.Rejected or RunOutcome.Failed:
                return Invalid(answer.Detail!);
            case RunOutcome.QueueFull:
                return Problem.QueueFull(model.ExpectedWait);
            case RunOutcome.TimedOut:
                return Problem.Whole(504, "timeout", "The answer was not ready in time.",
                    string.Create(CultureInfo.InvariantCulture, $"The answer was not ready within {timeout.TotalMilliseconds:0.###} ms. Allow more time with the parameter timeout (microseconds), or send less at a time."));
            case RunOutcome.Unavailable:
                return Draining;
            case RunOutcome.Abandoned:
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;   // for the log and the metrics; nobody reads it
                context.Abort();
                return null;
            default:
                break;
        }
        context.Response.Headers["Server-Timing"] = ServerTiming(answer);
        return await InferAnswer.WriteAsync(context, model, request, answer);
    }

    private static string ServerTiming(TensorAnswer answer) => string.Create(
        CultureInfo.InvariantCulture, $"queue;dur={answer.QueueTime.TotalMilliseconds:F3}, infer;dur={answer.InferTime.TotalMilliseconds:F3}");

    private static Problem Invalid(string detail) => Problem.Whole(400, "invalid-request", "The request is not valid.", detail);

    private static readonly Problem Draining = Problem.Unavailable("The model is going away or the server is shutting down; send the request to another replica, or again shortly.", 5);
}
