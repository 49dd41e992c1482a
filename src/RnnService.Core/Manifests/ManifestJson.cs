using System.Text.Json;
using System.Text.Json.Serialization;
using RnnService.Core.Features;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Manifests;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    Converters =
    [
        typeof(EnumConverter<Decoding>), typeof(EnumConverter<HeadActivation>), typeof(EnumConverter<ScoredLabels>),
        typeof(EnumConverter<MissingValues>), typeof(EnumConverter<MaskMarks>), typeof(EnumConverter<SequenceLayout>),
    ])]
[JsonSerializable(typeof(ModelManifest))]
[JsonSerializable(typeof(LabelsDocument))]
internal sealed partial class ManifestJson : JsonSerializerContext;

/// <summary>Writes the values of an enum as people write them: <c>batch_first</c>.</summary>
internal sealed class EnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
