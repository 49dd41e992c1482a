using Microsoft.Extensions.Options;

namespace RnnService.Inference.Batching;

/// <summary>Configuration section <c>Batching</c>: how sequences of different requests are joined.</summary>
public sealed class BatchingOptions : BatchingSettings
{
    public const string Section = "Batching";

    /// <summary>Settings of single models, by name; what one leaves out is as above.</summary>
    public Dictionary<string, BatchingSettings> Models { get; } = new(StringComparer.Ordinal);

    /// <summary>The settings that count for a model.</summary>
    public BatchingSettings For(string model)
    {
        var own = Models.GetValueOrDefault(model);
        return new BatchingSettings
        {
            Workers = own?.Workers ?? Workers ?? Environment.ProcessorCount,
            MaxRows = own?.MaxRows ?? MaxRows ?? 64,
            MaxPaddedTokens = own?.MaxPaddedTokens ?? MaxPaddedTokens ?? 8192,
            WaitMilliseconds = own?.WaitMilliseconds ?? WaitMilliseconds ?? 50,
            QueueSequences = own?.QueueSequences ?? QueueSequences ?? 8192,
            QueueMilliseconds = own?.QueueMilliseconds ?? QueueMilliseconds ?? 2000,
        };
    }
}

/// <summary>Settings of one batcher; null is the server's default.</summary>
public class BatchingSettings
{
    /// <summary>Batches that run at the same time. Default: one a processor; .NET counts the cgroup's CPU limit, not the host's processors.</summary>
    public int? Workers { get; set; }

    /// <summary>Most rows of a batch. Default 64.</summary>
    public int? MaxRows { get; set; }

    /// <summary>Most padded tokens, rows x longest, of a batch. Default 8192. A single longer sequence runs alone.</summary>
    public int? MaxPaddedTokens { get; set; }

    /// <summary>A sequence that has waited this long goes before all that have not. Default 50.</summary>
    public int? WaitMilliseconds { get; set; }

    /// <summary>Most sequences that wait; a request that would go over it is refused whole, but a request of any size is taken when nothing else waits. Default 8192.</summary>
    public int? QueueSequences { get; set; }

    /// <summary>Longest wait that the queue may stand for, by the measured drain rate; beyond it requests are refused. Default 2000.</summary>
    public int? QueueMilliseconds { get; set; }
}

/// <summary>Lists every fault of the section at once.</summary>
public sealed class BatchingOptionsValidator : IValidateOptions<BatchingOptions>
{
    public ValidateOptionsResult Validate(string? name, BatchingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<string>();
        Check("", options);
        foreach (var (model, settings) in options.Models)
            Check($"Models:{model}:", settings);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void Check(string prefix, BatchingSettings s)
        {
            Range(nameof(s.Workers), s.Workers, 1, 256);
            Range(nameof(s.MaxRows), s.MaxRows, 1, 4096);
            Range(nameof(s.MaxPaddedTokens), s.MaxPaddedTokens, 1, 1 << 22);
            Range(nameof(s.WaitMilliseconds), s.WaitMilliseconds, 1, 60_000);
            Range(nameof(s.QueueSequences), s.QueueSequences, 1, 1 << 20);
            Range(nameof(s.QueueMilliseconds), s.QueueMilliseconds, 1, 600_000);

            void Range(string setting, int? value, int least, int most)
            {
                if (value < least || value > most)
                    faults.Add($"{BatchingOptions.Section}:{prefix}{setting}: {value} is out of range; use {least} to {most}.");
            }
        }
    }
}
