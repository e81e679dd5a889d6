namespace Backbones.Imaging.Codecs.Bmp;

/// <summary>BMP's run-length encodings of 4 and 8 bits a pixel, read as Pillow reads them, damage included.</summary>
internal static class BmpRunLength
{
    private const int EndOfRow = 0;
    private const int EndOfImage = 1;
    private const int Skip = 2;

    /// <summary>
    /// Decodes to one index a byte, rows in the file's order without padding. Pixels follow each other whatever row they are in: only runs
    /// stop at the end of a row, and the code for it fills up a row that was begun. Skipped pixels have index 0.
    /// </summary>
    /// <exception cref="InvalidDataException">The data or its end-of-image code comes before the last pixel.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> data, BmpHeader header)
    {
        bool packed = header.Compression == BmpCompression.Rle4;
        int width = header.Width, position = header.PixelOffset, made = 0, x = 0;
        byte[] indices = new byte[width * header.Height];
        while (made < indices.Length && position <= data.Length - 2)
        {
            int count = data[position], value = data[position + 1];
            position += 2;
            if (count > 0)
            {
                count = Math.Min(count, Math.Min(Math.Max(width - x, 0), indices.Length - made));
                for (int i = 0; i < count; i++)
                {
                    indices[made + i] = (byte)(packed ? Nibble(value, i) : value);
                }

                made += count;
                x += count;
            }
            else if (value == EndOfRow)
            {
                made += (width - made % width) % width;
                x = 0;
            }
            else if (value == EndOfImage)
            {
                break;
            }
            else if (value == Skip)
            {
                if (position > data.Length - 2)
                {
                    break;
                }

                made = (int)Math.Min(made + data[position] + (long)data[position + 1] * width, indices.Length);
                x = made % width;
                position += 2;
            }
            else
            {
                // So many pixels as they are, filled up to an even place in the file.
                count = Math.Min(value, indices.Length - made);
                int bytes = packed ? (count + 1) / 2 : count;
                if (bytes > data.Length - position)
                {
                    break;
                }

                for (int i = 0; i < count; i++)
                {
                    indices[made + i] = (byte)(packed ? Nibble(data[position + i / 2], i) : data[position + i]);
                }

                made += count;
                x += count;
                position += bytes;
                position += position & 1;
            }
        }

        return made == indices.Length ? indices
            : throw new InvalidDataException($"The BMP data is cut off: its runs give {made} of {indices.Length} pixels.");
    }

    private static int Nibble(int pair, int index) => index % 2 == 0 ? pair >> 4 : pair & 15;
}
