using RnnService.Inference.Models;

namespace RnnService.Inference.Tests.Models;

public sealed class FolderFingerprintTests : IDisposable
{
    private readonly ModelFolders _folders = new();
    private readonly string _folder;

    public FolderFingerprintTests()
    {
        _folder = _folders.Add("m", "1", "model.onnx", "labels.json", "README.md");
        Directory.CreateDirectory(At("data", "deeper"));
        File.WriteAllText(At("data", "deeper", "weights.bin"), "0123");
    }

    [Fact]
    public void TryTake_NothingChanged_IsTheSame() => Assert.Equal(FolderFingerprint.TryTake(_folder), FolderFingerprint.TryTake(_folder));

    [Fact]
    public void TryTake_MovedAsAWhole_IsTheSame()
    {
        var before = FolderFingerprint.TryTake(_folder);
        Directory.Move(_folder, $"{_folder}-moved");
        Assert.Equal(before, FolderFingerprint.TryTake($"{_folder}-moved"));
    }

    [Fact]
    public void TryTake_EveryKindOfChange_IsAnother()
    {
        var seen = new HashSet<FolderFingerprint> { FolderFingerprint.TryTake(_folder)! };
        File.AppendAllText(At("labels.json"), " ");
        Assert.True(seen.Add(FolderFingerprint.TryTake(_folder)!), "longer");
        File.SetLastWriteTimeUtc(At("model.onnx"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.True(seen.Add(FolderFingerprint.TryTake(_folder)!), "of another time");
        File.Move(At("data", "deeper", "weights.bin"), At("data", "weights.bin"));
        Assert.True(seen.Add(FolderFingerprint.TryTake(_folder)!), "elsewhere");
        File.WriteAllText(At("data", "more.bin"), "");
        Assert.True(seen.Add(FolderFingerprint.TryTake(_folder)!), "one more");
        File.Delete(At("labels.json"));
        Assert.True(seen.Add(FolderFingerprint.TryTake(_folder)!), "one less");
    }

    [Fact]
    public void TryTake_OtherModelCard_IsTheSame()
    {
        var before = FolderFingerprint.TryTake(_folder);
        File.AppendAllText(At("README.md"), "more");
        Assert.Equal(before, FolderFingerprint.TryTake(_folder));
    }

    [Fact]
    public void TryTake_LinkToOtherFilesOfSameSizeAndTime_IsAnother()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege.");
        var time = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        foreach (var name in new[] { "a", "b" })
        {
            File.WriteAllText(At("data", name), name);
            File.SetLastWriteTimeUtc(At("data", name), time);
        }
        File.CreateSymbolicLink(At("vocab.txt"), At("data", "a"));
        var before = FolderFingerprint.TryTake(_folder);
        File.Delete(At("vocab.txt"));
        File.CreateSymbolicLink(At("vocab.txt"), At("data", "b"));
        Assert.NotEqual(before, FolderFingerprint.TryTake(_folder));
    }

    [Fact]
    public void TryTake_LinksInACircle_Ends()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege.");
        Directory.CreateSymbolicLink(At("data", "round"), _folder);
        _ = FolderFingerprint.TryTake(_folder);
    }

    [Fact]
    public void TryTake_NoFolder_IsNull() => Assert.Null(FolderFingerprint.TryTake(At("nothing")));

    public void Dispose() => _folders.Dispose();

    private string At(params string[] parts) => Path.Combine([_folder, .. parts]);
}
