using System.Text;
using RnnService.Core.Features;
using RnnService.Core.Manifests;
using RnnService.Core.Taxonomy;
using RnnService.TestData;

namespace RnnService.Core.Tests.Manifests;

public sealed class ModelManifestTests
{
    [Fact]
    public void Parse_ShippedManifest_IsValid()
    {
        var faults = new List<Fault>();
        var manifest = ModelManifest.Parse(File.ReadAllBytes(RepositoryRoot.Combine("models", "questions", "1", "model.json")), faults);
        Assert.Empty(faults);
        Assert.Equal(["coarse", "fine"], manifest!.Heads!.Select(h => h.Level));
        Assert.Equal("words", manifest.Tokenizer!.Kind);
    }

    [Fact]
    public void Parse_EmptyObject_LeavesEverythingOpen()
    {
        var faults = new List<Fault>();
        Assert.Equal(new ModelManifest(), ModelManifest.Parse("{}"u8, faults));
        Assert.Empty(faults);
    }

    [Fact]
    public void Parse_EveryFieldOfATextModel_IsRead()
    {
        var manifest = Parse("""
            {"$schema":"model.schema.json","description":"d","input":"i","lengths":"l","mask":"m","mask_marks":"padding","states":["h","c"],"fill":{"drop":0.5},
             "layout":"time_major","padding_id":1,"heads":[{"output":"o","level":"v","activation":"log_softmax"}],
             "tokenizer":{"kind":"words"},"decoding":"top_down","threshold":0.5,"max_length":9}
            """, out var faults);
        Assert.Empty(faults);
        Assert.Equal("model.schema.json", manifest!.Schema);
        Assert.Equal("d", manifest.Description);
        Assert.Equal("i", manifest.Input);
        Assert.Equal("l", manifest.Lengths);
        Assert.Equal("m", manifest.Mask);
        Assert.Equal(MaskMarks.Padding, manifest.MaskMarks);
        Assert.Equal(["h", "c"], manifest.States!);
        Assert.Equal(0.5, manifest.Fill!["drop"]);
        Assert.Equal(SequenceLayout.TimeMajor, manifest.Layout);
        Assert.Equal(1, manifest.PaddingId);
        Assert.Equal(new HeadManifest("o", "v", Activation: HeadActivation.LogSoftmax), Assert.Single(manifest.Heads!));
        Assert.Equal(new TokenizerManifest("words"), manifest.Tokenizer);
        Assert.Equal<Decoding?>(Decoding.TopDown, manifest.Decoding);
        Assert.Equal(0.5, manifest.Threshold);
        Assert.Equal(9, manifest.MaxLength);
    }

    [Fact]
    public void Parse_EveryFieldOfFeatures_IsRead()
    {
        var features = Parse("""
            {"features":{"channels":["x","y"],"mean":[0,-1.5],"std":[1,2],"missing":"forward_fill","clip":5,"window":{"length":8,"stride":4}}}
            """, out var faults)?.Features;
        Assert.Empty(faults);
        Assert.Equal(["x", "y"], features!.Channels!);
        Assert.Equal([0, -1.5], features.Mean!);
        Assert.Equal([1, 2], features.Std!);
        Assert.Equal(MissingValues.ForwardFill, features.Missing);
        Assert.Equal(5, features.Clip);
        Assert.Equal(new WindowCut(8, 4), features.Window!.Cut);
    }

    [Fact]
    public void Parse_WindowWithoutStride_DoesNotOverlap() =>
        Assert.Equal(new WindowCut(8, 8), Parse("""{"features":{"window":{"length":8}}}""", out _)!.Features!.Window!.Cut);

    [Fact]
    public void Parse_NullInAFieldThatMayBeAbsent_IsAbsent() =>
        Assert.Equal(new ModelManifest(), Parse("""{"input":null,"layout":null,"heads":null,"threshold":null}""", out _));

    [Fact]
    public void Parse_ByteOrderMark_IsNoFault() => Assert.NotNull(Parse("\uFEFF{}", out _));

    [Theory]
    [InlineData("null", "", "model.json is null")]
    [InlineData("", "", "model.json cannot be read as JSON")]
    [InlineData("{", "", "model.json cannot be read as JSON")]
    [InlineData("[1]", "", "model.json is a list")]
    [InlineData("""{"input":"a","input":"b"}""", "", "input")]
    [InlineData("""{"max_lenght":9}""", "/max_lenght", "padding_id, heads, tokenizer, features, decoding, threshold, max_length")]
    [InlineData("""{"MaxLength":9}""", "/MaxLength", "Unknown field")]
    [InlineData("""{"a/b~c":9}""", "/a~1b~0c", "Unknown field")]
    [InlineData("""{"threshold":"0.5"}""", "/threshold", "a number, not the text \"0.5\"")]
    [InlineData("""{"max_length":1.5}""", "/max_length", "a whole number, not the number 1.5")]
    [InlineData("""{"max_length":true}""", "/max_length", "not true")]
    [InlineData("""{"input":7}""", "/input", "a text, not the number 7")]
    [InlineData("""{"input":""}""", "/input", "empty")]
    [InlineData("""{"layout":"batch"}""", "/layout", "batch_first, time_major")]
    [InlineData("""{"layout":"Batch_First"}""", "/layout", "batch_first, time_major")]
    [InlineData("""{"layout":0}""", "/layout", "one of batch_first, time_major, not the number 0")]
    [InlineData("""{"mask_marks":"ones"}""", "/mask_marks", "sequence, padding")]
    [InlineData("""{"decoding":"best"}""", "/decoding", "best_path, top_down, independent")]
    [InlineData("""{"padding_id":-1}""", "/padding_id", "at least 0, not -1")]
    [InlineData("""{"states":"h"}""", "/states", "a list")]
    [InlineData("""{"states":[null]}""", "/states/0", "a text, not null")]
    [InlineData("""{"states":[""]}""", "/states/0", "empty")]
    [InlineData("""{"fill":{"x":"1"}}""", "/fill/x", "a number")]
    [InlineData("""{"fill":{"x":1e999}}""", "/fill/x", "finite")]
    [InlineData("""{"fill":{"":1}}""", "/fill/", "empty")]
    [InlineData("""{"heads":{}}""", "/heads", "a list, not an object")]
    [InlineData("""{"heads":[]}""", "/heads", "at least one entry")]
    [InlineData("""{"heads":[null]}""", "/heads/0", "an object, not null")]
    [InlineData("""{"heads":[{"level":"x"}]}""", "/heads/0/output", "missing")]
    [InlineData("""{"heads":[{"output":null}]}""", "/heads/0/output", "not null")]
    [InlineData("""{"heads":[{"output":""}]}""", "/heads/0/output", "empty")]
    [InlineData("""{"heads":[{"output":"x","weight":1}]}""", "/heads/0/weight", "output, level, scores, children_of, activation")]
    [InlineData("""{"heads":[{"output":"x","scores":"all"}]}""", "/heads/0/scores", "leaves, nodes")]
    [InlineData("""{"heads":[{"output":"x","activation":"tanh"}]}""", "/heads/0/activation", "logits, log_softmax, softmax, sigmoid")]
    [InlineData("""{"tokenizer":{}}""", "/tokenizer/kind", "missing")]
    [InlineData("""{"tokenizer":{"kind":"bytes"}}""", "/tokenizer/kind", "words")]
    [InlineData("""{"threshold":-0.1}""", "/threshold", "0 to 1")]
    [InlineData("""{"threshold":1e999}""", "/threshold", "0 to 1")]
    [InlineData("""{"threshold":-1e999}""", "/threshold", "0 to 1")]
    [InlineData("""{"max_length":0}""", "/max_length", "at least 1")]
    [InlineData("""{"features":{"channels":[]}}""", "/features/channels", "at least one entry")]
    [InlineData("""{"features":{"channels":["a","a"]}}""", "/features/channels/1", "twice")]
    [InlineData("""{"features":{"channels":["a"," "]}}""", "/features/channels/1", "name")]
    [InlineData("""{"features":{"mean":[1,null]}}""", "/features/mean/1", "not null")]
    [InlineData("""{"features":{"mean":[1e300]}}""", "/features/mean/0", "single precision")]
    [InlineData("""{"features":{"std":[1,0]}}""", "/features/std/1", "above 0, not 0")]
    [InlineData("""{"features":{"channels":["a"],"std":[1,1]}}""", "/features/std", "2 entries and /features/channels 1")]
    [InlineData("""{"features":{"channels":["a"],"mean":[1,1]}}""", "/features/mean", "2 entries and /features/channels 1")]
    [InlineData("""{"features":{"mean":[0],"std":[1,1]}}""", "/features/std", "2 entries and /features/mean 1")]
    [InlineData("""{"features":{"missing":"skip"}}""", "/features/missing", "refuse, forward_fill, mean, zero, mask")]
    [InlineData("""{"features":{"clip":0}}""", "/features/clip", "above 0")]
    [InlineData("""{"features":{"window":{}}}""", "/features/window/length", "missing")]
    [InlineData("""{"features":{"window":{"length":0}}}""", "/features/window/length", "at least 1")]
    [InlineData("""{"features":{"window":{"length":4,"stride":0}}}""", "/features/window/stride", "at least 1")]
    [InlineData("""{"features":{"window":{"length":4,"stride":5}}}""", "/features/window/stride", "5 time steps leaves out steps between windows of 4")]
    [InlineData("""{"max_length":9,"features":{"window":{"length":10}}}""", "/features/window/length", "10 time steps is longer than /max_length, 9")]
    [InlineData("""{"features":{},"tokenizer":{"kind":"words"}}""", "/tokenizer", "/features")]
    [InlineData("""{"features":{},"padding_id":0}""", "/padding_id", "/features")]
    [InlineData("""{"input":"x","lengths":"x"}""", "/lengths", "/input")]
    [InlineData("""{"lengths":"x","mask":"x"}""", "/mask", "/lengths")]
    [InlineData("""{"mask":"x","states":["h","x"]}""", "/states/1", "/mask")]
    [InlineData("""{"states":["h","h"]}""", "/states/1", "/states/0")]
    [InlineData("""{"states":["a/b"],"fill":{"a/b":1}}""", "/fill/a~1b", "/states/0")]
    [InlineData("""{"heads":[{"output":"x"},{"output":"x"}]}""", "/heads/1/output", "two heads")]
    [InlineData("""{"heads":[{"output":"x","level":"a"},{"output":"y","level":"a"}]}""", "/heads/1/level", "two heads")]
    [InlineData("""{"heads":[{"output":"x","children_of":"/"},{"output":"y","children_of":""}]}""", "/heads/1/children_of", "two heads")]
    [InlineData("""{"heads":[{"output":"x","level":"a","scores":"leaves"}]}""", "/heads/0", "one of level, scores and children_of")]
    [InlineData("""{"heads":[{"output":"x","level":"a"},{"output":"y","children_of":"b"}]}""", "/heads/1", "by children_of, and the first head by level")]
    [InlineData("""{"heads":[{"output":"x","level":"a"},{"output":"y"}]}""", "/heads/1", "by nothing, and the first head by level")]
    [InlineData("""{"heads":[{"output":"x","scores":"nodes"},{"output":"y","scores":"leaves"}]}""", "/heads", "2 are listed")]
    public void Parse_WhatCannotBe_IsOneFaultThatNamesThePlaceAndTheRemedy(string json, string pointer, string part)
    {
        Assert.Null(Parse(json, out var faults));
        Faults.AssertSingle(faults, pointer, part);
    }

    [Fact]
    public void Parse_SeveralFaults_ListsAll()
    {
        const string json = """
            {"decoding":"best","threshold":1.5,"max_length":0,"tokenizer":{"kind":"bytes"},"heads":[{"output":"o","colour":1},{"output":""}],"features":{"std":[-1,"x"]}}
            """;
        Assert.Null(Parse(json, out var faults));
        Faults.AssertPointers(faults, "/decoding", "/threshold", "/max_length", "/tokenizer/kind", "/heads/0/colour", "/heads/1/output", "/features/std/0", "/features/std/1");
    }

    [Fact]
    public void Parse_SeveralContradictions_ListsAll()
    {
        const string json = """
            {"input":"x","mask":"x","padding_id":0,"heads":[{"output":"o","level":"v"},{"output":"o","level":"v"}],
             "features":{"channels":["a"],"mean":[1,2],"std":[1,2],"window":{"length":1,"stride":2}}}
            """;
        Assert.Null(Parse(json, out var faults));
        Faults.AssertPointers(faults, "/mask", "/heads/1/output", "/heads/1/level", "/features/mean", "/features/std", "/features/window/stride", "/padding_id");
    }

    private static ModelManifest? Parse(string json, out List<Fault> faults) => ModelManifest.Parse(Encoding.UTF8.GetBytes(json), faults = []);
}
