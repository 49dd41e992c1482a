namespace RnnService.Core.Numerics;

/// <summary>Softmax that neither overflows nor yields NaN for finite logits: the largest logit is subtracted first.</summary>
public static class Softmax
{
    /// <summary>Replaces logits by probabilities that sum to 1.</summary>
    /// <param name="values">At least one logit, each finite or negative infinity (probability 0), not all negative infinity.</param>
    /// <returns>False, with <paramref name="values"/> undefined, when a logit is NaN or positive infinity or all are negative infinity.</returns>
    public static bool TryApply(Span<double> values)
    {
        double max = double.NegativeInfinity;
        foreach (double v in values)
        {
            if (double.IsNaN(v) || v == double.PositiveInfinity)
                return false;
            max = Math.Max(max, v);
        }
        if (max == double.NegativeInfinity)
            return false;
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
            sum += values[i] = Math.Exp(values[i] - max);
        double scale = 1 / sum;
        for (int i = 0; i < values.Length; i++)
            values[i] *= scale;
        return true;
    }
}
