using System.Runtime.InteropServices;
using RnnService.TestData;

namespace RnnService.Api.Tests.Hosting;

/// <summary>A temporary model repository.</summary>
internal sealed partial class ModelFolder : IDisposable
{
    private int _swaps;

    public string Root { get; } = Directory.CreateTempSubdirectory("rnn-models-").FullName;

    /// <summary>Adds a version with these files of the shipped model, by default all.</summary>
    /// <returns>The version's folder.</returns>
    public string Add(string model, int version = 1, params string[] files)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Root, model, $"{version}")).FullName;
        foreach (var file in files is [] ? ["model.onnx", "model.json", "labels.json", "vocab.txt"] : files)
            File.Copy(RepositoryRoot.Combine("models", "questions", "1", file), Path.Combine(folder, file));
        return folder;
    }

    /// <summary>Adds a version that cannot be loaded.</summary>
    public void AddBroken(string model, int version = 1) => File.WriteAllText(Path.Combine(Add(model, version), "model.onnx"), "This is no model.");

    /// <summary>
    /// Puts a bare graph of the golden exports into the repository as an operator should: made aside, then moved in as a whole, in the place of the
    /// version that is there.
    /// </summary>
    /// <param name="model">Name of the model.</param>
    /// <param name="version">The version.</param>
    /// <param name="export">Name of the file.</param>
    public void Swap(string model, int version, string export) => Swap(model, version, File.ReadAllBytes(Export(export)));

    /// <summary>As the other, with the bytes of the graph.</summary>
    public void Swap(string model, int version, byte[] graph)
    {
        var made = Directory.CreateDirectory(Path.Combine(Root, ".incoming", $"{_swaps++}")).FullName;
        File.WriteAllBytes(Path.Combine(made, "model.onnx"), graph);
        var place = Path.Combine(Directory.CreateDirectory(Path.Combine(Root, model)).FullName, $"{version}");
        if (Directory.Exists(place))
            Directory.Move(place, Path.Combine(Root, ".incoming", $"old-{_swaps}"));
        Directory.Move(made, place);
    }

    /// <summary>A file of the golden exports.</summary>
    public static string Export(string name) => RepositoryRoot.Combine("tests", "golden", "exports", name);

    /// <summary>
    /// Adds a version that goes on loading until <see cref="Release"/>: its manifest is a pipe, which nobody has written to yet.
    /// Only where there are named pipes in the file system.
    /// </summary>
    public void AddSlow(string model)
    {
        Add(model, 1, "model.onnx", "labels.json", "vocab.txt");
        Assert.Equal(0, MakePipe(Manifest(model), 0b110_000_000));
    }

    /// <summary>Lets a slow version finish loading.</summary>
    public void Release(string model)
    {
        var path = Manifest(model);
        var unchanged = File.GetLastWriteTimeUtc(path);
        using var pipe = new FileStream(path, FileMode.Open, FileAccess.Write);   // once the reader has it open
        pipe.Write("""{"tokenizer":{"kind":"words"}}"""u8);
        pipe.Flush();
        File.SetLastWriteTimeUtc(path, unchanged);   // before the reader sees the end, so that the folder has not changed while it was loaded
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private string Manifest(string model) => Path.Combine(Root, model, "1", "model.json");

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MakePipe(string path, uint mode);
}
