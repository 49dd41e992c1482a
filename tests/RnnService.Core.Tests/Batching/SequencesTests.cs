using RnnService.Core.Batching;

namespace RnnService.Core.Tests.Batching;

public sealed class SequencesTests
{
    [Fact]
    public void Add_ManySequences_KeepsEachAsWritten()
    {
        using var sequences = new Sequences<int>();
        for (int i = 0; i < 300; i++)
        {
            for (int t = 0; t < i; t++)
                sequences.Add((1000 * i) + t);
            Assert.Equal(i, sequences.OpenLength);
            sequences.Finish();
        }
        Assert.Equal(300, sequences.Count);
        for (int i = 0; i < 300; i++)
        {
            Assert.Equal(i, sequences.Length(i));
            Assert.Equal(Enumerable.Range(1000 * i, i), sequences[i].ToArray());
        }
    }

    [Fact]
    public void DropOpen_AfterSome_LeavesFinishedOnes()
    {
        using var sequences = new Sequences<int>();
        sequences.Add(1);
        sequences.Finish();
        sequences.Add(2);
        sequences.DropOpen();
        sequences.Add(3);
        sequences.Finish();
        Assert.Equal([1], sequences[0].ToArray());
        Assert.Equal([3], sequences[1].ToArray());
    }

    [Fact]
    public void Dispose_Twice_LeavesNothing()
    {
        var sequences = new Sequences<int>();
        sequences.Add(1);
        sequences.Finish();
        sequences.Dispose();
        sequences.Dispose();
        Assert.Equal(0, sequences.Count);
    }
}
