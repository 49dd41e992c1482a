namespace RnnService.Core.Features;

/// <summary>What stands for a missing value of a numeric sequence.</summary>
public enum MissingValues
{
    /// <summary>Nothing: a sequence with a missing value is refused.</summary>
    Refuse,

    /// <summary>The last value observed before in the channel; before the first one, the channel's mean.</summary>
    ForwardFill,

    /// <summary>The channel's mean.</summary>
    Mean,

    /// <summary>The number 0, in the units of the raw values.</summary>
    Zero,

    /// <summary>The channel's mean, and a further channel per channel that is 1 where the value was observed and 0 where it was missing.</summary>
    Mask,
}
