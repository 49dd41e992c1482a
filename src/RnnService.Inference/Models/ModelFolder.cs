using System.Globalization;

namespace RnnService.Inference.Models;

/// <summary>One version of a model on disk: <c>&lt;root&gt;/&lt;name&gt;/&lt;version&gt;/model.onnx</c> and what lies beside it.</summary>
/// <param name="Name">Name of the model, the folder's name.</param>
/// <param name="Version">A positive integer, the name of the version's folder.</param>
/// <param name="Path">The version's folder.</param>
internal sealed record ModelFolder(string Name, int Version, string Path)
{
    public string Graph => File("model.onnx");

    public string Manifest => File("model.json");

    public string Labels => File("labels.json");

    public string Vocabulary => File("vocab.txt");

    public string Card => File("README.md");

    /// <summary>All versions in a repository. Folders that are not a number, or hold no <c>model.onnx</c>, are not versions.</summary>
    public static IReadOnlyList<ModelFolder> FindAll(string root)
    {
        var found = new List<ModelFolder>();
        foreach (var model in Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal))
        {
            foreach (var folder in Directory.EnumerateDirectories(model))
            {
                var name = System.IO.Path.GetFileName(folder);
                if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int version) && version > 0
                    && version.ToString(CultureInfo.InvariantCulture) == name && System.IO.File.Exists(System.IO.Path.Combine(folder, "model.onnx")))
                {
                    found.Add(new ModelFolder(System.IO.Path.GetFileName(model), version, folder));
                }
            }
        }
        return [.. found.OrderBy(f => f.Name, StringComparer.Ordinal).ThenBy(f => f.Version)];
    }

    private string File(string name) => System.IO.Path.Combine(Path, name);
}
