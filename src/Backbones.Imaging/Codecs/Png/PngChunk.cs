using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Backbones.Imaging.Codecs.Png;

/// <summary>One chunk of a PNG file, with its checksum verified.</summary>
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

    /// <summary>Reads the chunk at <paramref name="position"/> and moves behind it.</summary>
    /// <exception cref="InvalidDataException">The chunk isn't complete or its checksum is wrong.</exception>
    public static PngChunk Read(ReadOnlyMemory<byte> encoded, ref int position)
    {
        ReadOnlySpan<byte> rest = encoded.Span[position..];
        uint length = rest.Length >= 8 ? BinaryPrimitives.ReadUInt32BigEndian(rest) : uint.MaxValue;
        if (length > rest.Length - 12)
        {
            throw new InvalidDataException("The PNG data is truncated: it ends within a chunk or without image data.");
        }

        int dataLength = (int)length;
        if (Crc32.HashToUInt32(rest.Slice(4, dataLength + 4)) != BinaryPrimitives.ReadUInt32BigEndian(rest[(dataLength + 8)..]))
        {
            throw new InvalidDataException($"The PNG chunk '{Encoding.ASCII.GetString(rest.Slice(4, 4))}' has a wrong checksum.");
        }

        var chunk = new PngChunk { Type = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]), Data = encoded.Slice(position + 8, dataLength) };
        position += dataLength + 12;
        return chunk;
    }
}
