namespace RnnService.Inference.Models;

/// <summary>
/// Tells folders that are finished from those that somebody is still writing: a new state of a folder counts once two looks at it, some time apart,
/// and every look between them found the same.
/// </summary>
/// <param name="stable">How far apart the looks must be.</param>
/// <param name="time">The clock.</param>
internal sealed class FolderWatch(TimeSpan stable, TimeProvider time)
{
    private readonly Dictionary<(string Name, int Version), (FolderFingerprint? Content, long Since)> _changes = [];

    /// <summary>Reports a state that differs from the known one.</summary>
    /// <param name="name">Name of the model.</param>
    /// <param name="version">The version.</param>
    /// <param name="content">What the folder holds; null when it is gone.</param>
    /// <returns>Whether the state is to be acted on.</returns>
    public bool IsStable(string name, int version, FolderFingerprint? content)
    {
        long now = time.GetTimestamp();
        if (_changes.TryGetValue((name, version), out var seen) && seen.Content == content)
            return time.GetElapsedTime(seen.Since, now) >= stable;
        _changes[(name, version)] = (content, now);
        return false;
    }

    /// <summary>The folder is as it is known, or was acted on: a change begins anew.</summary>
    public void Forget(string name, int version) => _changes.Remove((name, version));
}
