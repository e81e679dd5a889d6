using System.Buffers.Binary;

namespace Backbones.Imaging.Codecs.Png;

/// <summary>
/// Turns rows of any colour type and depth into BGRA. Of 16-bit samples the high byte counts, except in greyscale images, whose values above
/// 255 become 255: that is what Pillow's conversion to RGB does.
/// </summary>
internal sealed class PngRowConverter
{
    private const uint Opaque = 0xFF000000;

    private readonly PngHeader _header;

    /// <summary>Pixels by sample value, for palettes and greyscale of up to 8 bits.</summary>
    private readonly uint[] _pixels = [];

    /// <summary>The one colour that a tRNS chunk makes transparent (red, green, blue or grey thrice, 16 bits each), or -1.</summary>
    private readonly long _transparent = -1;

    /// <summary>Prepares for an image.</summary>
    /// <param name="header">The image's header.</param>
    /// <param name="palette">Contents of PLTE, or empty.</param>
    /// <param name="transparency">Contents of tRNS, or empty.</param>
    public PngRowConverter(PngHeader header, ReadOnlySpan<byte> palette, ReadOnlySpan<byte> transparency)
    {
        _header = header;
        int values = 1 << Math.Min(8, header.BitDepth);
        if (header.Color == PngColor.Palette)
        {
            if (palette.IsEmpty || palette.Length % 3 != 0 || palette.Length > 3 * 256)
            {
                throw new InvalidDataException($"The PNG's palette has {palette.Length} bytes; a multiple of 3 up to 768 is valid.");
            }

            // An index beyond the palette's end is black, as in Pillow since 11.1.
            _pixels = new uint[256];
            _pixels.AsSpan().Fill(Opaque);
            for (int i = 0; i < palette.Length / 3; i++)
            {
                uint alpha = i < transparency.Length ? transparency[i] : 255u;
                _pixels[i] = Pixel(palette[3 * i], palette[(3 * i) + 1], palette[(3 * i) + 2], alpha);
            }

            return;
        }

        _transparent = TransparentColor(header, transparency);
        if (header.Color == PngColor.Grayscale && header.BitDepth <= 8)
        {
            _pixels = GrayRamp(values);
            if (_transparent >= 0)
            {
                _pixels[_transparent & (values - 1)] &= ~Opaque;
            }
        }
    }

    /// <summary>Converts a row.</summary>
    public void Convert(ReadOnlySpan<byte> row, Span<uint> output)
    {
        switch (_header.Color)
        {
            case PngColor.Rgb:
                ConvertRgb(row, output);
                break;
            case PngColor.GrayscaleAlpha:
                ConvertGrayAlpha(row, output);
                break;
            case PngColor.Rgba:
                ConvertRgba(row, output);
                break;
            case PngColor.Grayscale when _header.BitDepth == 16:
                ConvertGray16(row, output);
                break;
            default:
                LookUp(row, output);
                break;
        }
    }

    private void LookUp(ReadOnlySpan<byte> row, Span<uint> output)
    {
        int depth = _header.BitDepth, mask = (1 << depth) - 1;
        for (int x = 0; x < output.Length; x++)
        {
            int bit = x * depth;
            output[x] = _pixels[(row[bit >> 3] >> (8 - depth - (bit & 7))) & mask];
        }
    }

    private void ConvertGray16(ReadOnlySpan<byte> row, Span<uint> output)
    {
        for (int x = 0; x < output.Length; x++)
        {
            uint value = BinaryPrimitives.ReadUInt16BigEndian(row[(2 * x)..]);
            uint gray = Math.Min(value, 255);
            output[x] = Pixel(gray, gray, gray, Key(value, value, value) == _transparent ? 0u : 255u);
        }
    }

    private void ConvertRgb(ReadOnlySpan<byte> row, Span<uint> output)
    {
        int size = _header.BitDepth / 8;
        for (int x = 0; x < output.Length; x++)
        {
            int at = 3 * size * x;
            output[x] = Pixel(row[at], row[at + size], row[at + (2 * size)], 255);
        }

        if (_transparent < 0)
        {
            return;
        }

        for (int x = 0; x < output.Length; x++)
        {
            ReadOnlySpan<byte> pixel = row.Slice(3 * size * x, 3 * size);
            if (Key(Sample(pixel, 0), Sample(pixel, 1), Sample(pixel, 2)) == _transparent)
            {
                output[x] &= ~Opaque;
            }
        }
    }

    private void ConvertGrayAlpha(ReadOnlySpan<byte> row, Span<uint> output)
    {
        int size = _header.BitDepth / 8;
        for (int x = 0; x < output.Length; x++)
        {
            int at = 2 * size * x;
            output[x] = Pixel(row[at], row[at], row[at], row[at + size]);
        }
    }

    private void ConvertRgba(ReadOnlySpan<byte> row, Span<uint> output)
    {
        int size = _header.BitDepth / 8;
        for (int x = 0; x < output.Length; x++)
        {
            int at = 4 * size * x;
            output[x] = Pixel(row[at], row[at + size], row[at + (2 * size)], row[at + (3 * size)]);
        }
    }

    private uint Sample(ReadOnlySpan<byte> pixel, int index) =>
        _header.BitDepth == 16 ? BinaryPrimitives.ReadUInt16BigEndian(pixel[(2 * index)..]) : pixel[index];

    private static long TransparentColor(PngHeader header, ReadOnlySpan<byte> transparency)
    {
        int samples = header.Color switch
        {
            PngColor.Grayscale => 1,
            PngColor.Rgb => 3,
            _ => 0,
        };
        if (samples == 0 || transparency.IsEmpty)
        {
            return -1;
        }

        // Bytes too many are ignored, as by Pillow.
        if (transparency.Length < 2 * samples)
        {
            throw new InvalidDataException($"The PNG's tRNS chunk has {transparency.Length} bytes; {2 * samples} are needed here.");
        }

        // Values are 16 bits wide whatever the depth; the surplus bits don't count.
        uint mask = (1u << header.BitDepth) - 1;
        uint red = BinaryPrimitives.ReadUInt16BigEndian(transparency) & mask;
        return samples == 1
            ? Key(red, red, red)
            : Key(red, BinaryPrimitives.ReadUInt16BigEndian(transparency[2..]) & mask, BinaryPrimitives.ReadUInt16BigEndian(transparency[4..]) & mask);
    }

    /// <summary>All values of a greyscale image.</summary>
    private static uint[] GrayRamp(int values)
    {
        var pixels = new uint[values];
        for (int i = 0; i < values; i++)
        {
            uint gray = (uint)(i * 255 / (values - 1));
            pixels[i] = Pixel(gray, gray, gray, 255);
        }

        return pixels;
    }

    private static long Key(uint red, uint green, uint blue) => ((long)red << 32) | ((long)green << 16) | blue;

    private static uint Pixel(uint red, uint green, uint blue, uint alpha) => blue | (green << 8) | (red << 16) | (alpha << 24);
}
