using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;
using RnnService.Api.Configuration;
using RnnService.Api.Errors;
using RnnService.Api.Observability;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Api.Predict;

/// <summary>
/// <c>POST /predict</c> and its forms. The way of a request: headers, body (<see cref="RequestBody"/>), sequences of ids
/// (<see cref="PredictRequestReader"/>), the engine (<see cref="Classifier.RunAsync"/>), labels and JSON (<see cref="AnswerWriter"/>).
/// </summary>
internal sealed partial class PredictEndpoints(ModelRepository repository, IOptions<LimitsOptions> limits, IHostApplicationLifetime lifetime, ILogger<PredictEndpoints> logger)
{
    private readonly LimitsOptions _limits = limits.Value;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<PredictEndpoints>();
        foreach (var (pattern, name) in Forms)
        {
            routes.MapPost(pattern, (Delegate)endpoints.PredictAsync)
                .WithTags("Predict").WithName(name).WithSummary("Labels for one or more sequences")
                .Accepts<PredictBody>("application/json").Produces<PredictAnswer>().ProducesProblems(400, 404, 406, 413, 415, 429, 503, 504);
        }
    }

    private static readonly (string Pattern, string Name)[] Forms =
    [
        ("/predict", "Predict"),
        ("/models/{model}/predict", "PredictWithModel"),
        ("/models/{model}/versions/{version}/predict", "PredictWithVersion"),
    ];

    private async Task PredictAsync(HttpContext context)
    {
        var problem = MediaTypes.Check(context.Request) ?? (lifetime.ApplicationStopping.IsCancellationRequested ? Draining : null);
        if (problem is null)
        {
            var (body, tooLarge) = await RequestBody.ReadAsync(context.Request, _limits.BodyBytes, context.RequestAborted);
            problem = tooLarge;
            if (problem is null)
            {
                using var request = Read(body, context, out problem);
                context.Request.BodyReader.AdvanceTo(body.End);
                if (request is not null)
                    problem = await AnswerAsync(request, context);
            }
        }
        if (problem is not null)
            await problem.WriteAsync(context);
    }

    private PredictRequest? Read(in ReadOnlySequence<byte> body, HttpContext context, out Problem? problem)
    {
        var model = (string?)context.GetRouteValue("model");
        var version = (string?)context.GetRouteValue("version");
        if (body.IsSingleSegment)
            return PredictRequestReader.Read(body.FirstSpan, model, version, repository, _limits, out problem);
        int length = checked((int)body.Length);
        var joined = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            body.CopyTo(joined);
            return PredictRequestReader.Read(joined.AsSpan(0, length), model, version, repository, _limits, out problem);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined);
        }
    }

    private async Task<Problem?> AnswerAsync(PredictRequest request, HttpContext context)
    {
        long began = Stopwatch.GetTimestamp();
        int milliseconds = Math.Min(request.TimeoutMilliseconds ?? int.MaxValue, _limits.TimeoutMilliseconds);
        var sequences = request.Sequences;
        var outcome = await request.Classifier.RunAsync(sequences, TimeSpan.FromMilliseconds(milliseconds), context.RequestAborted);
        var facts = new PredictFacts { Model = request.Model.Name, Version = request.Model.Version, Sequences = request.Count, Queue = sequences.QueueTime, Infer = sequences.InferTime };
        context.Features.Set(facts);
        if (outcome != RunOutcome.Done)
            request.Model.Statistics.RecordFailure(Stopwatch.GetElapsedTime(began));
        switch (outcome)
        {
            case RunOutcome.QueueFull:
                return Problem.QueueFull(request.Classifier.ExpectedWait);
            case RunOutcome.TimedOut:
                return Problem.TimedOut(milliseconds);
            case RunOutcome.Unavailable:
                return Draining;
            case RunOutcome.Abandoned:
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;   // for the log and the metrics; nobody reads it
                context.Abort();
                return null;
            case RunOutcome.Failed:
                return Problem.OfStatus(500, context.Request);
            default:
                break;
        }

        var format = AnswerFormat.Of(request.Model);
        var writer = format.Rent();
        long started = Stopwatch.GetTimestamp();
        if (!writer.Write(request))
        {
            LogNoNumbers(logger, request.Model.Name, request.Model.Version, context.TraceIdentifier);
            return Problem.OfStatus(500, context.Request);
        }
        facts.Decode = Stopwatch.GetElapsedTime(started);
        request.Model.Statistics.RecordRequest(request.Count, Stopwatch.GetElapsedTime(began), sequences.QueueTime, default, sequences.InferTime, facts.Decode);
        var response = context.Response;
        response.ContentType = "application/json";
        response.ContentLength = writer.Written.Length;
        response.Headers["Server-Timing"] = ServerTiming(sequences, facts.Decode);
        await response.BodyWriter.WriteAsync(writer.Written, context.RequestAborted);
        format.Return(writer);
        return null;
    }

    private static string ServerTiming(SequenceRequest request, TimeSpan decode) => string.Create(
        CultureInfo.InvariantCulture,
        $"queue;dur={request.QueueTime.TotalMilliseconds:F3}, batch;desc=\"{request.BatchRows}x{request.BatchTime}\", infer;dur={request.InferTime.TotalMilliseconds:F3}, decode;dur={decode.TotalMilliseconds:F3}");

    [LoggerMessage(EventId = 4, Level = LogLevel.Error, Message = "Model {Model} version {Version} answered with logits that are no numbers, request {RequestId}")]
    private static partial void LogNoNumbers(ILogger logger, string model, int version, string requestId);

    private static readonly Problem Draining = Problem.Unavailable("The server is shutting down; send the request to another replica, or again shortly.", 5);
}
