using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Backbones.Imaging.Codecs.Png;

/// <summary>One chunk of a PNG file, with its checksum verified unless it is image data: Pillow does not look at that one, and deflate has its own.</summary>
internal readonly struct PngChunk
{
    public const uint Header = 0x49484452; // IHDR
    public const uint Palette = 0x504C5445; // PLTE
    public const uint Transparency = 0x74524E53; // tRNS
    public const uint ImageData = 0x49444154; // IDAT
    public const uint End = 0x49454E44; // IEND

    /// <summary>The type's four letters as a big-endian number.</summary>
    public uint Type { get; private init; }

    /// <summary>The contents.</summary>
    public ReadOnlyMemory<byte> Data { get; private init; }

    /// <summary>Whether a chunk of image data begins here.</summary>
    public static bool IsImageData(ReadOnlySpan<byte> chunk) => chunk.Length >= 8 && BinaryPrimitives.ReadUInt32BigEndian(chunk[4..]) == ImageData;

    /// <summary>Reads the chunk at <paramref name="position"/> and moves behind it. Image data may be cut off: what is missing may not be needed.</summary>
    /// <exception cref="InvalidDataException">The chunk isn't complete or its checksum is wrong.</exception>
    public static PngChunk Read(ReadOnlyMemory<byte> encoded, ref int position)
    {
        ReadOnlySpan<byte> rest = encoded.Span[position..];
        if (rest.Length < 8)
        {
            throw new InvalidDataException("The PNG data is cut off: it ends without image data.");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest), type = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]);
        if (type == ImageData)
        {
            var data = encoded.Slice(position + 8, (int)Math.Min(length, (uint)rest.Length - 8));
            position = (int)Math.Min(position + length + 12L, encoded.Length);
            return new PngChunk { Type = type, Data = data };
        }

        if (length + 12L > rest.Length)
        {
            throw new InvalidDataException($"The PNG data is cut off: it ends within the chunk '{Name(rest)}'.");
        }

        int dataLength = (int)length;
        if (Crc32.HashToUInt32(rest.Slice(4, dataLength + 4)) != BinaryPrimitives.ReadUInt32BigEndian(rest[(dataLength + 8)..]))
        {
            throw new InvalidDataException($"The PNG chunk '{Name(rest)}' has a wrong checksum.");
        }

        var chunk = new PngChunk { Type = type, Data = encoded.Slice(position + 8, dataLength) };
        position += dataLength + 12;
        return chunk;
    }

    /// <summary>Goes through the chunks behind the rows, whose checksums Pillow does not verify. They need not be there, nor end, but none may end within its contents.</summary>
    /// <exception cref="InvalidDataException">The file is cut off within one.</exception>
    public static void RequireWhole(ReadOnlySpan<byte> chunks)
    {
        for (bool isFirst = true; chunks.Length >= 8 && HasName(chunks); isFirst = false)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(chunks), type = BinaryPrimitives.ReadUInt32BigEndian(chunks[4..]);
            if (type == End)
            {
                return;
            }

            if ((type != ImageData || !isFirst) && length > chunks.Length - 8)
            {
                throw new InvalidDataException($"The PNG data is cut off: it ends within the chunk '{Name(chunks)}'.");
            }

            chunks = chunks[(int)Math.Min(length + 12L, chunks.Length)..];
        }
    }

    private static bool HasName(ReadOnlySpan<byte> chunk)
    {
        foreach (byte letter in chunk.Slice(4, 4))
        {
            if (!char.IsAsciiLetterOrDigit((char)letter) && letter != '_')
            {
                return false;
            }
        }

        return true;
    }

    private static string Name(ReadOnlySpan<byte> chunk) => Encoding.ASCII.GetString(chunk.Slice(4, 4));
}
