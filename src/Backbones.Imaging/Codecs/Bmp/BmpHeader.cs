using System.Buffers.Binary;
using System.Numerics;

namespace Backbones.Imaging.Codecs.Bmp;

/// <summary>How a BMP's pixels are stored, by their code in the header.</summary>
internal enum BmpCompression
{
    None = 0,
    Rle8 = 1,
    Rle4 = 2,
    Bitfields = 3,
}

/// <summary>A BMP's file and bitmap headers (OS/2 1.x, Windows 3 to 5) with the channel masks; <c>.dib</c> files begin with the second.</summary>
internal sealed class BmpHeader
{
    private const int FileHeaderSize = 14;

    /// <summary>Where the bitmap header begins: behind the file header, or at 0 where there is none.</summary>
    private readonly int _start;

    /// <summary>The first bytes of a file with a file header.</summary>
    public static ReadOnlySpan<byte> Signature => "BM"u8;

    /// <summary>Whether a file begins with a bitmap header, whose first four bytes are its size.</summary>
    public static bool IsDib(ReadOnlySpan<byte> data) => data.Length >= 4 && IsSize(ReadUInt32(data, 0));

    public int Width { get; }

    public int Height { get; }

    public bool TopDown { get; }

    public int BitsPerPixel { get; }

    public BmpCompression Compression { get; }

    /// <summary>Masks of red, green, blue and alpha in a pixel; alpha's is 0 where all pixels are opaque.</summary>
    public uint[] Masks { get; }

    public int PaletteOffset { get; }

    /// <summary>Bytes of a palette entry.</summary>
    public int PaletteStep { get; }

    public int PaletteEntries { get; }

    public int PixelOffset { get; }

    public BmpHeader(ReadOnlySpan<byte> data)
    {
        _start = data.StartsWith(Signature) ? FileHeaderSize : 0;
        if (data.Length < _start + 12)
        {
            throw CutOff();
        }

        uint size = ReadUInt32(data, _start);
        if (!IsSize(size))
        {
            throw new InvalidDataException($"The BMP has a header of {size} bytes; 12, 40, 52, 56, 64, 108 and 124 are valid.");
        }

        if (data.Length < _start + size)
        {
            throw CutOff();
        }

        ReadOnlySpan<byte> header = data.Slice(_start, (int)size);
        int headerEnd = PaletteOffset = _start + (int)size;
        long width, height;
        long colors = 0;
        if (size == 12)
        {
            (width, height) = (ReadUInt16(header, 4), ReadUInt16(header, 6));
            (BitsPerPixel, PaletteStep) = (ReadUInt16(header, 10), 3);
        }
        else
        {
            width = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
            height = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
            (BitsPerPixel, PaletteStep) = (ReadUInt16(header, 14), 4);
            Compression = (BmpCompression)ReadUInt32(header, 16);
            colors = ReadUInt32(header, 32);
        }

        TopDown = height < 0;
        ImageLimits.CheckSize("BMP", width, Math.Abs(height));
        (Width, Height) = ((int)width, (int)Math.Abs(height));
        CheckKind();

        Masks = DefaultMasks(BitsPerPixel);
        if (Compression == BmpCompression.Bitfields)
        {
            Masks = ReadMasks(data, (int)size);
            PaletteOffset += size == 40 ? 12 : 0;
        }

        if (BitsPerPixel <= 8)
        {
            if (colors > 65536)
            {
                throw new InvalidDataException($"The BMP has a palette of {colors} entries; up to 65536 are read.");
            }

            PaletteEntries = colors == 0 ? 1 << BitsPerPixel : (int)colors;
        }

        // Some writers leave the offset at 0 or count no palette.
        uint offset = _start == 0 ? 0 : ReadUInt32(data, 10);
        int paletteEnd = PaletteOffset + (PaletteEntries * PaletteStep);
        offset = offset == 0 || (offset == headerEnd && BitsPerPixel <= 8) ? (uint)paletteEnd : offset;
        if (offset > data.Length)
        {
            throw CutOff();
        }

        // A palette may be shorter than its count says, where pixels don't need the rest.
        PaletteEntries = Math.Min(PaletteEntries, (data.Length - PaletteOffset) / PaletteStep);
        PixelOffset = (int)offset;
    }

    private static InvalidDataException CutOff() => new("The BMP data is cut off: it ends before its pixels.");

    private static bool IsSize(uint size) => size is 12 or 40 or 52 or 56 or 64 or 108 or 124;

    private void CheckKind()
    {
        bool valid = Compression switch
        {
            BmpCompression.None => BitsPerPixel is 1 or 4 or 8 or 16 or 24 or 32,
            BmpCompression.Rle8 => BitsPerPixel == 8,
            BmpCompression.Rle4 => BitsPerPixel == 4,
            BmpCompression.Bitfields => BitsPerPixel is 16 or 24 or 32,
            _ => false,
        };
        if (!valid)
        {
            throw new InvalidDataException(
                $"The BMP has {BitsPerPixel} bits a pixel with compression {(int)Compression}; "
                + "1, 4, 8, 16, 24 and 32 bits without compression, 4 and 8 bits run-length encoded and 16, 24 and 32 bits with masks are decoded.");
        }
    }

    private uint[] ReadMasks(ReadOnlySpan<byte> data, int size)
    {
        // The masks are part of the larger headers and follow the header of 40 bytes, where there is none for alpha.
        int masks = _start + 40;
        if (data.Length < masks + 16)
        {
            throw CutOff();
        }

        uint[] result =
        [
            ReadUInt32(data, masks), ReadUInt32(data, masks + 4), ReadUInt32(data, masks + 8),
            size >= 56 ? ReadUInt32(data, masks + 12) : 0,
        ];
        if (BitsPerPixel == 32 && result.AsSpan().IndexOfAnyExcept(0u) < 0)
        {
            return [0xFF0000, 0xFF00, 0xFF, 0xFF000000];
        }

        foreach (uint mask in result)
        {
            // A channel's bits are side by side: without the zeros below them, the mask is a power of two less one.
            if (mask != 0 && !BitOperations.IsPow2((ulong)(mask >> BitOperations.TrailingZeroCount(mask)) + 1))
            {
                throw new InvalidDataException($"The BMP has a channel mask with gaps ({mask:X8}).");
            }
        }

        return result;
    }

    private static uint[] DefaultMasks(int bitsPerPixel) => bitsPerPixel == 16 ? [0x7C00, 0x3E0, 0x1F, 0] : [0xFF0000, 0xFF00, 0xFF, 0];

    private static int ReadUInt16(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(data[offset..]);

    private static uint ReadUInt32(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(data[offset..]);
}
