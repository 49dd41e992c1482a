using RnnService.Core.Numerics;

namespace RnnService.Core.Tests.Numerics;

public sealed class SoftmaxTests
{
    [Fact]
    public void TryApply_KnownLogits_GivesTheirShares()
    {
        double[] values = [0, Math.Log(2), Math.Log(5)];
        Assert.True(Softmax.TryApply(values));
        Assert.Equal(1 / 8.0, values[0], 1e-15);
        Assert.Equal(2 / 8.0, values[1], 1e-15);
        Assert.Equal(5 / 8.0, values[2], 1e-15);
    }

    [Theory]
    [InlineData(1e30, -1e30, 0)]
    [InlineData(double.MaxValue, double.MaxValue, double.MinValue)]
    [InlineData(-745, -746, double.NegativeInfinity)]
    [InlineData(-1e308, -1e308, -1e308)]
    public void TryApply_ExtremeLogits_SumsToOne(double a, double b, double c)
    {
        double[] values = [a, b, c];
        Assert.True(Softmax.TryApply(values));
        Assert.All(values, v => Assert.InRange(v, 0, 1));
        Assert.Equal(1, values.Sum(), 1e-12);
    }

    [Fact]
    public void TryApply_NegativeInfinity_IsImpossible()
    {
        double[] values = [double.NegativeInfinity, 3];
        Assert.True(Softmax.TryApply(values));
        Assert.Equal([0, 1], values);
    }

    [Theory]
    [InlineData(double.NaN, 0)]
    [InlineData(0, double.NaN)]
    [InlineData(0, double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity, double.NegativeInfinity)]
    public void TryApply_NoDistribution_IsFalse(double a, double b) => Assert.False(Softmax.TryApply([a, b]));

    [Fact]
    public void TryApply_Nothing_IsFalse() => Assert.False(Softmax.TryApply([]));
}
