using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// The colours of most JPEGs, sixteen pixels a step in 16-bit lanes (AVX2). Factors beyond 16 bits are split into whole multiples of the
/// value and a rest, which changes nothing: floor((2ab / 2^16 + 1) / 2) is (ab + 2^15) / 2^16, rounded down.
/// </summary>
internal static unsafe class YCbCrConverter
{
    private const int Step = 16;

    // libjpeg's factors in 16 fractional bits: red 91881 of Cr, blue 116130 of Cb, green -22554 of Cb and -46802 of Cr.
    private const short RedRest = 91881 - 65536;
    private const short BlueRest = 116130 - (2 * 65536);
    private const short GreenOfBlue = -22554;
    private const short GreenRest = 65536 - 46802;

    /// <summary>Converts as many pixels as whole steps take.</summary>
    /// <returns>How many.</returns>
    public static int Convert(byte* luma, byte* blue, byte* red, Span<uint> output)
    {
        ref uint target = ref MemoryMarshal.GetReference(output);
        Vector256<short> centre = Vector256.Create((short)128), one = Vector256<short>.One, opaque = Vector256.Create((short)255);
        Vector256<short> green = Vector256.Create((GreenRest << 16) | unchecked((ushort)GreenOfBlue)).AsInt16();
        Vector256<int> half = Vector256.Create(1 << 15);
        int x = 0;
        for (; x <= output.Length - Step; x += Step)
        {
            Vector256<short> y = Load(luma + x), cb = Load(blue + x) - centre, cr = Load(red + x) - centre;
            Vector256<short> r = y + cr + ((Avx2.MultiplyHigh(cr + cr, Vector256.Create(RedRest)) + one) >> 1);
            Vector256<short> b = y + cb + cb + ((Avx2.MultiplyHigh(cb + cb, Vector256.Create(BlueRest)) + one) >> 1);
            Vector256<int> greenLow = (Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(cb, cr), green) + half) >> 16;
            Vector256<int> greenHigh = (Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(cb, cr), green) + half) >> 16;
            Vector256<short> g = y - cr + Avx2.PackSignedSaturate(greenLow, greenHigh);

            // Within each half: eight of b, eight of r; eight of g, eight of alpha; then b g b g …, r a r a …; then whole pixels.
            Vector256<byte> br = Avx2.PackUnsignedSaturate(b, r), ga = Avx2.PackUnsignedSaturate(g, opaque);
            Vector256<ushort> bg = Avx2.UnpackLow(br, ga).AsUInt16(), ra = Avx2.UnpackHigh(br, ga).AsUInt16();
            Vector256<uint> low = Avx2.UnpackLow(bg, ra).AsUInt32(), high = Avx2.UnpackHigh(bg, ra).AsUInt32();
            Avx2.Permute2x128(low, high, 0x20).StoreUnsafe(ref target, (nuint)x);
            Avx2.Permute2x128(low, high, 0x31).StoreUnsafe(ref target, (nuint)x + 8);
        }

        return x;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Load(byte* samples) => Avx2.ConvertToVector256Int16(samples);
}
