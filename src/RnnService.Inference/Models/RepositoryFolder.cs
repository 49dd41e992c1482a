using System.Globalization;

namespace RnnService.Inference.Models;

/// <summary>What the root of a repository holds at one moment.</summary>
/// <param name="Versions">All versions, by name and number.</param>
/// <param name="Unreadable">Models whose folder cannot be listed, so that nothing is known of their versions.</param>
internal sealed record RepositoryFolder(IReadOnlyList<ModelFolder> Versions, IReadOnlySet<string> Unreadable)
{
    /// <summary>Lists a root. Folders whose name is not a number from 1, or that hold no <c>model.onnx</c>, are not versions; models that begin with a dot are left alone.</summary>
    /// <exception cref="IOException">The root is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The root may not be read.</exception>
    public static RepositoryFolder Read(string root)
    {
        var versions = new List<ModelFolder>();
        var unreadable = new HashSet<string>(StringComparer.Ordinal);
        foreach (var model in Directory.EnumerateDirectories(root))
        {
            var name = Path.GetFileName(model);
            if (name.StartsWith('.'))
                continue;
            try
            {
                versions.AddRange(Directory.EnumerateDirectories(model).Select(f => VersionOf(name, f)).OfType<ModelFolder>().ToArray());
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                unreadable.Add(name);
            }
        }
        return new([.. versions.OrderBy(f => f.Name, StringComparer.Ordinal).ThenBy(f => f.Version)], unreadable);
    }

    private static ModelFolder? VersionOf(string model, string folder)
    {
        var name = Path.GetFileName(folder);
        bool isVersion = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int version) && version > 0
            && version.ToString(CultureInfo.InvariantCulture) == name;
        return isVersion && File.Exists(Path.Combine(folder, "model.onnx")) ? new ModelFolder(model, version, folder) : null;
    }
}
