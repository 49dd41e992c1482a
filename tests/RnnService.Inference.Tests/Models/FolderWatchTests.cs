using RnnService.Inference.Models;

namespace RnnService.Inference.Tests.Models;

public sealed class FolderWatchTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly ModelFolders _folders = new();
    private readonly FolderWatch _watch;
    private readonly string _folder;

    public FolderWatchTests()
    {
        _watch = new(TimeSpan.FromMilliseconds(1000), _time);
        _folder = _folders.Add("m", "1", "model.onnx");
    }

    [Fact]
    public void IsStable_SameLongEnough_IsTrueFromThenOn()
    {
        Assert.False(Look());
        _time.Pass(999);
        Assert.False(Look());
        _time.Pass(1);
        Assert.True(Look());
    }

    [Fact]
    public void IsStable_ChangeBetween_BeginsAnew()
    {
        Assert.False(Look());
        _time.Pass(900);
        File.AppendAllText(Path.Combine(_folder, "model.onnx"), "x");
        Assert.False(Look());
        _time.Pass(900);
        Assert.False(Look());
        _time.Pass(100);
        Assert.True(Look());
    }

    [Fact]
    public void IsStable_GoneAndBack_BeginsAnew()
    {
        Assert.False(Look());
        _time.Pass(600);
        Assert.False(_watch.IsStable("m", 1, null));
        _time.Pass(600);
        Assert.False(Look());
        _time.Pass(1000);
        Assert.True(Look());
    }

    [Fact]
    public void IsStable_Forgotten_BeginsAnew()
    {
        Assert.False(Look());
        _time.Pass(1000);
        _watch.Forget("m", 1);
        Assert.False(Look());
    }

    [Fact]
    public void IsStable_OtherVersions_HaveTimesOfTheirOwn()
    {
        Assert.False(Look());
        _time.Pass(1000);
        Assert.False(_watch.IsStable("m", 2, FolderFingerprint.TryTake(_folder)));
        Assert.False(_watch.IsStable("n", 1, FolderFingerprint.TryTake(_folder)));
        Assert.True(Look());
    }

    public void Dispose() => _folders.Dispose();

    private bool Look() => _watch.IsStable("m", 1, FolderFingerprint.TryTake(_folder));
}
