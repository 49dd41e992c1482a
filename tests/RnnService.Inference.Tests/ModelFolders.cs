using RnnService.TestData;

namespace RnnService.Inference.Tests;

/// <summary>A temporary model repository, filled with changed copies of the shipped model.</summary>
internal sealed class ModelFolders : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("rnn-models-").FullName;

    public static string Shipped(string file) => RepositoryRoot.Combine("models", "questions", "1", file);

    /// <summary>Adds a version with these files of the shipped model, by default all that the server reads.</summary>
    /// <returns>The version's folder.</returns>
    public string Add(string model, string version = "1", params string[] files)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Root, model, version)).FullName;
        foreach (var file in files is [] ? ["model.onnx", "model.json", "labels.json", "vocab.txt", "README.md"] : files)
            File.Copy(Shipped(file), Path.Combine(folder, file));
        return folder;
    }

    /// <summary>Adds a whole version in which one file says something else.</summary>
    public void AddChanged(string model, string file, Func<string, string> change)
    {
        var path = Path.Combine(Add(model), file);
        File.WriteAllText(path, change(File.ReadAllText(path)));
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
