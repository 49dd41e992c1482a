namespace RnnService.Inference.Models;

/// <summary>One version of a model on disk: <c>&lt;root&gt;/&lt;name&gt;/&lt;version&gt;/model.onnx</c> and what lies beside it.</summary>
/// <param name="Name">Name of the model, the folder's name.</param>
/// <param name="Version">A positive integer, the name of the version's folder.</param>
/// <param name="Path">The version's folder.</param>
internal sealed record ModelFolder(string Name, int Version, string Path)
{
    public const string UsualGraph = "model.onnx";

    /// <summary>Name of a graph that lies somewhere else than in a repository, alone; null for a version of a repository.</summary>
    public string? OtherGraph { get; init; }

    public string Graph => System.IO.Path.Combine(Path, OtherGraph ?? UsualGraph);

    public string Manifest => Beside("model.json");

    public string Labels => Beside("labels.json");

    public string Vocabulary => Beside("vocab.txt");

    public string Card => Beside("README.md");

    /// <summary>A file beside the graph; a name that no file has for a graph alone, since what lies beside that one need not belong to it.</summary>
    private string Beside(string name) => OtherGraph is null ? System.IO.Path.Combine(Path, name) : "";
}
