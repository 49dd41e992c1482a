using System.Globalization;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Api.Observability;

/// <summary><c>GET /metrics</c>: what the operator's graphs are drawn from. Ratios are left to queries: padding efficiency is tokens / padded tokens.</summary>
internal static class MetricsEndpoint
{
    private static readonly (string Name, string Help, Func<BatchCounters, double> Value)[] Counters =
    [
        ("rnn_sequences_admitted_total", "Sequences admitted to the queue.", c => c.Admitted),
        ("rnn_sequences_answered_total", "Sequences that ran and were answered.", c => c.Answered),
        ("rnn_sequences_refused_total", "Sequences of requests that were read and then refused because the queue was full. Requests refused unread count in rnn_http_requests_total only.", c => c.Refused),
        ("rnn_sequences_dropped_total", "Sequences whose caller went away or whose time was over.", c => c.Dropped),
        ("rnn_sequences_failed_total", "Sequences of requests on which the graph failed.", c => c.Failed),
        ("rnn_batches_total", "Batches that ran.", c => c.Batches),
        ("rnn_tokens_total", "Time steps of the sequences that ran.", c => c.Tokens),
        ("rnn_padded_tokens_total", "Rows x time steps of the batches that ran, padding included.", c => c.PaddedTokens),
        ("rnn_infer_seconds_total", "Time that batches ran.", c => c.InferMicroseconds / 1e6),
        ("rnn_infer_predicted_seconds_total", "Time that the learned costs predicted for them.", c => c.PredictedMicroseconds / 1e6),
    ];

    public static void MapMetrics(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/metrics", Write).WithTags("Health").WithName("Metrics").WithSummary("Counters in the Prometheus text format").Produces<string>(200, "text/plain");

    private static IResult Write(ModelRepository repository, RequestMetrics requests)
    {
        var text = new PrometheusText();
        var versions = repository.All.SelectMany(m => m.Value).ToArray();
        text.Metric("rnn_model_info", "gauge", "Versions of models: their state, and the mode in which they batch.");
        foreach (var v in versions)
            text.Sample("rnn_model_info", 1, ("model", v.Name), ("version", Number(v.Version)), ("state", v.State.ToString().ToLowerInvariant()), ("mode", v.Model?.Classifier?.Mode.Name ?? ""));

        text.Metric("rnn_model_versions", "gauge", "Versions of models by state.");
        foreach (var state in Enum.GetValues<ModelState>())
            text.Sample("rnn_model_versions", versions.Count(v => v.State == state), ("state", state.ToString().ToLowerInvariant()));
        var done = repository.Counters;
        foreach (var (name, help, value) in new[]
        {
            ("rnn_model_loads_total", "Versions that were loaded.", done.Loads),
            ("rnn_model_load_failures_total", "Versions that could not be loaded.", done.FailedLoads),
            ("rnn_model_unloads_total", "Versions that were replaced, removed or unloaded on request.", done.Unloads),
            ("rnn_repository_scans_total", "Looks at the model repository for changes.", done.Scans),
        })
        {
            text.Metric(name, "counter", help);
            text.Sample(name, value);
        }

        var ready = versions.Where(v => v.Model?.Classifier is not null).Select(v => (Model: v.Model!, v.Model!.Classifier!.Counters)).ToArray();
        foreach (var (name, help, value) in Counters)
        {
            text.Metric(name, "counter", help);
            foreach (var (model, counters) in ready)
                text.Sample(name, value(counters), ("model", model.Name), ("version", Number(model.Version)));
        }
        text.Metric("rnn_queue_sequences", "gauge", "Sequences that wait or run.");
        foreach (var (model, counters) in ready)
            text.Sample("rnn_queue_sequences", counters.Queued, ("model", model.Name), ("version", Number(model.Version)));
        text.Metric("rnn_queue_wait_seconds", "gauge", "How long a sequence admitted now would wait, by the measured drain rate.");
        foreach (var (model, _) in ready)
            text.Sample("rnn_queue_wait_seconds", model.Classifier!.ExpectedWait.TotalSeconds, ("model", model.Name), ("version", Number(model.Version)));

        requests.WriteTo(text);
        text.Metric("process_resident_memory_bytes", "gauge", "Resident memory.");
        text.Sample("process_resident_memory_bytes", Environment.WorkingSet);
        text.Metric("dotnet_gc_collections_total", "counter", "Garbage collections.");
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
            text.Sample("dotnet_gc_collections_total", GC.CollectionCount(generation), ("generation", Number(generation)));
        text.Metric("dotnet_gc_allocated_bytes_total", "counter", "Bytes allocated on the managed heap.");
        text.Sample("dotnet_gc_allocated_bytes_total", GC.GetTotalAllocatedBytes());
        return TypedResults.Text(text.ToString(), PrometheusText.ContentType);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
