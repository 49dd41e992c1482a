using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using System.Xml.XPath;

namespace RnnService.Core.Tests.Manifests;

/// <summary>Writes the JSON Schema of a document from its type: shapes from the serializer, limits from attributes, descriptions from docstrings.</summary>
internal static partial class SchemaWriter
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly XDocument Docs = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "RnnService.Core.xml"));

    public static string Write(JsonTypeInfo type, string title)
    {
        var body = type.GetJsonSchemaAsNode(new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Complete }).AsObject();
        var schema = new JsonObject { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["title"] = title };
        foreach (var (name, value) in body.Where(field => !schema.ContainsKey(field.Key)).ToArray())
            schema[name] = value?.DeepClone();
        schema["type"] = "object";   // the exporter lets a whole document be null
        return schema.ToJsonString(Readable) + "\n";
    }

    private static JsonNode Complete(JsonSchemaExporterContext context, JsonNode node)
    {
        if (node is not JsonObject schema)
            return node;
        if (context.PropertyInfo is { } property && context.TypeInfo.Type == property.PropertyType)
            Limit(schema, property);
        if (schema["default"] is null)
            schema.Remove("default");
        if (Description(context) is { } text)
            schema.Insert(0, "description", text);
        return schema;
    }

    private static void Limit(JsonObject schema, JsonPropertyInfo property)
    {
        object[] attributes = property.AttributeProvider?.GetCustomAttributes(inherit: false) ?? [];
        var entries = (schema["items"] ?? schema["additionalProperties"]) as JsonObject ?? schema;
        foreach (var attribute in attributes)
        {
            switch (attribute)
            {
                case RangeAttribute range:
                    entries[range.MinimumIsExclusive ? "exclusiveMinimum" : "minimum"] = Number(range.Minimum);
                    entries["maximum"] = Number(range.Maximum);
                    break;
                case MinLengthAttribute length:
                    schema[entries == schema ? "minLength" : "minItems"] = length.Length;
                    break;
                case AllowedValuesAttribute allowed:
                    schema["enum"] = new JsonArray([.. allowed.Values.Select(v => JsonValue.Create((string)v!))]);
                    break;
            }
        }
    }

    private static JsonNode Number(object limit) => limit is int whole ? whole : Convert.ToDouble(limit, CultureInfo.InvariantCulture);

    private static string? Description(JsonSchemaExporterContext context)
    {
        if (context.PropertyInfo is { } property && context.TypeInfo.Type == property.PropertyType)
        {
            var member = property.DeclaringType.GetProperties().First(p => property.Options.PropertyNamingPolicy!.ConvertName(p.Name) == property.Name || "$" + property.Options.PropertyNamingPolicy.ConvertName(p.Name) == property.Name);
            return Text($"/doc/members/member[@name='P:{property.DeclaringType.FullName}.{member.Name}']/summary")
                ?? Text($"/doc/members/member[@name='T:{property.DeclaringType.FullName}']/param[@name='{member.Name}']");
        }
        return context.PropertyInfo is null ? Text($"/doc/members/member[@name='T:{context.TypeInfo.Type.FullName}']/summary") : null;
    }

    private static string? Text(string path) =>
        Docs.XPathSelectElement(path) is { } element ? Spaces().Replace(string.Concat(element.DescendantNodes().OfType<XText>()), " ").Trim() : null;

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
