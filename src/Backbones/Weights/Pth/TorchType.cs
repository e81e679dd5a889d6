namespace Backbones.Weights.Pth;

/// <summary>An element type of PyTorch.</summary>
/// <param name="Name">PyTorch's name, such as <c>float32</c>.</param>
/// <param name="Size">Bytes of an element.</param>
/// <param name="DType">The same type of ours; null for what cannot be a weight here.</param>
internal sealed record TorchType(string Name, int Size, DType? DType = null)
{
    public static readonly TorchType Float32 = new("float32", 4, Weights.DType.Float32);
    public static readonly TorchType Float64 = new("float64", 8, Weights.DType.Float64);
    public static readonly TorchType Int64 = new("int64", 8, Weights.DType.Int64);
    public static readonly TorchType Int32 = new("int32", 4, Weights.DType.Int32);
    public static readonly TorchType Int8 = new("int8", 1, Weights.DType.Int8);
    public static readonly TorchType UInt8 = new("uint8", 1, Weights.DType.UInt8);
    public static readonly TorchType Complex64 = new("complex64", 8);
    public static readonly TorchType Complex128 = new("complex128", 16);

    /// <summary>Bytes without a type of their own: tensors over such a storage say their type.</summary>
    public static readonly TorchType Untyped = new("untyped", 1);

    private static readonly TorchType Float16 = new("float16", 2, Weights.DType.Float16), BFloat16 = new("bfloat16", 2, Weights.DType.BFloat16),
        Int16 = new("int16", 2, Weights.DType.Int16), Bool = new("bool", 1, Weights.DType.Bool);

    /// <summary>What <c>torch.dtype</c> objects are called, with the older names.</summary>
    public static readonly IReadOnlyDictionary<string, TorchType> ByName = new Dictionary<string, TorchType>(StringComparer.Ordinal)
    {
        ["float64"] = Float64,
        ["double"] = Float64,
        ["float32"] = Float32,
        ["float"] = Float32,
        ["float16"] = Float16,
        ["half"] = Float16,
        ["bfloat16"] = BFloat16,
        ["float8_e4m3fn"] = new("float8_e4m3fn", 1, Weights.DType.Float8E4M3),
        ["float8_e5m2"] = new("float8_e5m2", 1, Weights.DType.Float8E5M2),
        ["float8_e4m3fnuz"] = new("float8_e4m3fnuz", 1),
        ["float8_e5m2fnuz"] = new("float8_e5m2fnuz", 1),
        ["int64"] = Int64,
        ["long"] = Int64,
        ["int32"] = Int32,
        ["int"] = Int32,
        ["int16"] = Int16,
        ["short"] = Int16,
        ["int8"] = Int8,
        ["uint8"] = UInt8,
        ["uint16"] = new("uint16", 2, Weights.DType.UInt16),
        ["uint32"] = new("uint32", 4, Weights.DType.UInt32),
        ["uint64"] = new("uint64", 8, Weights.DType.UInt64),
        ["bool"] = Bool,
        ["complex32"] = new("complex32", 4),
        ["chalf"] = new("complex32", 4),
        ["complex64"] = Complex64,
        ["cfloat"] = Complex64,
        ["complex128"] = Complex128,
        ["cdouble"] = Complex128,
    };

    /// <summary>The classes of storages in <c>torch</c>; those of quantized tensors hold the integers.</summary>
    public static readonly IReadOnlyDictionary<string, TorchType> ByStorage = new Dictionary<string, TorchType>(StringComparer.Ordinal)
    {
        ["DoubleStorage"] = Float64,
        ["FloatStorage"] = Float32,
        ["HalfStorage"] = Float16,
        ["BFloat16Storage"] = BFloat16,
        ["LongStorage"] = Int64,
        ["IntStorage"] = Int32,
        ["ShortStorage"] = Int16,
        ["CharStorage"] = Int8,
        ["ByteStorage"] = UInt8,
        ["BoolStorage"] = Bool,
        ["ComplexFloatStorage"] = Complex64,
        ["ComplexDoubleStorage"] = Complex128,
        ["QUInt8Storage"] = UInt8,
        ["QInt8Storage"] = Int8,
        ["QInt32Storage"] = Int32,
    };

    /// <summary>The part of an element that is a number of its own, as byte order and signs see it.</summary>
    public int PartSize => Name.StartsWith("complex", StringComparison.Ordinal) ? Size / 2 : Size;
}
