using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace RnnService.Core.Manifests;

/// <summary>Reads a JSON document into a record, and lists everything in it that does not belong there.</summary>
internal static class Document
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];   // some editors begin a file with it

    /// <returns>Null when faults were added.</returns>
    public static T? Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, string file, List<Fault> faults)
        where T : class
    {
        int before = faults.Count;
        try
        {
            using var document = JsonDocument.Parse((json.StartsWith(ByteOrderMark) ? json[ByteOrderMark.Length..] : json).ToArray(), Strict);
            DocumentShape.Check(document.RootElement, type, file, faults);
            return faults.Count == before ? document.RootElement.Deserialize(type) : null;
        }
        catch (JsonException e)
        {
            faults.Add(new Fault("", $"{file} cannot be read as JSON: {e.Message} Correct the file there."));
            return null;
        }
    }
}
