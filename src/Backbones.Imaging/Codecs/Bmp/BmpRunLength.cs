namespace Backbones.Imaging.Codecs.Bmp;

/// <summary>BMP's run-length encodings of 4 and 8 bits a pixel.</summary>
internal static class BmpRunLength
{
    private const int EndOfRow = 0;
    private const int EndOfImage = 1;
    private const int Skip = 2;

    /// <summary>
    /// Decodes to one index a byte, rows in the file's order without padding. Skipped pixels have index 0; what a row holds beyond its width is dropped.
    /// </summary>
    /// <exception cref="System.IO.InvalidDataException">The data ends before the last row and without an end-of-image code.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> data, BmpHeader header)
    {
        bool packed = header.Compression == BmpCompression.Rle4;
        var indices = new byte[header.Width * header.Height];
        int position = header.PixelOffset, x = 0, y = 0;
        while (y < header.Height)
        {
            ReadOnlySpan<byte> code = Take(data, ref position, 2);
            int count = code[0], value = code[1];
            Span<byte> row = indices.AsSpan(y * header.Width, header.Width)[Math.Min(x, header.Width)..];
            if (count > 0)
            {
                row = row[..Math.Min(count, row.Length)];
                for (int i = 0; i < row.Length; i++)
                {
                    row[i] = (byte)(packed ? Nibble(value, i) : value);
                }

                x += count;
            }
            else if (value == EndOfRow)
            {
                x = 0;
                y++;
            }
            else if (value == EndOfImage)
            {
                break;
            }
            else if (value == Skip)
            {
                ReadOnlySpan<byte> distance = Take(data, ref position, 2);
                x += distance[0];
                y += distance[1];
            }
            else
            {
                // So many pixels as they are, filled up to an even number of bytes.
                ReadOnlySpan<byte> pixels = Take(data, ref position, packed ? (value + 1) / 2 : value);
                row = row[..Math.Min(value, row.Length)];
                for (int i = 0; i < row.Length; i++)
                {
                    row[i] = (byte)(packed ? Nibble(pixels[i / 2], i) : pixels[i]);
                }

                x += value;
                position += pixels.Length & 1;
            }

            // Some files lack the last codes: a complete last row is the end.
            if (y == header.Height - 1 && x >= header.Width)
            {
                break;
            }
        }

        return indices;
    }

    private static int Nibble(int pair, int index) => index % 2 == 0 ? pair >> 4 : pair & 15;

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> data, ref int position, int count)
    {
        if (position > data.Length - count)
        {
            throw BmpHeader.Truncated();
        }

        position += count;
        return data.Slice(position - count, count);
    }
}
