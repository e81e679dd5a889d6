namespace Backbones.Weights;

/// <summary>Element type of a stored tensor.</summary>
/// <remarks>In the order in which the safetensors reference writer ranks types (the highest is written first), so that
/// our files come out byte for byte the same.</remarks>
public enum DType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>8-bit unsigned integer.</summary>
    UInt8,
    /// <summary>8-bit signed integer.</summary>
    Int8,
    /// <summary>8 bits, of which 5 are exponent and 2 mantissa; with infinities.</summary>
    Float8E5M2,
    /// <summary>8 bits, of which 4 are exponent and 3 mantissa; without infinities (PyTorch's <c>float8_e4m3fn</c>).</summary>
    Float8E4M3,
    /// <summary>16-bit signed integer.</summary>
    Int16,
    /// <summary>16-bit unsigned integer.</summary>
    UInt16,
    /// <summary>IEEE half precision.</summary>
    Float16,
    /// <summary>The upper 16 bits of a <see cref="Float32"/>.</summary>
    BFloat16,
    /// <summary>32-bit signed integer.</summary>
    Int32,
    /// <summary>32-bit unsigned integer.</summary>
    UInt32,
    /// <summary>IEEE single precision.</summary>
    Float32,
    /// <summary>IEEE double precision.</summary>
    Float64,
    /// <summary>64-bit signed integer.</summary>
    Int64,
    /// <summary>64-bit unsigned integer.</summary>
    UInt64,
}

/// <summary>Facts about element types.</summary>
internal static class DTypes
{
    private static readonly string[] Codes = ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "F64", "I64", "U64"];

    /// <summary>Size of one element in bytes.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.Bool or DType.UInt8 or DType.Int8 or DType.Float8E5M2 or DType.Float8E4M3 => 1,
        DType.Int16 or DType.UInt16 or DType.Float16 or DType.BFloat16 => 2,
        DType.Int32 or DType.UInt32 or DType.Float32 => 4,
        DType.Float64 or DType.Int64 or DType.UInt64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>Whether the elements are floating point numbers.</summary>
    public static bool IsFloat(this DType type)
        => type is DType.Float8E5M2 or DType.Float8E4M3 or DType.Float16 or DType.BFloat16 or DType.Float32 or DType.Float64;

    /// <summary>The name that safetensors headers use, such as <c>F32</c>.</summary>
    internal static string Code(this DType type) => Codes[(int)type];

    /// <summary>The type that a safetensors header names.</summary>
    internal static bool TryParseCode(string code, out DType type)
    {
        int index = Array.IndexOf(Codes, code);
        type = index < 0 ? default : (DType)index;
        return index >= 0;
    }

    /// <summary>All safetensors names, for error messages.</summary>
    internal static string AllCodes => string.Join(", ", Codes);
}
