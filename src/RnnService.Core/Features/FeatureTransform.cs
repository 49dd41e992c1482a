using RnnService.Core.Manifests;

namespace RnnService.Core.Features;

/// <summary>
/// From the raw values of a sequence to what the graph takes: missing values are filled in the units of the raw values,
/// then (value - mean) / standard deviation, then clipping. Immutable; safe for concurrent use.
/// </summary>
public sealed class FeatureTransform
{
    private readonly double[] _mean;
    private readonly double[] _std;
    private readonly double _clip;

    private FeatureTransform(int channels, FeaturesManifest? features)
    {
        Channels = channels;
        Missing = features?.Missing ?? MissingValues.Refuse;
        _mean = features?.Mean?.ToArray() ?? new double[channels];
        _std = features?.Std?.ToArray() ?? [.. Enumerable.Repeat(1.0, channels)];
        _clip = features?.Clip ?? float.MaxValue;   // without a stated limit still finite: a tiny deviation must not make an infinity
    }

    /// <summary>F, the channels of a raw sequence.</summary>
    public int Channels { get; }

    /// <summary>What stands for a missing value.</summary>
    public MissingValues Missing { get; }

    /// <summary>Values of a time step as the graph takes it: F, or 2 F with <see cref="MissingValues.Mask"/>.</summary>
    public int Width => Missing == MissingValues.Mask ? 2 * Channels : Channels;

    /// <summary>Makes the transform and checks that the manifest and the graph agree.</summary>
    /// <param name="features">What <c>model.json</c> says; null when it says nothing.</param>
    /// <param name="width">Values of a time step as the graph declares them; null where the graph leaves them open.</param>
    /// <param name="faults">Receives what disagrees, with pointers into <c>model.json</c>.</param>
    /// <returns>Null when faults were added.</returns>
    public static FeatureTransform? Build(FeaturesManifest? features, int? width, List<Fault> faults)
    {
        ArgumentNullException.ThrowIfNull(faults);
        int parts = features?.Missing == MissingValues.Mask ? 2 : 1;
        if (features?.ChannelCount is { } channels)
        {
            if (width is not null && width != parts * channels)
            {
                faults.Add(new Fault("/features", $"model.json describes {channels} channel(s), {Taken(parts * channels)} a time step{(parts == 2 ? " with their masks" : "")}, and the graph takes {Taken(width.Value)}; describe the channels that the graph was trained with."));
                return null;
            }
            return new FeatureTransform(channels, features);
        }
        if (width is null)
            faults.Add(new Fault("/features", "The graph leaves open how many channels it takes and model.json names none; name them in /features/channels."));
        else if (width % parts != 0)
            faults.Add(new Fault("/features/missing", $"With \"mask\" every channel has a mask beside it, and the graph takes {Taken(width.Value)} a time step, which is no even number; state the policy that the graph was trained with."));
        else
            return new FeatureTransform(width.Value / parts, features);
        return null;

        static string Taken(int values) => values == 1 ? "1 value" : $"{values} values";
    }

    /// <summary>Transforms one whole sequence. Windows are cut afterwards, so that a forward fill reaches into them.</summary>
    /// <param name="raw">T x <see cref="Channels"/> values, finite or NaN for a missing one, time step by time step.</param>
    /// <param name="output">Receives T x <see cref="Width"/> finite values, time step by time step; with a mask the values come first and then the marks.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or a value is missing where <see cref="Missing"/> refuses that.</exception>
    public void Apply(ReadOnlySpan<float> raw, Span<float> output)
    {
        int steps = raw.Length / Channels;
        if (steps * Channels != raw.Length || output.Length != (long)steps * Width)
            throw new ArgumentException($"{raw.Length} raw values of {Channels} channels do not become {output.Length}.", nameof(output));
        for (int channel = 0; channel < Channels; channel++)
        {
            double mean = _mean[channel], std = _std[channel];
            double stand = Missing == MissingValues.Zero ? 0 : mean;
            for (int step = 0; step < steps; step++)
            {
                double value = raw[(step * Channels) + channel];
                bool missing = double.IsNaN(value);
                if (missing && Missing == MissingValues.Refuse)
                    throw new ArgumentException($"The value of channel {channel} at time step {step} is missing.", nameof(raw));
                if (missing)
                    value = stand;
                else if (Missing == MissingValues.ForwardFill)
                    stand = value;
                output[(step * Width) + channel] = (float)Math.Clamp((value - mean) / std, -_clip, _clip);
                if (Missing == MissingValues.Mask)
                    output[(step * Width) + Channels + channel] = missing ? 0 : 1;
            }
        }
    }
}
