using RnnService.Core.Batching;
using RnnService.Core.Features;
using RnnService.Core.Taxonomy;
using RnnService.Core.Text;
using RnnService.Inference.Batching;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Models;

/// <summary>What a model is to <c>POST /predict</c>: how its sequences are read and run together, and how its heads become labels. Immutable; safe for concurrent use.</summary>
public sealed class Classifier : IDisposable
{
    private readonly OnnxRunner _runner;
    private readonly DynamicBatcher _batcher;

    internal Classifier(OnnxRunner runner, DynamicBatcher batcher)
    {
        _runner = runner;
        _batcher = batcher;
    }

    /// <summary>Where the labels have their logits in a row.</summary>
    public required ScoreMap Scores { get; init; }

    /// <summary>The labels.</summary>
    public LabelTree Tree => Scores.Tree;

    /// <summary>Turns raw features into what the graph takes; null for a model that takes none.</summary>
    public FeatureTransform? Features { get; init; }

    /// <summary>How longer sequences are cut; null when they are not.</summary>
    public WindowCut? Windows { get; init; }

    /// <summary>Longest sequence that a caller may send, in time steps; with windows any length that the server allows.</summary>
    public int LongestItem => Windows is null ? MaxLength : int.MaxValue;

    /// <summary>Turns tokens into ids; null for a model that takes none.</summary>
    public Vocabulary? Vocabulary { get; init; }

    /// <summary>Ids up to this minus 1 are valid; null when any id is.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>The smallest valid id: 0, or 1 where the graph takes 0 for padding and nothing else.</summary>
    public int MinId { get; init; }

    /// <summary>Longest sequence that is accepted, in time steps.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Shortest sequence that is accepted: 1, but where the graph needs more steps, or has frozen time and cannot be padded.</summary>
    public int MinLength { get; init; } = 1;

    /// <summary>Decoding of requests that name none.</summary>
    public required Decoding Decoding { get; init; }

    /// <summary>Threshold of requests that name none, 0 to 1.</summary>
    public required double Threshold { get; init; }

    /// <summary>How the graph is run, and why.</summary>
    public required BatchMode Mode { get; init; }

    /// <summary>Which sequences may run together.</summary>
    public required BatchPolicy Policy { get; init; }

    /// <summary>What batches cost on this machine.</summary>
    public required BatchCosts Costs { get; init; }

    /// <summary>Batches that run at the same time.</summary>
    public required int Workers { get; init; }

    /// <summary>What goes in and comes out.</summary>
    internal ModelSignature Signature => _runner.Signature;

    /// <summary>The outputs that score labels, in the order of a row of logits.</summary>
    public IReadOnlyList<Head> Heads => Signature.Heads;

    /// <summary>What a time step is.</summary>
    public SequenceKind Kind => Signature.Sequence.Kind;

    /// <summary>Values of a time step as the graph takes them: 1 but for features.</summary>
    public int Width => Signature.Sequence.Width;

    /// <summary>What has been done so far.</summary>
    public BatchCounters Counters => _batcher.Counters;

    /// <summary>Whether the queue is full, so that a request need not be read to be refused.</summary>
    public bool IsRefusing => _batcher.IsRefusing;

    /// <summary>How long a request that comes now would wait for its turn.</summary>
    public TimeSpan ExpectedWait => _batcher.ExpectedWait;

    /// <summary>A request for sequences of the kind that the graph takes.</summary>
    public SequenceRequest NewRequest() => new(Kind switch
    {
        SequenceKind.Features => new Sequences<float>(Width),
        SequenceKind.Text => new Sequences<string>(),
        _ => new Sequences<int>(),
    });

    /// <summary>Turns a row of <see cref="SequenceRequest.Numbers"/>, in place and once, into logits.</summary>
    public void ToLogits(Span<float> row)
    {
        foreach (var head in Signature.Heads)
            head.ToLogits(row.Slice(head.Offset, head.Width));
    }

    /// <summary>Runs the sequences of one request. Its sequences must be non-empty, within <see cref="MaxLength"/>, their ids within <see cref="VocabularySize"/>.</summary>
    /// <param name="request">Receives the heads' numbers.</param>
    /// <param name="timeout">How long the caller is ready to wait.</param>
    /// <param name="callerGone">Set when nobody waits for the answer any more.</param>
    public ValueTask<RunOutcome> RunAsync(SequenceRequest request, TimeSpan timeout, CancellationToken callerGone) =>
        _batcher.RunAsync(request, timeout, callerGone);

    /// <summary>Whether no batch runs.</summary>
    internal bool IsIdle => _batcher.IsIdle;

    public void Dispose()
    {
        _batcher.Dispose();
        if (IsIdle)
            _runner.Dispose();
    }
}
