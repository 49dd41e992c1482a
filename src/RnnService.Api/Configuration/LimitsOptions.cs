using Microsoft.Extensions.Options;

namespace RnnService.Api.Configuration;

/// <summary>Configuration section <c>Limits</c>: what one request may ask for.</summary>
public sealed class LimitsOptions
{
    public const string Section = "Limits";

    /// <summary>Largest request body, in bytes, but under <c>/v2</c>.</summary>
    public int BodyBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Largest request body with raw tensors, under <c>/v2</c>, in bytes; compressed ones count as they are decompressed.</summary>
    public int TensorBodyBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Most bytes of such bodies that are held at the same time, of all requests together; at least <see cref="TensorBodyBytes"/>. What would go over it is refused.</summary>
    public long TensorBytesInFlight { get; set; } = 512 * 1024 * 1024;

    /// <summary>Most sequences in one request.</summary>
    public int Sequences { get; set; } = 1024;

    /// <summary>Longest sequence, in time steps; a model may state a smaller one.</summary>
    public int SequenceLength { get; set; } = 4096;

    /// <summary>Longest time that a request may take, in milliseconds; <c>timeout_ms</c> can only shorten it.</summary>
    public int TimeoutMilliseconds { get; set; } = 30_000;
}

/// <summary>Lists every fault of the section at once; each says what to do.</summary>
public sealed class LimitsOptionsValidator : IValidateOptions<LimitsOptions>
{
    public ValidateOptionsResult Validate(string? name, LimitsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<string>();
        Check(nameof(options.BodyBytes), options.BodyBytes, 1024, 1 << 30);
        Check(nameof(options.TensorBodyBytes), options.TensorBodyBytes, 1024, 1 << 30);
        if (options.TensorBytesInFlight < options.TensorBodyBytes)
            faults.Add($"{LimitsOptions.Section}:{nameof(options.TensorBytesInFlight)}: {options.TensorBytesInFlight} is less than TensorBodyBytes, {options.TensorBodyBytes}, so that the largest body would never fit; use as much or more.");
        Check(nameof(options.Sequences), options.Sequences, 1, 1 << 20);
        Check(nameof(options.SequenceLength), options.SequenceLength, 1, 1 << 20);
        Check(nameof(options.TimeoutMilliseconds), options.TimeoutMilliseconds, 1, 3_600_000);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void Check(string setting, int value, int least, int most)
        {
            if (value < least || value > most)
                faults.Add($"{LimitsOptions.Section}:{setting}: {value} is out of range; use {least} to {most}.");
        }
    }
}
