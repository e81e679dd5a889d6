using System.Buffers.Binary;

namespace Backbones.Imaging.Codecs.Png;

/// <summary>PNG's colour types, by their code in the header.</summary>
internal enum PngColor
{
    Grayscale = 0,
    Rgb = 2,
    Palette = 3,
    GrayscaleAlpha = 4,
    Rgba = 6,
}

/// <summary>The IHDR chunk.</summary>
internal sealed class PngHeader
{
    public int Width { get; }

    public int Height { get; }

    public int BitDepth { get; }

    public PngColor Color { get; }

    public bool Interlaced { get; }

    /// <summary>Reads the chunk's contents and checks them against the limits.</summary>
    /// <param name="chunk">The contents.</param>
    /// <param name="encodedLength">Bytes in the whole file.</param>
    public PngHeader(ReadOnlySpan<byte> chunk, int encodedLength)
    {
        if (chunk.Length < 13)
        {
            throw new InvalidDataException($"The PNG header has {chunk.Length} bytes; 13 are needed.");
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(chunk), height = BinaryPrimitives.ReadUInt32BigEndian(chunk[4..]);
        ImageLimits.CheckSize("PNG", width, height);
        (Width, Height, BitDepth, Color, Interlaced) = ((int)width, (int)height, chunk[8], (PngColor)chunk[9], chunk[12] == 1);

        bool validDepth = Color switch
        {
            PngColor.Grayscale => BitDepth is 1 or 2 or 4 or 8 or 16,
            PngColor.Palette => BitDepth is 1 or 2 or 4 or 8,
            PngColor.Rgb or PngColor.GrayscaleAlpha or PngColor.Rgba => BitDepth is 8 or 16,
            _ => false,
        };
        if (!validDepth)
        {
            throw new InvalidDataException($"The PNG has colour type {chunk[9]} with {BitDepth} bits a sample, which isn't valid.");
        }

        if (chunk[10] != 0 || chunk[11] != 0 || chunk[12] > 1)
        {
            throw new InvalidDataException($"The PNG asks for compression {chunk[10]}, filter {chunk[11]}, interlace {chunk[12]}; 0, 0 and 0 or 1 are valid.");
        }

        if ((long)Width * BitsPerPixel / 8 > ImageLimits.MaxRowBytes)
        {
            throw new InvalidDataException($"The PNG has rows of {Width} pixels of {BitsPerPixel} bits; at most {ImageLimits.MaxRowBytes} bytes a row are decoded.");
        }

        // Deflate makes data at most 1032 times smaller.
        ImageLimits.CheckPlausible("PNG", Width, Height, Height * (RowBytes(Width) + 1L) / 1032, encodedLength);
    }

    public int BitsPerPixel => BitDepth * Color switch
    {
        PngColor.Rgb => 3,
        PngColor.GrayscaleAlpha => 2,
        PngColor.Rgba => 4,
        _ => 1,
    };

    /// <summary>Bytes between a byte and the corresponding one of the pixel to the left, for filters.</summary>
    public int FilterStep => Math.Max(1, BitsPerPixel / 8);

    /// <summary>Bytes of a row of so many pixels, without its filter byte.</summary>
    public int RowBytes(int width) => (int)((((long)width * BitsPerPixel) + 7) / 8);
}
