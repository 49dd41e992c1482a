namespace RnnService.Core.Taxonomy;

/// <summary>What the numbers of a head are.</summary>
public enum HeadActivation
{
    /// <summary>Unnormalised scores, any real number.</summary>
    Logits,

    /// <summary>Natural logarithms of probabilities, at most 0.</summary>
    LogSoftmax,

    /// <summary>Probabilities that sum to 1.</summary>
    Softmax,

    /// <summary>A probability for each label by itself, 0 to 1.</summary>
    Sigmoid,
}
