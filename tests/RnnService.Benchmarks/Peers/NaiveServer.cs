using System.Numerics.Tensors;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;
using RnnService.Inference.Onnx;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace RnnService.Benchmarks.Peers;

/// <summary>
/// What one writes first: a minimal API around one shared session, one run a request, a request of several sequences padded to its longest.
/// Not made of straw: one thread a run, which is best under load, server collection, and an answer that is shorter than the service's.
/// </summary>
internal static class NaiveServer
{
    public const string ReadyPath = "/health";

    /// <summary>The child process: serves until its standard input ends or it is killed.</summary>
    public static int Run(Arguments arguments)
    {
        int port = (int)arguments.Number("--port", 8081, 1);
        var model = TestedModel.Find(arguments);
        arguments.RefuseOthers();
        NativeRuntime.Prepare();
        using var settings = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        using var session = new InferenceSession(model.Graph, settings);

        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = ["--urls", $"http://127.0.0.1:{port}"], ContentRootPath = Path.GetTempPath() });
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.MapGet(ReadyPath, () => "ready");
        app.MapPost("/predict", (NaiveRequest request) => Predict(session, request));
        app.Run();
        return 0;
    }

    private static NaiveAnswer Predict(InferenceSession session, NaiveRequest request)
    {
        var inputs = request.Inputs;
        int rows = inputs.Length;
        int time = inputs.Max(i => i.Ids.Length);
        var ids = new long[rows * time];
        var lengths = new long[rows];
        for (int row = 0; row < rows; row++)
        {
            inputs[row].Ids.CopyTo(ids, row * time);
            lengths[row] = inputs[row].Ids.Length;
        }
        using var idsValue = OrtValue.CreateTensorValueFromMemory(ids, [rows, time]);
        using var lengthsValue = OrtValue.CreateTensorValueFromMemory(lengths, [rows]);
        using var options = new RunOptions();
        using var outputs = session.Run(options, [TestedModel.IdsInput, TestedModel.LengthsInput], [idsValue, lengthsValue], TestedModel.Heads);
        var predictions = new NaivePrediction[rows];
        for (int row = 0; row < rows; row++)
            predictions[row] = new NaivePrediction(Best(outputs[0], rows, row), Best(outputs[1], rows, row));
        return new NaiveAnswer(predictions);
    }

    private static NaiveLabel Best(OrtValue logits, int rows, int row)
    {
        var all = logits.GetTensorDataAsSpan<float>();
        int width = all.Length / rows;
        Span<float> probabilities = new float[width];
        TensorPrimitives.SoftMax(all.Slice(row * width, width), probabilities);
        int best = TensorPrimitives.IndexOfMax(probabilities);
        return new NaiveLabel(best, probabilities[best]);
    }
}

internal sealed record NaiveRequest(NaiveInput[] Inputs);

internal sealed record NaiveInput(long[] Ids);

internal sealed record NaiveAnswer(NaivePrediction[] Predictions);

internal sealed record NaivePrediction(NaiveLabel Coarse, NaiveLabel Fine);

internal sealed record NaiveLabel(int Label, float Probability);
