using System.Buffers.Binary;
using System.IO.Compression;
using Backbones.Imaging.Codecs.Png;
using Backbones.Weights;

namespace Microsoft.ML.Imaging;

/// <summary>Writes PNG files of 8 bits a sample: RGB, or RGBA where a pixel isn't opaque.</summary>
internal static class PngEncoder
{
    /// <summary>Writes an image.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="pixels">Four bytes a pixel: red, green, blue, alpha, or blue first.</param>
    /// <param name="blueFirst">Whether blue comes first.</param>
    /// <param name="output">Where the file goes.</param>
    public static void Encode(int width, int height, ReadOnlySpan<byte> pixels, bool blueFirst, Stream output)
    {
        bool opaque = IsOpaque(pixels);
        output.Write(PngDecoder.Signature);

        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;
        header[9] = (byte)(opaque ? PngColor.Rgb : PngColor.Rgba);
        WriteChunk(output, PngChunk.Header, header);

        using var data = new MemoryStream();
        using (var compressed = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
        {
            WriteRows(width, height, pixels, blueFirst, opaque ? 3 : 4, compressed);
        }

        WriteChunk(output, PngChunk.ImageData, data.GetBuffer().AsSpan(0, (int)data.Length));
        WriteChunk(output, PngChunk.End, []);
    }

    private static void WriteRows(int width, int height, ReadOnlySpan<byte> pixels, bool blueFirst, int step, Stream output)
    {
        byte[] row = new byte[width * step], above = new byte[width * step];
        byte[] filtered = new byte[1 + row.Length], best = new byte[1 + row.Length];
        for (int y = 0; y < height; y++)
        {
            CopyRow(pixels.Slice(y * width * 4, width * 4), blueFirst, step, row);
            long smallest = long.MaxValue;
            foreach (int filter in (ReadOnlySpan<int>)[PngFilter.None, PngFilter.Sub, PngFilter.Up, PngFilter.Paeth])
            {
                filtered[0] = (byte)filter;
                Apply(filter, row, above, step, filtered.AsSpan(1));
                long size = SumOfMagnitudes(filtered.AsSpan(1));
                if (size < smallest)
                {
                    smallest = size;
                    (best, filtered) = (filtered, best);
                }
            }

            output.Write(best);
            (row, above) = (above, row);
        }
    }

    /// <summary>Applies one of the filters that are tried.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="row">The row.</param>
    /// <param name="above">The row above; zeros above the first.</param>
    /// <param name="step">Bytes a pixel.</param>
    /// <param name="filtered">Receives the filtered row.</param>
    private static void Apply(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int step, Span<byte> filtered)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= step ? row[i - step] : 0, aboveLeft = i >= step ? above[i - step] : 0;
            filtered[i] = (byte)(row[i] - filter switch
            {
                PngFilter.Sub => left,
                PngFilter.Up => above[i],
                PngFilter.Paeth => PngFilter.Predict(left, above[i], aboveLeft),
                _ => 0,
            });
        }
    }

    private static void CopyRow(ReadOnlySpan<byte> pixels, bool blueFirst, int step, Span<byte> row)
    {
        int red = blueFirst ? 2 : 0;
        for (int x = 0; 4 * x < pixels.Length; x++)
        {
            ReadOnlySpan<byte> pixel = pixels.Slice(4 * x, 4);
            Span<byte> target = row.Slice(step * x, step);
            (target[0], target[1], target[2]) = (pixel[red], pixel[1], pixel[2 - red]);
            if (step == 4)
            {
                target[3] = pixel[3];
            }
        }
    }

    /// <summary>How much a filtered row leaves to compress, by the specification's rule of thumb: bytes as signed distances from 0.</summary>
    private static long SumOfMagnitudes(ReadOnlySpan<byte> row)
    {
        long sum = 0;
        foreach (byte value in row)
        {
            sum += Math.Abs((int)(sbyte)value);
        }

        return sum;
    }

    private static bool IsOpaque(ReadOnlySpan<byte> pixels)
    {
        for (int i = 3; i < pixels.Length; i += 4)
        {
            if (pixels[i] != 255)
            {
                return false;
            }
        }

        return true;
    }

    private static void WriteChunk(Stream output, uint type, ReadOnlySpan<byte> data)
    {
        byte[] chunk = new byte[data.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(4), type);
        data.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(data.Length + 8), Crc32.Of(chunk.AsSpan(4, data.Length + 4)));
        output.Write(chunk);
    }
}
