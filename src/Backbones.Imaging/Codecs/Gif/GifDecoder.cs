namespace Backbones.Imaging.Codecs.Gif;

/// <summary>The first frame of GIF files (GIF89a specification), on its screen, as Pillow opens them. Colours of transparent pixels are kept.</summary>
internal static class GifDecoder
{
    private const uint Opaque = 0xFF000000;

    /// <summary>The first row of each interlacing pass and the step to the next one.</summary>
    private static readonly (int Top, int Down)[] _passes = [(0, 8), (4, 8), (2, 4), (1, 2)];

    /// <summary>Decodes a whole file.</summary>
    /// <param name="data">The file.</param>
    /// <param name="allocate">Gives memory of at least so many bytes.</param>
    /// <exception cref="InvalidDataException">The file is cut off, corrupt or too large.</exception>
    public static DecodedImage Decode(ReadOnlySpan<byte> data, Func<int, byte[]> allocate)
    {
        if (!GifFrame.TryRead(data, out var frame, out string? problem))
        {
            throw new InvalidDataException(problem is null ? "The GIF data is cut off: it ends before its first frame." : $"The GIF {problem}.");
        }

        ImageLimits.CheckSize("GIF", frame.ScreenWidth, frame.ScreenHeight);
        ImageLimits.CheckPlausible("GIF", frame.ScreenWidth, frame.ScreenHeight, data.Length);
        if (frame.DataOffset >= data.Length)
        {
            throw new InvalidDataException("The GIF data is cut off: it ends before its first frame's pixels.");
        }

        uint[] colors = Colors(data, frame);
        var codes = new GifCodes(data, frame.DataOffset);
        var image = DecodedImage.Allocate(frame.ScreenWidth, frame.ScreenHeight, allocate);
        (int left, int top, int width, int height) = frame.Area;
        if (width < image.Width || height < image.Height)
        {
            uint background = colors[Math.Max(frame.Transparent, 0)];
            for (int y = 0; y < image.Height; y++)
            {
                image.Row(y).Fill(background);
            }
        }

        byte[] indices = new byte[width];
        foreach ((int first, int step) in frame.Interlaced ? _passes : [(0, 1)])
        {
            for (int y = first; y < height; y += step)
            {
                codes.Read(indices);
                Span<uint> row = image.Row(top + y).Slice(left, width);
                for (int x = 0; x < row.Length; x++)
                {
                    row[x] = colors[indices[x]];
                }
            }
        }

        return image;
    }

    /// <summary>
    /// The colours of all indices; those beyond the palette's end are black. A palette in which every index stands for its own grey is none for
    /// Pillow: the screen's goes before a frame's of this kind, and without any other an index is a grey.
    /// </summary>
    private static uint[] Colors(ReadOnlySpan<byte> data, GifFrame frame)
    {
        ReadOnlySpan<byte> palette = data[frame.FramePalette];
        palette = IsRamp(palette) ? data[frame.ScreenPalette] : palette;
        bool isRamp = IsRamp(palette);
        var colors = new uint[256];
        for (int i = 0; i < colors.Length; i++)
        {
            ReadOnlySpan<byte> entry = isRamp ? [(byte)i, (byte)i, (byte)i] : 3 * i < palette.Length ? palette.Slice(3 * i, 3) : [0, 0, 0];
            uint alpha = i == frame.Transparent ? 0 : Opaque;
            colors[i] = entry[2] | ((uint)entry[1] << 8) | ((uint)entry[0] << 16) | alpha;
        }

        return colors;
    }

    private static bool IsRamp(ReadOnlySpan<byte> palette)
    {
        for (int i = 0; i < palette.Length; i++)
        {
            if (palette[i] != i / 3)
            {
                return false;
            }
        }

        return true;
    }
}
