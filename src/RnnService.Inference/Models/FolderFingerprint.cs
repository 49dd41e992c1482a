using System.Globalization;
using System.Text;

namespace RnnService.Inference.Models;

/// <summary>
/// By what a changed folder is told: path, size and time of change of every file in it and below, without the model card, which no answer depends on.
/// Contents are not read, so that a scan stays cheap on large models and slow file systems.
/// </summary>
internal sealed record FolderFingerprint
{
    private const int Deepest = 8;   // links may form a circle

    private readonly string _files;

    private FolderFingerprint(string files) => _files = files;

    /// <summary>Takes the fingerprint of a version's folder.</summary>
    /// <returns>Null when something cannot be read or goes away meanwhile: then nothing is known of the folder.</returns>
    public static FolderFingerprint? TryTake(string folder)
    {
        try
        {
            var files = new List<string>();
            Add(files, "", new DirectoryInfo(folder), 0);
            files.Sort(StringComparer.Ordinal);
            return new(string.Join('\n', files));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Add(List<string> files, string path, FileSystemInfo entry, int depth)
    {
        var line = new StringBuilder(path);
        // Repositories are also swapped by pointing a link elsewhere, where all sizes and times may be the same.
        if (entry.LinkTarget is { } target)
        {
            line.Append(" -> ").Append(target);
            entry = entry.ResolveLinkTarget(returnFinalTarget: true) ?? entry;
        }
        if (entry is DirectoryInfo folder)
        {
            if (depth == Deepest)
                return;
            foreach (var inside in folder.EnumerateFileSystemInfos().Where(i => depth > 0 || i.Name != "README.md"))
                Add(files, $"{path}/{inside.Name}", inside, depth + 1);
        }
        else
            line.Append(CultureInfo.InvariantCulture, $" {((FileInfo)entry).Length} {entry.LastWriteTimeUtc.Ticks}");
        files.Add(line.ToString());
    }
}
