using RnnService.Core.Features;

namespace RnnService.Core.Tests.Features;

public sealed class WindowCutTests
{
    [Theory]
    [InlineData(4, 2, 1, new[] { 0 })]
    [InlineData(4, 2, 4, new[] { 0 })]
    [InlineData(4, 2, 5, new[] { 0, 1 })]
    [InlineData(4, 2, 6, new[] { 0, 2 })]
    [InlineData(4, 2, 7, new[] { 0, 2, 3 })]
    [InlineData(4, 2, 8, new[] { 0, 2, 4 })]
    [InlineData(4, 4, 9, new[] { 0, 4, 5 })]
    [InlineData(1, 1, 3, new[] { 0, 1, 2 })]
    public void Start_EachWindow_IsAStrideOnAndTheLastEndsWithTheSequence(int length, int stride, int steps, int[] starts)
    {
        var cut = new WindowCut(length, stride);
        Assert.Equal(starts, Enumerable.Range(0, cut.Count(steps)).Select(w => cut.Start(w, steps)));
    }

    [Fact]
    public void Start_AnyCut_CoversEveryStepAndNothingElse()
    {
        for (int length = 1; length < 9; length++)
        {
            for (int stride = 1; stride <= length; stride++)
            {
                for (int steps = 1; steps < 40; steps++)
                {
                    var cut = new WindowCut(length, stride);
                    var starts = Enumerable.Range(0, cut.Count(steps)).Select(w => cut.Start(w, steps)).ToArray();
                    Assert.Equal(Math.Min(length, steps), cut.Steps(steps));
                    Assert.Equal(0, starts[0]);
                    Assert.Equal(steps, starts[^1] + cut.Steps(steps));
                    Assert.All(starts.Zip(starts.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 1, stride));
                }
            }
        }
    }

    [Fact]
    public void Start_LongestSequence_DoesNotOverflow()
    {
        var cut = new WindowCut(int.MaxValue - 1, int.MaxValue - 1);
        Assert.Equal(2, cut.Count(int.MaxValue));
        Assert.Equal(1, cut.Start(1, int.MaxValue));
    }
}
