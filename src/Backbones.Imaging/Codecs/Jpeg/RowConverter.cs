using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// Turns a row of components into BGRA with libjpeg's 16-bit fixed-point factors. Four components are inverted (the Adobe convention, which
/// Pillow assumes for every such file) and multiplied out to RGB with Pillow's rounding.
/// </summary>
internal static unsafe class RowConverter
{
    private const uint Opaque = 0xFF000000;

    /// <summary>Converts pixels side by side.</summary>
    /// <param name="color">What the components are.</param>
    /// <param name="c0">First component (grey, red, luma or cyan); like the others followed by room to read a vector beyond its end.</param>
    /// <param name="c1">Second component.</param>
    /// <param name="c2">Third component.</param>
    /// <param name="c3">Fourth component.</param>
    /// <param name="output">Receives the pixels.</param>
    public static void Convert(JpegColor color, byte* c0, byte* c1, byte* c2, byte* c3, Span<uint> output)
    {
        if (color == JpegColor.YCbCr && Avx2.IsSupported)
        {
            int done = YCbCrConverter.Convert(c0, c1, c2, output);
            output = output[done..];
            c0 += done;
            c1 += done;
            c2 += done;
        }

        ConvertPortably(color, c0, c1, c2, c3, output);
    }

    /// <summary><see cref="Convert"/> on any processor.</summary>
    public static void ConvertPortably(JpegColor color, byte* c0, byte* c1, byte* c2, byte* c3, Span<uint> output)
    {
        Span<uint> last = stackalloc uint[Vector256<uint>.Count];
        for (int x = 0; x < output.Length; x += Vector256<uint>.Count)
        {
            Vector256<uint> pixels = color switch
            {
                JpegColor.Grayscale => Gray(c0 + x),
                JpegColor.Rgb => Pack(Load(c0 + x), Load(c1 + x), Load(c2 + x)),
                JpegColor.YCbCr => YCbCr(c0 + x, c1 + x, c2 + x),
                JpegColor.Cmyk => Cmyk(Load(c0 + x), Load(c1 + x), Load(c2 + x), c3 + x),
                _ => Ycck(c0 + x, c1 + x, c2 + x, c3 + x),
            };
            if (output.Length - x >= Vector256<uint>.Count)
            {
                pixels.StoreUnsafe(ref MemoryMarshal.GetReference(output), (nuint)x);
            }
            else
            {
                pixels.CopyTo(last);
                last[..(output.Length - x)].CopyTo(output[x..]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Gray(byte* gray) => (Load(gray) * 0x010101).AsUInt32() | Vector256.Create(Opaque);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> YCbCr(byte* luma, byte* blue, byte* red)
    {
        ToRgb(luma, blue, red, out Vector256<int> r, out Vector256<int> g, out Vector256<int> b);
        return Pack(r, g, b);
    }

    /// <summary>YCCK holds cyan, magenta and yellow as the luma and chroma of their complements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Ycck(byte* luma, byte* blue, byte* red, byte* black)
    {
        ToRgb(luma, blue, red, out Vector256<int> r, out Vector256<int> g, out Vector256<int> b);
        Vector256<int> highest = Vector256.Create(255);
        return Cmyk(highest - r, highest - g, highest - b, black);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Cmyk(Vector256<int> cyan, Vector256<int> magenta, Vector256<int> yellow, byte* black)
    {
        // Stored inverted: what the file calls black is already 255 - K, and 255 - C is what the file calls cyan.
        Vector256<int> light = Load(black);
        return Pack(Ink(cyan, light), Ink(magenta, light), Ink(yellow, light));
    }

    /// <summary>light - ink * light / 255 with ink = 255 - <paramref name="inverted"/>; the quotient is rounded as Pillow does it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Ink(Vector256<int> inverted, Vector256<int> light)
    {
        Vector256<int> product = ((Vector256.Create(255) - inverted) * light) + Vector256.Create(128);
        return light - ((product + (product >> 8)) >> 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ToRgb(byte* luma, byte* blue, byte* red, out Vector256<int> r, out Vector256<int> g, out Vector256<int> b)
    {
        Vector256<int> y = Load(luma), centre = Vector256.Create(128), half = Vector256.Create(1 << 15);
        Vector256<int> cb = Load(blue) - centre, cr = Load(red) - centre;
        r = Clamp(y + (((cr * 91881) + half) >> 16));
        g = Clamp(y + ((half - (cb * 22554) - (cr * 46802)) >> 16));
        b = Clamp(y + (((cb * 116130) + half) >> 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Clamp(Vector256<int> value) => Vector256.Min(Vector256.Max(value, Vector256<int>.Zero), Vector256.Create(255));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Pack(Vector256<int> r, Vector256<int> g, Vector256<int> b) =>
        (b | (g << 8) | (r << 16)).AsUInt32() | Vector256.Create(Opaque);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Load(byte* samples)
    {
        Vector128<byte> eight = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(samples)).AsByte();
        return Vector256.WidenLower(Vector128.WidenLower(eight).ToVector256Unsafe()).AsInt32();
    }
}
