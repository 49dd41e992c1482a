using RnnService.Inference.Batching;

namespace RnnService.Inference.Tests.Batching;

public sealed class BatchingOptionsTests
{
    private readonly BatchingOptionsValidator _validator = new();

    [Fact]
    public void Validate_Defaults_AreFine() => Assert.True(_validator.Validate(null, new BatchingOptions()).Succeeded);

    [Fact]
    public void Validate_SeveralFaults_ListsAllWithTheirSettings()
    {
        var options = new BatchingOptions { Workers = 0, MaxRows = -1, MaxPaddedTokens = 0, WaitMilliseconds = 0, QueueSequences = 0, QueueMilliseconds = int.MaxValue };
        options.Models["m"] = new BatchingSettings { Workers = 1000 };
        string[] settings = ["Workers", "MaxRows", "MaxPaddedTokens", "WaitMilliseconds", "QueueSequences", "QueueMilliseconds", "Models:m:Workers"];
        Assert.Equal(settings.Select(s => $"Batching:{s}"), _validator.Validate(null, options).Failures!.Select(f => f[..f.IndexOf(": ", StringComparison.Ordinal)]));
    }

    [Fact]
    public void For_ModelWithItsOwn_TakesThemFirst()
    {
        var options = new BatchingOptions { Workers = 3, MaxRows = 8 };
        options.Models["m"] = new BatchingSettings { MaxRows = 2 };
        Assert.Equal((3, 2), (options.For("m").Workers!.Value, options.For("m").MaxRows!.Value));
        Assert.Equal((3, 8), (options.For("other").Workers!.Value, options.For("other").MaxRows!.Value));
        Assert.Equal(Environment.ProcessorCount, new BatchingOptions().For("m").Workers);
    }
}
