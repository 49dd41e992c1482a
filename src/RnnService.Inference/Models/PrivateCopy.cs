namespace RnnService.Inference.Models;

/// <summary>
/// A version's folder as ONNX Runtime may have it. It maps external data files into memory instead of reading them, so that a file overwritten in place
/// would change the answers of the model that serves, and one cut short would end the process. Such a folder is loaded from a copy, whose names are
/// removed at once; the mapped content stays until the model is disposed.
/// </summary>
internal sealed class PrivateCopy : IDisposable
{
    private const int Deepest = 8;   // links may form a circle

    private static readonly string[] NeverMapped = [".onnx", ".json", ".txt", ".md"];

    private readonly DirectoryInfo? _copy;

    private PrivateCopy(ModelFolder folder, DirectoryInfo? copy) => (Folder, _copy) = (folder, copy);

    /// <summary>What to load: the folder itself when nothing in it can be mapped.</summary>
    public ModelFolder Folder { get; }

    /// <exception cref="IOException">There is no room for the copy, or a file went away.</exception>
    public static PrivateCopy Of(ModelFolder folder)
    {
        var files = new DirectoryInfo(folder.Path);
        if (files.EnumerateFileSystemInfos().All(f => f is FileInfo && NeverMapped.Contains(f.Extension)))
            return new(folder, null);
        var copy = new PrivateCopy(folder, Directory.CreateTempSubdirectory("rnn-model-"));
        try
        {
            Copy(files, copy._copy!.FullName, 0);
            return new(folder with { Path = copy._copy.FullName }, copy._copy);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            copy.Dispose();
            throw new IOException($"The folder cannot be copied to {Path.GetTempPath()}, from where its external data is loaded: {e.Message} Make room there, or name another place in TMPDIR.", e);
        }
    }

    private static void Copy(DirectoryInfo from, string to, int depth)
    {
        Directory.CreateDirectory(to);
        foreach (var entry in from.EnumerateFileSystemInfos())
        {
            if (entry is FileInfo file)
                file.CopyTo(Path.Combine(to, file.Name));
            else if (depth < Deepest)
                Copy((DirectoryInfo)entry, Path.Combine(to, entry.Name), depth + 1);
        }
    }

    /// <summary>Removes the copy; where a mapped file cannot be removed, as on Windows, it is left to whoever empties the folder for temporary files.</summary>
    public void Dispose()
    {
        try
        {
            _copy?.Delete(recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // nothing depends on it
        }
    }
}
