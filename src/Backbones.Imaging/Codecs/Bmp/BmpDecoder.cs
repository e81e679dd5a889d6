using System.Buffers.Binary;
using System.Numerics;

namespace Backbones.Imaging.Codecs.Bmp;

/// <summary>Windows and OS/2 bitmaps: 1 to 32 bits a pixel, palettes, channel masks, run-length encoding, either row order.</summary>
internal static class BmpDecoder
{
    private const uint Opaque = 0xFF000000;

    /// <summary>Decodes a whole file.</summary>
    /// <param name="data">The file.</param>
    /// <param name="allocate">Gives memory of at least so many bytes.</param>
    /// <exception cref="InvalidDataException">The file is cut off, corrupt or too large.</exception>
    public static DecodedImage Decode(ReadOnlySpan<byte> data, Func<int, byte[]> allocate)
    {
        var header = new BmpHeader(data);
        ReadOnlySpan<byte> palette = data[header.PaletteOffset..];
        int rowBytes = (int)((((long)header.Width * header.BitsPerPixel) + 7) / 8), bitsPerPixel = header.BitsPerPixel;
        if (header.Compression is BmpCompression.Rle4 or BmpCompression.Rle8)
        {
            // A run makes at most 255 pixels of two bytes. Codes that skip pixels make more, which is let pass up to a megapixel.
            long leastBytes = header.Width * header.Height > 1 << 20 ? 2L * header.Height * ((header.Width + 254) / 255) : 0;
            ImageLimits.CheckPlausible("BMP", header.Width, header.Height, leastBytes, data.Length - header.PixelOffset);
            data = BmpRunLength.Decode(data, header);
            (rowBytes, bitsPerPixel) = (header.Width, 8);
        }
        else
        {
            data = data[header.PixelOffset..];
        }

        int stride = header.Compression is BmpCompression.Rle4 or BmpCompression.Rle8 ? rowBytes : (int)(((rowBytes + 3L) / 4) * 4);
        long needed = (stride * (header.Height - 1L)) + rowBytes;
        ImageLimits.CheckPlausible("BMP", header.Width, header.Height, needed, data.Length);

        var image = DecodedImage.Allocate(header.Width, header.Height, allocate);
        uint[]? colors = bitsPerPixel <= 8 ? ReadPalette(palette, header) : null;
        for (int y = 0; y < header.Height; y++)
        {
            ReadOnlySpan<byte> row = data.Slice((int)((long)stride * y), rowBytes);
            Span<uint> output = image.Row(header.TopDown ? y : header.Height - 1 - y);
            if (colors != null)
            {
                LookUp(row, bitsPerPixel, colors, output);
            }
            else
            {
                Unpack(row, bitsPerPixel / 8, header.Masks, output);
            }
        }

        return image;
    }

    private static void LookUp(ReadOnlySpan<byte> row, int depth, uint[] colors, Span<uint> output)
    {
        int mask = (1 << depth) - 1;
        for (int x = 0; x < output.Length; x++)
        {
            int bit = x * depth;
            output[x] = colors[(row[bit >> 3] >> (8 - depth - (bit & 7))) & mask];
        }
    }

    private static void Unpack(ReadOnlySpan<byte> row, int step, uint[] masks, Span<uint> output)
    {
        var channels = (Red: new Channel(masks[0]), Green: new Channel(masks[1]), Blue: new Channel(masks[2]), Alpha: new Channel(masks[3]));
        for (int x = 0; x < output.Length; x++)
        {
            ReadOnlySpan<byte> bytes = row.Slice(step * x, step);
            uint pixel = step switch
            {
                2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
                3 => bytes[0] | ((uint)bytes[1] << 8) | ((uint)bytes[2] << 16),
                _ => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            };
            output[x] = channels.Blue.Read(pixel) | (channels.Green.Read(pixel) << 8) | (channels.Red.Read(pixel) << 16)
                | (masks[3] == 0 ? Opaque : channels.Alpha.Read(pixel) << 24);
        }
    }

    /// <summary>
    /// Entries beyond the palette's end are black, as in Pillow since 11.1. A palette in which every index stands for its own grey is none for
    /// Pillow (unless it has two entries): all 256 values are grey then.
    /// </summary>
    private static uint[] ReadPalette(ReadOnlySpan<byte> palette, BmpHeader header)
    {
        var colors = new uint[256];
        int entries = Math.Min(header.PaletteEntries, 256);
        bool isRamp = entries != 2;
        for (int i = 0; i < colors.Length; i++)
        {
            ReadOnlySpan<byte> entry = i < entries ? palette.Slice(i * header.PaletteStep, 3) : isRamp ? [(byte)i, (byte)i, (byte)i] : [0, 0, 0];
            isRamp &= entry[0] == i && entry[1] == i && entry[2] == i;
            colors[i] = entry[0] | ((uint)entry[1] << 8) | ((uint)entry[2] << 16) | Opaque;
        }

        return colors;
    }

    /// <summary>A channel of a packed pixel, brought to 8 bits.</summary>
    private readonly struct Channel(uint mask)
    {
        private readonly int _shift = mask == 0 ? 0 : BitOperations.TrailingZeroCount(mask);
        private readonly ulong _highest = mask == 0 ? 1 : mask >> BitOperations.TrailingZeroCount(mask);

        public uint Read(uint pixel)
        {
            uint value = (pixel & mask) >> _shift;
            return _highest == 255 ? value : (uint)(value * 255UL / _highest);
        }
    }
}
