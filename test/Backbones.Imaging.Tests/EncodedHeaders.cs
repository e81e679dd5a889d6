using System.Buffers.Binary;

namespace Backbones.Tests.Imaging;

/// <summary>Beginnings of image files, written by the formats' specifications.</summary>
internal static class EncodedHeaders
{
    public static byte[] Png(uint width, uint height) =>
        [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. Big(13), .. "IHDR"u8, .. Big(width), .. Big(height), 8, 2, 0, 0, 0, 0, 0, 0, 0];

    public static byte[] PngChunk(ReadOnlySpan<byte> name, byte[] data) => [.. Big((uint)data.Length), .. name, .. data, 0, 0, 0, 0];

    /// <summary>JFIF, quantisation table, a fill byte, frame.</summary>
    public static byte[] Jpeg(ushort width, ushort height, byte marker = 0xC0, byte[]? exif = null)
    {
        byte[] app1 = exif is null ? [] : [0xFF, 0xE1, .. Big16((ushort)(exif.Length + 2)), .. exif];
        return [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 16, .. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0, .. app1, 0xFF, 0xDB, 0, 67, .. new byte[65],
            0xFF, 0xFF, marker, 0, 17, 8, .. Big16(height), .. Big16(width), 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0];
    }

    public static byte[] Bmp(int width, int height) =>
        [.. "BM"u8, .. new byte[8], .. Little(54), .. Little(40), .. Little((uint)width), .. Little((uint)height), 1, 0, 24, 0];

    public static byte[] OldBmp(ushort width, ushort height) =>
        [.. "BM"u8, .. new byte[8], .. Little(26), .. Little(12), (byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8), 1, 0, 24, 0];

    /// <summary>Screen with a palette, a comment, and a frame that fills the screen.</summary>
    public static byte[] Gif(ushort width, ushort height) =>
        [.. "GIF89a"u8, .. Little(width)[..2], .. Little(height)[..2], 0x80, 0, 0, .. new byte[6], (byte)'!', 0xFE, 3, .. "abc\0"u8, .. GifFrame(0, 0, width, height)];

    /// <summary>A frame's descriptor.</summary>
    public static byte[] GifFrame(ushort left, ushort top, ushort width, ushort height) =>
        [(byte)',', .. Little(left)[..2], .. Little(top)[..2], .. Little(width)[..2], .. Little(height)[..2], 0];

    /// <summary>A bitmap header without a file header before it.</summary>
    public static byte[] Dib(int width, int height) => Bmp(width, height)[14..];

    public static byte[] WebPLossy(ushort width, ushort height) =>
        [.. Riff("VP8 "u8), 0, 0, 0, 0x9D, 0x01, 0x2A, (byte)width, (byte)(width >> 8 | 0x40), (byte)height, (byte)(height >> 8 | 0x80), 0, 0, 0, 0];

    public static byte[] WebPLossless(uint width, uint height) => [.. Riff("VP8L"u8), 0x2F, .. Little(width - 1 | height - 1 << 14), .. new byte[10]];

    public static byte[] WebPExtended(uint width, uint height) => [.. Riff("VP8X"u8), 8, 0, 0, 0, .. Little(width - 1)[..3], .. Little(height - 1)[..3]];

    /// <summary>TIFF data with a camera's name and an orientation.</summary>
    public static byte[] Tiff(ushort orientation, bool little)
    {
        byte[] U16(ushort v) => little ? [(byte)v, (byte)(v >> 8)] : Big16(v);
        byte[] U32(uint v) => little ? Little(v) : Big(v);
        return [
            .. little ? "II*\0"u8 : "MM\0*"u8, .. U32(8), .. U16(2),
            .. U16(271), .. U16(2), .. U32(4), .. "abc\0"u8,
            .. U16(274), .. U16(3), .. U32(1), .. U16(orientation), 0, 0, .. U32(0)];
    }

    public static byte[] Big(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] Little(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Big16(ushort value) => [(byte)(value >> 8), (byte)value];

    private static byte[] Riff(ReadOnlySpan<byte> chunk) => [.. "RIFF"u8, .. Little(30), .. "WEBP"u8, .. chunk, .. Little(10)];
}
