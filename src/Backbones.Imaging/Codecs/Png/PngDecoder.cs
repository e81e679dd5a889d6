using System.IO.Compression;
using Backbones.Imaging.Headers;

namespace Backbones.Imaging.Codecs.Png;

/// <summary>PNG (ISO/IEC 15948): all colour types and depths, interlaced or not, transparency by palette or by one colour.</summary>
internal static class PngDecoder
{
    /// <summary>The first column, first row, and steps between columns and rows of the seven interlacing passes (Adam7).</summary>
    private static readonly (int Left, int Top, int Right, int Down)[] _passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    /// <summary>Decodes a whole file.</summary>
    /// <param name="encoded">The file.</param>
    /// <param name="allocate">Gives memory of at least so many bytes.</param>
    /// <exception cref="InvalidDataException">The file is cut off, corrupt or too large.</exception>
    public static DecodedImage Decode(ReadOnlyMemory<byte> encoded, Func<int, byte[]> allocate)
    {
        int position = HeaderParser.PngSignature.Length;
        PngChunk chunk = PngChunk.Read(encoded, ref position);
        if (chunk.Type != PngChunk.Header)
        {
            throw new InvalidDataException("The PNG doesn't begin with its header.");
        }

        var header = new PngHeader(chunk.Data.Span, encoded.Length);
        ReadOnlyMemory<byte> palette = default, transparency = default;
        while ((chunk = PngChunk.Read(encoded, ref position)).Type != PngChunk.ImageData)
        {
            switch (chunk.Type)
            {
                case PngChunk.Palette:
                    palette = chunk.Data;
                    break;
                case PngChunk.Transparency:
                    transparency = chunk.Data;
                    break;
                case PngChunk.End:
                    throw new InvalidDataException("The PNG has no image data.");
            }
        }

        var converter = new PngRowConverter(header, palette.Span, transparency.Span);
        int behindFirst = position;
        using var data = new ZLibStream(new PngDataStream(encoded, chunk.Data, position), CompressionMode.Decompress);
        try
        {
            var image = Decode(header, converter, data, allocate);
            PngChunk.RequireWhole(encoded.Span[behindFirst..]);
            return image;
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("The PNG data is cut off: its image data ends before the last row.", e);
        }
        catch (IOException e)
        {
            // What the decompressor throws for dictionaries.
            throw new InvalidDataException("The PNG's compressed data is corrupt.", e);
        }
    }

    private static DecodedImage Decode(PngHeader header, PngRowConverter converter, Stream data, Func<int, byte[]> allocate)
    {
        var image = DecodedImage.Allocate(header.Width, header.Height, allocate);
        if (!header.Interlaced)
        {
            var rows = new PngRowReader(header, header.Width, header.Height, data);
            for (int y = 0; y < header.Height; y++)
            {
                converter.Convert(rows.Next(), image.Row(y));
            }

            return image;
        }

        var buffer = new uint[header.Width];
        foreach ((int left, int top, int right, int down) in _passes)
        {
            int width = (header.Width - left + right - 1) / right, height = (header.Height - top + down - 1) / down;
            if (width <= 0 || height <= 0)
            {
                continue;
            }

            var rows = new PngRowReader(header, width, height, data);
            Span<uint> row = buffer.AsSpan(0, width);
            for (int y = top; y < header.Height; y += down)
            {
                converter.Convert(rows.Next(), row);
                Span<uint> output = image.Row(y);
                for (int x = 0; x < width; x++)
                {
                    output[left + (x * right)] = row[x];
                }
            }
        }

        return image;
    }
}
