using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace RnnService.Core.Manifests;

/// <summary>
/// Compares a JSON document with the type that it is to become, before it does: the serializer stops at the first thing that is wrong,
/// and tells it in terms of the code. What is allowed is what the published schema says: types, names, and the limits that attributes set.
/// </summary>
internal static class DocumentShape
{
    /// <param name="root">The document.</param>
    /// <param name="type">What it is to become.</param>
    /// <param name="file">Name of the document, for texts.</param>
    /// <param name="faults">Receives everything that does not fit.</param>
    public static void Check(JsonElement root, JsonTypeInfo type, string file, List<Fault> faults)
    {
        if (root.ValueKind != JsonValueKind.Object)
            faults.Add(new Fault("", $"{file} is {Kind(root)}; it must be an object."));
        else
            CheckObject(root, type, "", faults);
    }

    private static void CheckValue(JsonElement value, JsonTypeInfo type, Limits limits, string pointer, List<Fault> faults)
    {
        var plain = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        bool fits = plain switch
        {
            _ when plain.IsEnum || plain == typeof(string) => value.ValueKind == JsonValueKind.String,
            _ when plain == typeof(int) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _),
            _ when plain == typeof(double) => value.ValueKind == JsonValueKind.Number,
            _ when type.Kind == JsonTypeInfoKind.Enumerable => value.ValueKind == JsonValueKind.Array,
            _ => value.ValueKind == JsonValueKind.Object,
        };
        if (!fits)
            faults.Add(new Fault(pointer, $"It must be {Wanted(plain, type.Kind)}, not {Kind(value)}."));
        else if (plain.IsEnum)
            CheckChoice(value, EnumNames(plain), pointer, faults);
        else if (plain == typeof(string))
            CheckText(value, limits, pointer, faults);
        else if (plain == typeof(int) || plain == typeof(double))
            CheckNumber(value, limits, pointer, faults);
        else if (type.Kind == JsonTypeInfoKind.Enumerable)
            CheckList(value, type, limits, pointer, faults);
        else if (type.Kind == JsonTypeInfoKind.Dictionary)
            CheckMap(value, type, limits, pointer, faults);
        else
            CheckObject(value, type, pointer, faults);
    }

    private static void CheckObject(JsonElement value, JsonTypeInfo type, string pointer, List<Fault> faults)
    {
        foreach (var field in value.EnumerateObject())
        {
            var property = type.Properties.FirstOrDefault(p => p.Name == field.Name);
            var at = Fault.Child(pointer, field.Name);
            if (property is null)
                faults.Add(new Fault(at, $"Unknown field \"{field.Name}\"; the fields here are {string.Join(", ", type.Properties.Select(p => p.Name))}. Correct the name or remove the field."));
            else if (field.Value.ValueKind != JsonValueKind.Null)
                CheckValue(field.Value, Info(property.PropertyType, type), Limits.Of(property), at, faults);
            else if (!MayBeNull(property))
                faults.Add(new Fault(at, $"It must be {Wanted(property.PropertyType, Info(property.PropertyType, type).Kind)}, not null."));
        }
        foreach (var missing in type.Properties.Where(p => IsRequired(p) && !value.TryGetProperty(p.Name, out _)))
            faults.Add(new Fault(Fault.Child(pointer, missing.Name), $"The field \"{missing.Name}\" is missing; it is {Wanted(missing.PropertyType, Info(missing.PropertyType, type).Kind)}."));
    }

    private static void CheckList(JsonElement value, JsonTypeInfo type, Limits limits, string pointer, List<Fault> faults)
    {
        if (value.GetArrayLength() < limits.MinLength)
            faults.Add(new Fault(pointer, "The list is empty; it needs at least one entry."));
        int i = 0;
        foreach (var item in value.EnumerateArray())
            CheckValue(item, Info(type.ElementType!, type), limits, $"{pointer}/{i++}", faults);
    }

    private static void CheckMap(JsonElement value, JsonTypeInfo type, Limits limits, string pointer, List<Fault> faults)
    {
        foreach (var field in value.EnumerateObject())
            CheckValue(field.Value, Info(type.ElementType!, type), limits, Fault.Child(pointer, field.Name), faults);
    }

    private static void CheckText(JsonElement value, Limits limits, string pointer, List<Fault> faults)
    {
        if (limits.Choices is { } choices)
            CheckChoice(value, choices, pointer, faults);
        else if (value.GetString()!.Length < limits.MinLength)
            faults.Add(new Fault(pointer, "The text is empty; it must be a name, or the field left out."));
    }

    private static void CheckChoice(JsonElement value, IReadOnlyList<string> choices, string pointer, List<Fault> faults)
    {
        if (!choices.Contains(value.GetString()!, StringComparer.Ordinal))
            faults.Add(new Fault(pointer, $"Unknown value \"{value.GetString()}\"; use {(choices.Count == 1 ? "" : "one of ")}{string.Join(", ", choices)}."));
    }

    private static void CheckNumber(JsonElement value, Limits limits, string pointer, List<Fault> faults)
    {
        double number = value.GetDouble();
        if (limits.Range is { } range && !range.Holds(number))
            faults.Add(new Fault(pointer, $"It must be {range}, not {value.GetRawText()}."));
        else if (!double.IsFinite(number))
            faults.Add(new Fault(pointer, $"The number {value.GetRawText()} is too large; it must be finite in double precision."));
    }

    internal static bool MayBeNull(JsonPropertyInfo property) =>
        property.PropertyType.IsValueType ? Nullable.GetUnderlyingType(property.PropertyType) is not null : property.AssociatedParameter?.IsNullable ?? property.IsSetNullable;

    internal static bool IsRequired(JsonPropertyInfo property) => property.IsRequired || property.AssociatedParameter is { HasDefaultValue: false, IsMemberInitializer: false };

    /// <summary>The values of an enum as documents write them.</summary>
    internal static string[] EnumNames(Type type) => [.. Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)];

    private static JsonTypeInfo Info(Type type, JsonTypeInfo from) => from.Options.GetTypeInfo(type);

    private static string Wanted(Type type, JsonTypeInfoKind kind)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum ? $"one of {string.Join(", ", EnumNames(plain))}"
            : plain == typeof(string) ? "a text"
            : plain == typeof(int) ? "a whole number"
            : plain == typeof(double) ? "a number"
            : kind == JsonTypeInfoKind.Enumerable ? "a list"
            : "an object";
    }

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        JsonValueKind.String => $"the text \"{value.GetString()}\"",
        JsonValueKind.Number => $"the number {value.GetRawText()}",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };

    /// <summary>What attributes say of a field; for a list or a map, of its entries, but for the length.</summary>
    private readonly record struct Limits(NumberRange? Range, int MinLength, IReadOnlyList<string>? Choices)
    {
        public static Limits Of(JsonPropertyInfo property) => new(
            Attribute<RangeAttribute>(property) is { } range ? new NumberRange(range) : null,
            Attribute<MinLengthAttribute>(property)?.Length ?? 0,
            Attribute<AllowedValuesAttribute>(property)?.Values.Cast<string>().ToArray());

        private static T? Attribute<T>(JsonPropertyInfo property)
            where T : Attribute => property.AttributeProvider?.GetCustomAttributes(typeof(T), inherit: false) is [T attribute, ..] ? attribute : null;
    }

    private sealed record NumberRange(double Least, double Most, bool Above)
    {
        public NumberRange(RangeAttribute range)
            : this(Number(range.Minimum), Number(range.Maximum), range.MinimumIsExclusive)
        {
        }

        public bool Holds(double number) => (Above ? number > Least : number >= Least) && number <= Most;

        public override string ToString() =>
            Most is int.MaxValue or float.MaxValue && Least >= 0 ? $"{(Above ? "above" : "at least")} {Least}"
            : Most == float.MaxValue ? "finite in single precision"
            : $"{Least} to {Most}";

        private static double Number(object limit) => Convert.ToDouble(limit, System.Globalization.CultureInfo.InvariantCulture);
    }
}
