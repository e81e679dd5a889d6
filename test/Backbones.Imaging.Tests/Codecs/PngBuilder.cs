using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>Makes PNG files of any colour type, depth and interlacing, with the pixels that they stand for.</summary>
internal sealed class PngBuilder(int width, int height, int colorType, int depth, bool interlaced, int seed)
{
    private static readonly (int X, int Y, int StepX, int StepY)[] _passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private readonly Random _random = new(seed);

    public int Channels => colorType switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

    /// <summary>Samples by row, column, channel.</summary>
    public ushort[] Samples { get; private set; } = [];

    public byte[] Palette { get; init; } = [];

    public byte[] Transparency { get; init; } = [];

    public byte[] Build()
    {
        // A gradient with noise, so that filters have something to do.
        Samples = new ushort[width * height * Channels];
        int values = 1 << depth;
        for (int i = 0; i < Samples.Length; i++)
        {
            Samples[i] = (ushort)((((i / Channels % width * 7) + (i / Channels / width * 3)) * values / 256 + _random.Next(Math.Max(2, values / 8))) % values);
        }

        using var rows = new MemoryStream();
        foreach ((int x, int y, int stepX, int stepY) in interlaced ? _passes : [(0, 0, 1, 1)])
        {
            WritePass(rows, x, y, stepX, stepY);
        }

        return Assemble(Header(width, height, depth, colorType, interlaced ? 1 : 0), Palette, Transparency, Compress(rows.ToArray()));
    }

    public static byte[] Header(int width, int height, int depth, int colorType, int interlace = 0)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colorType, (byte)interlace);
        return header;
    }

    public static byte[] Compress(byte[] data)
    {
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Fastest))
        {
            zlib.Write(data);
        }

        return compressed.ToArray();
    }

    /// <summary>Puts a file together; the image data goes into two chunks.</summary>
    public static byte[] Assemble(byte[] header, byte[] palette, byte[] transparency, byte[] data)
    {
        using var file = new MemoryStream();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        Chunk(file, "IHDR"u8, header);
        Chunk(file, "tEXt"u8, "Comment\0to be skipped"u8);
        if (palette.Length > 0)
        {
            Chunk(file, "PLTE"u8, palette);
        }

        if (transparency.Length > 0)
        {
            Chunk(file, "tRNS"u8, transparency);
        }

        Chunk(file, "IDAT"u8, data.AsSpan(0, data.Length / 2));
        Chunk(file, "IDAT"u8, data.AsSpan(data.Length / 2));
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>A chunk with its checksum.</summary>
    public static byte[] Chunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        using var file = new MemoryStream();
        Chunk(file, type, data);
        return file.ToArray();
    }

    private static void Chunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        byte[] contents = [.. type, .. data];
        file.Write(contents);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.HashToUInt32(contents));
        file.Write(number);
    }

    private void WritePass(MemoryStream output, int left, int top, int stepX, int stepY)
    {
        int columns = (width - left + stepX - 1) / stepX, step = Math.Max(1, Channels * depth / 8);
        if (columns <= 0)
        {
            return;
        }

        byte[] above = new byte[((columns * Channels * depth) + 7) / 8];
        for (int y = top; y < height; y += stepY)
        {
            byte[] row = PackRow(left, y, stepX, columns, above.Length);
            int filter = _random.Next(5);
            output.WriteByte((byte)filter);
            for (int i = 0; i < row.Length; i++)
            {
                int a = i >= step ? row[i - step] : 0, b = above[i], c = i >= step ? above[i - step] : 0;
                int prediction = filter switch { 1 => a, 2 => b, 3 => (a + b) / 2, 4 => Paeth(a, b, c), _ => 0 };
                output.WriteByte((byte)(row[i] - prediction));
            }

            above = row;
        }
    }

    private byte[] PackRow(int left, int y, int stepX, int columns, int length)
    {
        var row = new byte[length];
        for (int i = 0; i < columns * Channels; i++)
        {
            int sample = Samples[(((y * width) + left + (i / Channels * stepX)) * Channels) + (i % Channels)];
            if (depth == 16)
            {
                BinaryPrimitives.WriteUInt16BigEndian(row.AsSpan(2 * i), (ushort)sample);
            }
            else
            {
                int bit = i * depth;
                row[bit / 8] |= (byte)(sample << (8 - depth - (bit % 8)));
            }
        }

        return row;
    }

    private static int Paeth(int a, int b, int c)
    {
        int estimate = a + b - c;
        (int da, int db, int dc) = (Math.Abs(estimate - a), Math.Abs(estimate - b), Math.Abs(estimate - c));
        return da <= db && da <= dc ? a : db <= dc ? b : c;
    }
}
