using RnnService.Core.Batching;

namespace RnnService.Core.Tests.Batching;

public sealed class BatchCostsTests
{
    [Fact]
    public void Fit_PointsOnLines_FindsThem()
    {
        var costs = BatchCosts.Fit([.. from rows in new[] { 1, 4, 16 } from time in new[] { 2, 10, 50 } select new CostPoint(rows, time, 20 + rows + time * (3 + 2 * rows))]);
        Assert.Equal(20 + 4 + 30 * 11, costs.Predict(4, 30), 6);
        Assert.Equal(20 + 16 + 5 * 35, costs.Predict(16, 5), 6);
    }

    [Fact]
    public void Predict_BetweenMeasuredRows_IsBetweenTheirCosts()
    {
        var costs = BatchCosts.Fit([new(1, 10, 100), new(3, 10, 140)]);
        Assert.Equal(120, costs.Predict(2, 10), 6);
    }

    [Fact]
    public void Predict_MoreRowsThanMeasured_GrowsInProportion()
    {
        var costs = BatchCosts.Fit([new(1, 10, 100), new(8, 10, 400)]);
        Assert.Equal(800, costs.Predict(16, 10), 6);
    }

    [Fact]
    public void Fit_NoisyShortBatches_NeverPredictsLessThanNothing()
    {
        var costs = BatchCosts.Fit([new(1, 4, 10), new(1, 16, 90), new(1, 48, 400)]);
        Assert.All(Enumerable.Range(1, 100), t => Assert.True(costs.Predict(1, t) > 0));
    }
}
