using System.Numerics;
using System.Runtime.InteropServices;

namespace Backbones.Weights;

/// <summary>Stored elements to float32.</summary>
internal static class FloatConversion
{
    /// <summary>Converts row-major little-endian elements; the lengths must agree.</summary>
    public static void ToFloat(DType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case DType.Float32: source.CopyTo(MemoryMarshal.AsBytes(destination)); break;
            case DType.BFloat16: Widen(MemoryMarshal.Cast<byte, ushort>(source), MemoryMarshal.Cast<float, uint>(destination)); break;
            case DType.Float8E5M2: Expand(source, destination, bits => (float)BitConverter.UInt16BitsToHalf((ushort)(bits << 8))); break;
            case DType.Float8E4M3: Expand(source, destination, FromE4M3); break;
            case DType.Float16: Cast<Half>(source, destination); break;
            case DType.Float64: Cast<double>(source, destination); break;
            case DType.Int64: Cast<long>(source, destination); break;
            case DType.Int32: Cast<int>(source, destination); break;
            case DType.Int16: Cast<short>(source, destination); break;
            case DType.UInt64: Cast<ulong>(source, destination); break;
            case DType.UInt32: Cast<uint>(source, destination); break;
            case DType.UInt16: Cast<ushort>(source, destination); break;
            case DType.Int8: Cast<sbyte>(source, destination); break;
            case DType.UInt8 or DType.Bool: Cast<byte>(source, destination); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }

    /// <summary>Rounds to nearest, ties to even, as the conversion operators of C# do.</summary>
    private static void Cast<T>(ReadOnlySpan<byte> source, Span<float> destination) where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(source);
        for (int i = 0; i < values.Length; i++)
        {
            destination[i] = float.CreateTruncating(values[i]);
        }
    }

    private static void Expand(ReadOnlySpan<byte> source, Span<float> destination, Func<byte, float> value)
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = value(source[i]);
        }
    }

    /// <summary>Exponents count from -7, the lowest is that of subnormal numbers; all bits set is NaN.</summary>
    private static float FromE4M3(byte bits)
    {
        int exponent = bits >> 3 & 15, mantissa = bits & 7;
        float value = (bits & 0x7F) == 0x7F ? float.NaN : exponent == 0 ? MathF.ScaleB(mantissa, -9) : MathF.ScaleB(8 + mantissa, exponent - 10);
        return (bits & 0x80) == 0 ? value : -value;
    }

    private static void Widen(ReadOnlySpan<ushort> source, Span<uint> destination)
    {
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = (uint)source[i] << 16;
        }
    }
}
