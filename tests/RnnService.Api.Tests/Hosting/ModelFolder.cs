using System.Runtime.InteropServices;
using RnnService.TestData;

namespace RnnService.Api.Tests.Hosting;

/// <summary>A temporary model repository.</summary>
internal sealed partial class ModelFolder : IDisposable
{
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
