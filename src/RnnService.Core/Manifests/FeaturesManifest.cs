using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using RnnService.Core.Features;

namespace RnnService.Core.Manifests;

/// <summary>How the raw values of a numeric sequence become what the graph takes: missing values are filled, then (value - mean) / std, then clipping.</summary>
public sealed record FeaturesManifest
{
    /// <summary>Names of the channels, in the order of the graph's features.</summary>
    [MinLength(1)]
    public IReadOnlyList<string>? Channels { get; init; }

    /// <summary>Mean of each channel over the training data, in the units of the raw values. Without it every mean is 0.</summary>
    [MinLength(1), Range(-float.MaxValue, float.MaxValue)]
    public IReadOnlyList<double>? Mean { get; init; }

    /// <summary>Standard deviation of each channel over the training data, above 0. Without it every one is 1.</summary>
    [MinLength(1), Range(0, (double)float.MaxValue, MinimumIsExclusive = true)]
    public IReadOnlyList<double>? Std { get; init; }

    /// <summary>What stands for a missing value (null in a request); "refuse" unless stated. With "mask" the graph takes a further channel per channel, all after the values, that is 1 where the value was observed and 0 where it is filled with the mean.</summary>
    public MissingValues? Missing { get; init; }

    /// <summary>Limit of the normalised values: smaller and larger ones become -clip and clip. Above 0; without it nothing is clipped.</summary>
    [Range(0, (double)float.MaxValue, MinimumIsExclusive = true)]
    public double? Clip { get; init; }

    /// <summary>Cuts longer sequences into windows, whose probabilities are averaged.</summary>
    public WindowManifest? Window { get; init; }

    /// <summary>The number of channels, where anything states it.</summary>
    internal int? ChannelCount => Channels?.Count ?? Mean?.Count ?? Std?.Count;

    internal void Check(int? maxLength, List<Fault> faults)
    {
        (string Field, int? Count)[] lists = [("channels", Channels?.Count), ("mean", Mean?.Count), ("std", Std?.Count)];
        var stated = lists.Where(l => l.Count is not null).ToArray();
        foreach (var (field, count) in stated.Skip(1).Where(l => l.Count != stated[0].Count))
            faults.Add(new Fault($"/features/{field}", $"It has {count} entries and /features/{stated[0].Field} {stated[0].Count}; every channel needs one entry."));
        for (int i = 0; i < Channels?.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(Channels[i]))
                faults.Add(new Fault($"/features/channels/{i}", "A channel needs a name."));
            else if (Channels.Take(i).Contains(Channels[i], StringComparer.Ordinal))
                faults.Add(new Fault($"/features/channels/{i}", $"The channel \"{Channels[i]}\" is named twice; names must differ."));
        }
        if (Window?.Stride > Window?.Length)
            faults.Add(new Fault("/features/window/stride", $"A stride of {Window!.Stride} time steps leaves out steps between windows of {Window.Length}; it must be at most the length."));
        if (Window?.Length > maxLength)
            faults.Add(new Fault("/features/window/length", $"A window of {Window!.Length} time steps is longer than /max_length, {maxLength}; make it at most that."));
    }
}

/// <summary>Windows of a long sequence. The last one ends with the sequence; a sequence no longer than a window is one window.</summary>
/// <param name="Length">Time steps of a window, at least 1.</param>
/// <param name="Stride">Time steps from the begin of a window to that of the next, 1 to <c>length</c>; by default the length, so that windows do not overlap.</param>
public sealed record WindowManifest([property: Range(1, int.MaxValue)] int Length, [property: Range(1, int.MaxValue)] int? Stride = null)
{
    /// <summary>The windows, with the stride that is meant where none is stated.</summary>
    [JsonIgnore]
    public WindowCut Cut => new(Length, Stride ?? Length);
}
