using System.Buffers.Binary;
using System.IO.Compression;

namespace Microsoft.ML.TimmFeatures.Interactive;

/// <summary>Writes RGB pixels as PNG in memory, where MLImage can only save to a file.</summary>
internal static class PngEncoder
{
    private static readonly uint[] s_crcTable = CrcTable();

    /// <param name="width">Pixels in a row.</param>
    /// <param name="rgb">Rows from the top, three bytes a pixel.</param>
    public static byte[] Encode(int width, ReadOnlySpan<byte> rgb)
    {
        int stride = 3 * width, height = rgb.Length / stride;
        using var png = new MemoryStream();
        png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n']);

        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8; // bits per channel
        header[9] = 2; // RGB
        WriteChunk(png, "IHDR"u8, header);

        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
        {
            // A photograph shrinks by a filter, blocks of equal pixels are better left alone: per row, whichever has the smaller bytes.
            byte[] filtered = new byte[stride], above = new byte[stride];
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<byte> row = rgb.Slice(y * stride, stride);
                ApplyPaeth(row, above, filtered);
                bool usePaeth = Cost(filtered) < Cost(row);
                zlib.WriteByte((byte)(usePaeth ? 4 : 0));
                zlib.Write(usePaeth ? filtered : row);
                row.CopyTo(above);
            }
        }
        WriteChunk(png, "IDAT"u8, data.GetBuffer().AsSpan(0, (int)data.Length));
        WriteChunk(png, "IEND"u8, []);
        return png.ToArray();
    }

    /// <summary>PNG's filter 4: what is left of each byte after predicting it from the pixels to the left and above.</summary>
    private static void ApplyPaeth(ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, Span<byte> filtered)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i < 3 ? 0 : row[i - 3], up = above[i], corner = i < 3 ? 0 : above[i - 3];
            int toLeft = Math.Abs(up - corner), toUp = Math.Abs(left - corner), toCorner = Math.Abs(left + up - 2 * corner);
            int predicted = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
            filtered[i] = (byte)(row[i] - predicted);
        }
    }

    private static int Cost(ReadOnlySpan<byte> row)
    {
        int sum = 0;
        foreach (byte b in row)
            sum += b < 128 ? b : 256 - b;
        return sum;
    }

    private static void WriteChunk(Stream png, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        png.Write(number);
        png.Write(type);
        png.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(Crc(uint.MaxValue, type), data));
        png.Write(number);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
            crc = s_crcTable[(byte)(crc ^ b)] ^ (crc >> 8);
        return crc;
    }

    private static uint[] CrcTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? 0xEDB88320 ^ (value >> 1) : value >> 1;
            table[i] = value;
        }
        return table;
    }
}
