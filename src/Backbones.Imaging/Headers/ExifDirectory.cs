using System.Buffers.Binary;

namespace Backbones.Imaging.Headers;

/// <summary>EXIF data: the first directory of a TIFF file (TIFF 6.0, section 2), read as forgivingly as Pillow does.</summary>
internal static class ExifDirectory
{
    private const int OrientationTag = 274, EntrySize = 12;

    /// <summary>The value of the orientation tag, valid or not; null where there is no such tag.</summary>
    /// <param name="exif">A TIFF file, perhaps behind the prefix that JPEG has.</param>
    public static long? Orientation(ReadOnlySpan<byte> exif)
    {
        while (exif.StartsWith("Exif\0\0"u8))
        {
            exif = exif[6..];
        }

        bool little = exif.StartsWith("II*\0"u8) || exif.StartsWith("II\0*"u8);
        if (exif.Length < 8 || (!little && !exif.StartsWith("MM\0*"u8) && !exif.StartsWith("MM*\0"u8)))
        {
            return null;
        }

        var tiff = new Bytes(exif, little);
        long directory = tiff.UInt32(4);
        if (directory > exif.Length - 2)
        {
            return null;
        }

        // Of several such tags the last one counts.
        long? value = null;
        int count = tiff.UInt16((int)directory);
        for (long entry = directory + 2; count > 0 && entry <= exif.Length - EntrySize; count--, entry += EntrySize)
        {
            if (tiff.UInt16((int)entry) == OrientationTag)
            {
                value = tiff.Value((int)entry) ?? value;
            }
        }

        return value;
    }

    private readonly ref struct Bytes(ReadOnlySpan<byte> data, bool little)
    {
        private readonly ReadOnlySpan<byte> _data = data;

        public int UInt16(int offset) => little ? BinaryPrimitives.ReadUInt16LittleEndian(_data[offset..]) : BinaryPrimitives.ReadUInt16BigEndian(_data[offset..]);

        public uint UInt32(int offset) => little ? BinaryPrimitives.ReadUInt32LittleEndian(_data[offset..]) : BinaryPrimitives.ReadUInt32BigEndian(_data[offset..]);

        /// <summary>The first value of an entry: its type, count, and value or where that is. 0 for types that hold no integers, null for an entry that is none.</summary>
        public long? Value(int entry)
        {
            int type = UInt16(entry + 2);
            int size = type switch
            {
                1 or 2 or 6 or 7 => 1,
                3 or 8 => 2,
                4 or 9 or 11 or 13 => 4,
                5 or 10 or 12 or 16 => 8,
                _ => 0,
            };
            long length = size * (long)UInt32(entry + 4), at = length > 4 ? UInt32(entry + 8) : entry + 8;
            if (length == 0 || at > _data.Length - length)
            {
                return null;
            }

            return type switch
            {
                3 => UInt16((int)at),
                4 or 13 => UInt32((int)at),
                6 => (sbyte)_data[(int)at],
                8 => (short)UInt16((int)at),
                9 => (int)UInt32((int)at),
                _ => 0,
            };
        }
    }
}

/// <summary>XMP data: text, of which one attribute or element counts here.</summary>
internal static class Xmp
{
    /// <summary>The digit behind <c>tiff:Orientation</c>; null where it is not said.</summary>
    public static long? Orientation(ReadOnlySpan<byte> xmp)
    {
        ReadOnlySpan<byte> name = "tiff:Orientation"u8;
        for (int at; (at = xmp.IndexOf(name)) >= 0;)
        {
            xmp = xmp[(at + name.Length)..];
            int digit = xmp.StartsWith("=\""u8) ? 2 : xmp.StartsWith(">"u8) ? 1 : xmp.Length;
            if (digit < xmp.Length && char.IsAsciiDigit((char)xmp[digit]))
            {
                return xmp[digit] - '0';
            }
        }

        return null;
    }
}
