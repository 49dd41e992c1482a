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

    private string File(string name) => System.IO.Path.Combine(Path, name);
}
