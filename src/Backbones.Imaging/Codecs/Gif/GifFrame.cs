using System.Buffers.Binary;

namespace Backbones.Imaging.Codecs.Gif;

/// <summary>What a GIF file says up to its first frame's pixels (GIF89a specification, sections 17 to 26).</summary>
internal readonly record struct GifFrame
{
    private const int ScreenEnd = 13, DescriptorSize = 9;

    /// <summary>Columns of the screen, which is the picture's size.</summary>
    public int ScreenWidth { get; private init; }

    /// <summary>Rows of the screen.</summary>
    public int ScreenHeight { get; private init; }

    /// <summary>Where on the screen the frame is; always within it.</summary>
    public (int Left, int Top, int Width, int Height) Area { get; private init; }

    /// <summary>Whether rows come in four passes.</summary>
    public bool Interlaced { get; private init; }

    /// <summary>The index that stands for no colour, or -1.</summary>
    public int Transparent { get; private init; }

    /// <summary>Bytes of the screen's palette, red, green and blue for each colour; empty where there is none.</summary>
    public Range ScreenPalette { get; private init; }

    /// <summary>Bytes of the frame's own palette; empty where there is none.</summary>
    public Range FramePalette { get; private init; }

    /// <summary>Where the compressed pixels begin, with the size of their codes.</summary>
    public int DataOffset { get; private init; }

    /// <summary>Reads what it can.</summary>
    /// <param name="bytes">The file or its beginning.</param>
    /// <param name="frame">The screen and the first frame on it.</param>
    /// <param name="problem">What is wrong with the bytes; null where it is only that they end too early.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out GifFrame frame, out string? problem)
    {
        frame = default;
        problem = null;
        if (bytes.Length < ScreenEnd)
        {
            return false;
        }

        int screenWidth = UInt16(bytes, 6), screenHeight = UInt16(bytes, 8), transparent = -1;
        int screenPaletteEnd = ScreenEnd + PaletteBytes(bytes[10]);
        long position = screenPaletteEnd;
        while (position < bytes.Length)
        {
            int at = (int)position;
            switch (bytes[at])
            {
                case (byte)';':
                    problem = "is a broken GIF file: it has no picture";
                    return false;
                case (byte)'!':
                    if (!TrySkipExtension(bytes, ref position, ref transparent))
                    {
                        return false;
                    }

                    break;
                case (byte)',':
                    int descriptor = at + 1;
                    if (bytes.Length < descriptor + DescriptorSize)
                    {
                        return false;
                    }

                    var area = (UInt16(bytes, descriptor), UInt16(bytes, descriptor + 2), UInt16(bytes, descriptor + 4), UInt16(bytes, descriptor + 6));
                    if (Problem(area, screenWidth, screenHeight) is { } wrong)
                    {
                        problem = wrong;
                        return false;
                    }

                    int flags = bytes[descriptor + 8], end = descriptor + DescriptorSize, dataOffset = end + PaletteBytes(flags);
                    frame = new GifFrame
                    {
                        ScreenWidth = screenWidth,
                        ScreenHeight = screenHeight,
                        Area = area,
                        Interlaced = (flags & 0x40) != 0,
                        Transparent = transparent,
                        ScreenPalette = ScreenEnd..screenPaletteEnd,
                        FramePalette = end..dataOffset,
                        DataOffset = dataOffset,
                    };
                    return true;
                default:
                    // Pillow passes over bytes that begin no block.
                    position++;
                    break;
            }
        }

        return false;
    }

    private static string? Problem((int Left, int Top, int Width, int Height) area, int screenWidth, int screenHeight) =>
        area.Width == 0 || area.Height == 0 ? $"says that its first frame is {area.Width}×{area.Height} pixels; a picture needs at least one"
        : area.Left + area.Width > screenWidth || area.Top + area.Height > screenHeight
            ? $"says that its first frame of {area.Width}×{area.Height} pixels at ({area.Left}, {area.Top}) is outside its screen of {screenWidth}×{screenHeight}"
        : null;

    /// <summary>Goes behind an extension. The last graphic control before the frame says which index is transparent.</summary>
    private static bool TrySkipExtension(ReadOnlySpan<byte> bytes, ref long position, ref int transparent)
    {
        const int GraphicControl = 0xF9;
        int label = (int)position + 1;
        if (label >= bytes.Length)
        {
            return false;
        }

        bool isControl = bytes[label] == GraphicControl;
        for (position = label + 1L; position < bytes.Length;)
        {
            int length = bytes[(int)position];
            if (isControl && length >= 4 && position + length < bytes.Length && (bytes[(int)position + 1] & 1) != 0)
            {
                transparent = bytes[(int)position + 4];
            }

            isControl = false;
            position += length + 1L;
            if (length == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static int PaletteBytes(int flags) => (flags & 0x80) != 0 ? 3 * (2 << (flags & 7)) : 0;

    private static int UInt16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);
}
