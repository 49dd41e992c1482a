namespace RnnService.Core.Tests;

public sealed class FaultTests
{
    [Fact]
    public void ToString_WholeDocument_IsDetail() => Assert.Equal("Wrong.", new Fault("", "Wrong.").ToString());

    [Fact]
    public void ToString_Field_BeginsWithPointer() => Assert.Equal("/a/0: Wrong.", new Fault("/a/0", "Wrong.").ToString());
}
