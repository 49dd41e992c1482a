namespace RnnService.Core.Manifests;

/// <summary>The published JSON Schemas (draft 2020-12) of the documents beside a graph, as UTF-8. A test holds them in step with the types.</summary>
public static class ManifestSchemas
{
    /// <summary>The schema of <c>model.json</c>.</summary>
    public static ReadOnlyMemory<byte> Model { get; } = Read("model.schema.json");

    /// <summary>The schema of <c>labels.json</c>.</summary>
    public static ReadOnlyMemory<byte> Labels { get; } = Read("labels.schema.json");

    private static byte[] Read(string name)
    {
        using var resource = typeof(ManifestSchemas).Assembly.GetManifestResourceStream(name)!;
        var text = new byte[resource.Length];
        resource.ReadExactly(text);
        return text;
    }
}
