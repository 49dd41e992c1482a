using FsCheck;
using FsCheck.Fluent;
using RnnService.Core.Features;
using RnnService.Core.Manifests;

namespace RnnService.Core.Tests.Features;

public sealed class FeatureTransformTests
{
    private const float Gone = float.NaN;

    /// <summary>4 time steps of 2 channels.</summary>
    private static readonly float[] Raw = [Gone, 10, 3, Gone, Gone, Gone, 5, 40];

    private static readonly FeaturesManifest Normalised = new() { Mean = [1, 20], Std = [2, 10] };

    [Theory]
    [InlineData(MissingValues.ForwardFill, new float[] { 0, -1, 1, -1, 1, -1, 2, 2 })]
    [InlineData(MissingValues.Mean, new float[] { 0, -1, 1, 0, 0, 0, 2, 2 })]
    [InlineData(MissingValues.Zero, new float[] { -0.5f, -1, 1, -2, -0.5f, -2, 2, 2 })]
    [InlineData(MissingValues.Mask, new float[] { 0, -1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 2, 2, 1, 1 })]
    public void Apply_MissingValues_StandsForThemBeforeNormalising(MissingValues missing, float[] expected) =>
        Assert.Equal(expected, Apply(Normalised with { Missing = missing }, Raw));

    [Fact]
    public void Apply_NoMeanAndNoDeviation_FillsWithZeroAndKeepsTheRest() =>
        Assert.Equal([0, 10, 3, 10, 3, 10, 5, 40], Apply(new FeaturesManifest { Missing = MissingValues.ForwardFill }, Raw));

    [Fact]
    public void Apply_NothingStated_ChangesNothing() => Assert.Equal([1, -2, 3, float.MaxValue], Apply(null, [1, -2, 3, float.MaxValue]));

    [Fact]
    public void Apply_Clip_LimitsTheNormalisedValues() =>
        Assert.Equal([-1.5f, -1, 1, 1.5f], Apply(Normalised with { Clip = 1.5 }, [-90, 10, 3, 1000]));

    [Fact]
    public void Apply_TinyDeviation_StaysFinite() =>
        Assert.Equal([float.MaxValue, -float.MaxValue], Apply(new FeaturesManifest { Std = [1e-300, 1e-300] }, [1, -1]));

    [Fact]
    public void Apply_MissingValueThatIsRefused_IsAnError() => Assert.Throws<ArgumentException>(() => Apply(Normalised, Raw));

    [Fact]
    public void Apply_SizesThatDoNotFit_IsAnError()
    {
        var transform = FeatureTransform.Build(Normalised, null, [])!;
        Assert.Throws<ArgumentException>(() => transform.Apply(new float[3], new float[3]));
        Assert.Throws<ArgumentException>(() => transform.Apply(new float[4], new float[8]));
    }

    [Fact]
    public void Apply_AnySequence_GivesWhatTheDefinitionSays()
    {
        var values = Gen.Frequency((3, Gen.Choose(-1000, 1000).Select(v => v / 10f)), (1, Gen.Constant(Gone)));
        var cases =
            from channels in Gen.Choose(1, 4)
            from steps in Gen.Choose(0, 8)
            from missing in Gen.Elements(MissingValues.ForwardFill, MissingValues.Mean, MissingValues.Zero, MissingValues.Mask)
            from mean in Gen.ArrayOf(Gen.Choose(-50, 50).Select(v => v / 4.0), channels)
            from std in Gen.ArrayOf(Gen.Choose(1, 50).Select(v => v / 4.0), channels)
            from clip in Gen.Elements<double?>(null, 0.5, 3)
            from raw in Gen.ArrayOf(values, channels * steps)
            select (new FeaturesManifest { Missing = missing, Mean = mean, Std = std, Clip = clip }, raw);
        Prop.ForAll(Arb.From(cases), c => Assert.Equal(Reference(c.Item1, c.raw), Apply(c.Item1, c.raw))).Check(Config.QuickThrowOnFailure.WithReplay(20260103, 7));
    }

    [Fact]
    public void Apply_AnySequence_AllocatesNothing()
    {
        var transform = FeatureTransform.Build(Normalised with { Missing = MissingValues.Mask }, 4, [])!;
        var output = new float[16];
        transform.Apply(Raw, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        transform.Apply(Raw, output);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(MissingValues.Refuse, 3, 3)]
    [InlineData(MissingValues.Mask, 6, 3)]
    public void Build_NothingStatedOfChannels_TakesTheirNumberFromTheGraph(MissingValues missing, int width, int channels)
    {
        var transform = FeatureTransform.Build(new FeaturesManifest { Missing = missing }, width, [])!;
        Assert.Equal(channels, transform.Channels);
        Assert.Equal(width, transform.Width);
    }

    [Theory]
    [InlineData(MissingValues.Mean, 3, "2 channel(s), 2 values a time step, and the graph takes 3 values")]
    [InlineData(MissingValues.Mask, 2, "2 channel(s), 4 values a time step with their masks, and the graph takes 2 values")]
    public void Build_AnotherNumberOfChannelsThanTheGraphs_StatesBothSides(MissingValues missing, int width, string part)
    {
        var faults = new List<Fault>();
        Assert.Null(FeatureTransform.Build(Normalised with { Missing = missing }, width, faults));
        Faults.AssertSingle(faults, "/features", part);
    }

    [Fact]
    public void Build_MaskOfAGraphWithAnOddWidth_IsFault()
    {
        var faults = new List<Fault>();
        Assert.Null(FeatureTransform.Build(new FeaturesManifest { Missing = MissingValues.Mask }, 3, faults));
        Faults.AssertSingle(faults, "/features/missing", "3 values");
    }

    [Fact]
    public void Build_NoNumberOfChannelsAnywhere_AsksForTheirNames()
    {
        var faults = new List<Fault>();
        Assert.Null(FeatureTransform.Build(null, null, faults));
        Faults.AssertSingle(faults, "/features", "/features/channels");
    }

    private static float[] Apply(FeaturesManifest? features, float[] raw)
    {
        var faults = new List<Fault>();
        var transform = FeatureTransform.Build(features, features?.Mean is null ? 2 : null, faults);
        Assert.Empty(faults);
        var output = new float[raw.Length / transform!.Channels * transform.Width];
        transform.Apply(raw, output);
        return output;
    }

    /// <summary>The definition, a value at a time.</summary>
    private static float[] Reference(FeaturesManifest features, float[] raw)
    {
        int channels = features.Mean!.Count;
        var output = new List<float>();
        for (int step = 0; step < raw.Length / channels; step++)
        {
            output.AddRange(Enumerable.Range(0, channels).Select(c => Value(step, c)));
            if (features.Missing == MissingValues.Mask)
                output.AddRange(Enumerable.Range(0, channels).Select(c => float.IsNaN(raw[(step * channels) + c]) ? 0f : 1f));
        }
        return [.. output];

        float Value(int step, int c)
        {
            var column = Enumerable.Range(0, step + 1).Select(t => raw[(t * channels) + c]).ToArray();
            double filled = float.IsNaN(column[^1])
                ? features.Missing switch
                {
                    MissingValues.Zero => 0,
                    MissingValues.ForwardFill when column.Any(v => !float.IsNaN(v)) => column.Last(v => !float.IsNaN(v)),
                    _ => features.Mean![c],
                }
                : column[^1];
            double normal = (filled - features.Mean![c]) / features.Std![c];
            return (float)(features.Clip is { } clip ? Math.Clamp(normal, -clip, clip) : normal);
        }
    }
}
