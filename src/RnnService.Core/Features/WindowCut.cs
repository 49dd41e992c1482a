namespace RnnService.Core.Features;

/// <summary>
/// How a long sequence is cut into windows. They begin at 0, <paramref name="Stride"/>, 2 * <paramref name="Stride"/>, …; the last one
/// ends with the sequence, so that every time step is in a window. A sequence no longer than a window is one window.
/// </summary>
/// <param name="Length">Time steps of a window, at least 1.</param>
/// <param name="Stride">Time steps from the begin of a window to that of the next, 1 to <paramref name="Length"/>.</param>
public readonly record struct WindowCut(int Length, int Stride)
{
    /// <summary>Number of windows of a sequence.</summary>
    /// <param name="steps">Time steps of the sequence, at least 1.</param>
    public int Count(int steps) => steps <= Length ? 1 : ((steps - Length - 1) / Stride) + 2;

    /// <summary>Time steps of each window of a sequence.</summary>
    /// <param name="steps">Time steps of the sequence, at least 1.</param>
    public int Steps(int steps) => Math.Min(steps, Length);

    /// <summary>The time step with which a window begins.</summary>
    /// <param name="window">0 to <see cref="Count"/> - 1.</param>
    /// <param name="steps">Time steps of the sequence, at least 1.</param>
    public int Start(int window, int steps) => (int)Math.Min((long)window * Stride, steps - Steps(steps));
}
