namespace RnnService.Core.Tensors;

/// <summary>Element types of the Open Inference Protocol, version 2. The names are those on the wire, in upper case there.</summary>
public enum Datatype
{
    Bool,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,

    /// <summary>Byte strings of any length each.</summary>
    Bytes,
}

public static class Datatypes
{
    private static readonly string[] Names = [.. Enum.GetNames<Datatype>().Select(n => n.ToUpperInvariant())];

    /// <summary>All names, for texts.</summary>
    public static string All { get; } = string.Join(", ", Names);

    /// <summary>The name on the wire, for example <c>FP32</c>.</summary>
    public static string Name(this Datatype type) => Names[(int)type];

    /// <returns>Null when there is no such datatype.</returns>
    public static Datatype? Parse(string name)
    {
        int index = Array.IndexOf(Names, name);
        return index < 0 ? null : (Datatype)index;
    }

    /// <summary>Bytes of one element; 0 for <see cref="Datatype.Bytes"/>, whose elements differ.</summary>
    public static int Size(this Datatype type) => type switch
    {
        Datatype.Bool or Datatype.UInt8 or Datatype.Int8 => 1,
        Datatype.UInt16 or Datatype.Int16 or Datatype.Fp16 => 2,
        Datatype.UInt32 or Datatype.Int32 or Datatype.Fp32 => 4,
        Datatype.Bytes => 0,
        _ => 8,
    };
}
