using Microsoft.ML.OnnxRuntime.Tensors;
using RnnService.Inference.Batching;
using RnnService.Inference.Onnx;

namespace RnnService.Inference.Tests.Batching;

public sealed class BatchTensorsTests
{
    [Theory]
    [InlineData(64, 4096, 1 << 20, 2)]    // more values than an array has
    [InlineData(64, 4096, 1 << 12, 2)]    // as many, but of four bytes each
    [InlineData(64, 4, 1, 1 << 26)]       // more numbers of a head
    public void Reset_BatchLargerThanAnArray_FailsAsOneBatchMayFail(int rows, int time, int width, int numbers)
    {
        var input = new SequenceInput("x", TensorElementType.Float, SequenceKind.Features, [-1, -1, width], 0, 1, 2, width);
        var tensors = new BatchTensors(new ModelSignature(input, [], [new Head("y", numbers, 0)]));
        Assert.True(OnnxRunner.IsOfTheBatch(Assert.Throws<OverflowException>(() => tensors.Reset(rows, time))));
    }
}
