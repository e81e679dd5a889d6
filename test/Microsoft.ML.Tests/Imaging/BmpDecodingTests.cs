using System.Buffers.Binary;
using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Imaging;

[TestClass]
public sealed class BmpDecodingTests
{
    private const int Uncompressed = 0, Rle8 = 1, Rle4 = 2, Bitfields = 3;

    // Four colours: blue, green, red, reserved.
    private static readonly byte[] _palette = [1, 2, 3, 0, 10, 20, 30, 0, 40, 50, 60, 0, 70, 80, 90, 0];

    [TestMethod]
    [DataRow(1, new byte[] { 0b0110_0000, 0, 0, 0, 0b1000_0000, 0, 0, 0 }, new[] { 1, 0, 0, 0, 1, 1 })]
    [DataRow(4, new byte[] { 0x12, 0x30, 0, 0, 0x32, 0x10, 0, 0 }, new[] { 3, 2, 1, 1, 2, 3 })]
    [DataRow(8, new byte[] { 1, 2, 3, 0, 3, 2, 1, 0 }, new[] { 3, 2, 1, 1, 2, 3 })]
    public void PalettesAndBottomUpRows(int bits, byte[] data, int[] indices)
    {
        using MLImage image = ImageData.Decode(Bmp(3, 2, bits, Uncompressed, data, _palette));
        CollectionAssert.AreEqual(indices.SelectMany(Color).ToArray(), ImageData.Rgb(image));
    }

    [TestMethod]
    public void TopDownRows()
    {
        using MLImage image = ImageData.Decode(Bmp(3, -2, 8, Uncompressed, [1, 2, 3, 0, 3, 2, 1, 0], _palette));
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 3, 2, 1 }.SelectMany(Color).ToArray(), ImageData.Rgb(image));
    }

    [TestMethod]
    [DataRow(16, new byte[] { 0xFF, 0x7F, 0x1F, 0x00 }, new byte[] { 255, 255, 255, 0, 0, 255 })]
    [DataRow(24, new byte[] { 1, 2, 3, 4, 5, 6, 0, 0 }, new byte[] { 3, 2, 1, 6, 5, 4 })]
    [DataRow(32, new byte[] { 1, 2, 3, 255, 4, 5, 6, 255 }, new byte[] { 3, 2, 1, 6, 5, 4 })]
    public void DirectColours(int bits, byte[] data, byte[] expected)
    {
        using MLImage image = ImageData.Decode(Bmp(2, 1, bits, Uncompressed, data));
        CollectionAssert.AreEqual(expected, ImageData.Rgb(image));
    }

    [TestMethod]
    public void ChannelMasks()
    {
        byte[] masks565 = [0x00, 0xF8, 0, 0, 0xE0, 0x07, 0, 0, 0x1F, 0, 0, 0];
        using MLImage image = ImageData.Decode(Bmp(2, 1, 16, Bitfields, [0x00, 0xF8, 0xE0, 0x07], masks565));
        CollectionAssert.AreEqual(new byte[] { 255, 0, 0, 0, 255, 0 }, ImageData.Rgb(image));
    }

    [TestMethod]
    public void RunsOf8Bits()
    {
        PackageStack.RequireEmbedded("what Skia does with skipped pixels is its own affair.");
        // Bottom row: two of 1, three single ones with a filling byte. Above: skip one column, one 2; the rest is 0.
        byte[] data = [2, 1, 0, 3, 3, 2, 1, 0, 0, 0, 0, 2, 1, 0, 1, 2, 0, 1];
        using MLImage image = ImageData.Decode(Bmp(5, 2, 8, Rle8, data, _palette));
        CollectionAssert.AreEqual(new[] { 0, 2, 0, 0, 0, 1, 1, 3, 2, 1 }.SelectMany(Color).ToArray(), ImageData.Rgb(image));
    }

    [TestMethod]
    public void RunsOf4Bits()
    {
        PackageStack.RequireEmbedded("what Skia does with runs beyond a row is its own affair.");
        // A run that alternates and goes beyond the row, then three single ones in two bytes.
        byte[] data = [9, 0x12, 0, 0, 0, 3, 0x32, 0x10, 2, 0x33];
        using MLImage image = ImageData.Decode(Bmp(5, 2, 4, Rle4, data, _palette));
        CollectionAssert.AreEqual(new[] { 3, 2, 1, 3, 3, 1, 2, 1, 2, 1 }.SelectMany(Color).ToArray(), ImageData.Rgb(image));
    }

    [TestMethod]
    public void WhatIsWrongIsSaid()
    {
        PackageStack.RequireEmbedded("Skia gives no reasons.");
        AssertRefused("truncated", Bmp(3, 2, 8, Uncompressed, [1, 2, 3, 0], _palette));
        AssertRefused("truncated", Bmp(300, 2, 8, Rle8, [200, 1], _palette));
        AssertRefused("13000 x 13000", Bmp(13_000, 13_000, 8, Rle8, [0, 1], _palette));
        AssertRefused("2 bits a pixel", Bmp(3, 2, 2, Uncompressed, [1, 2, 3, 0], _palette));
        AssertRefused("compression 4", Bmp(3, 2, 24, 4, new byte[24]));
        AssertRefused("0 x 2", Bmp(0, 2, 24, Uncompressed, new byte[24]));
        AssertRefused("gaps", Bmp(1, 1, 32, Bitfields, new byte[4], [0x0F, 0xF0, 0xFF, 0, 0, 1, 0, 0, 0, 2, 0, 0]));
    }

    private static void AssertRefused(string reason, byte[] bmp) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ImageData.Decode(bmp)).Message, reason);

    private static byte[] Color(int index) => [_palette[(4 * index) + 2], _palette[(4 * index) + 1], _palette[4 * index]];

    private static byte[] Bmp(int width, int height, int bits, int compression, byte[] data, byte[]? afterHeader = null)
    {
        afterHeader ??= [];
        var header = new byte[54];
        "BM"u8.CopyTo(header);
        int offset = 54 + afterHeader.Length;
        foreach ((int at, int value) in new[]
        {
            (2, offset + data.Length), (10, offset), (14, 40), (18, width), (22, height), (26, 1 | (bits << 16)), (30, compression), (34, data.Length),
            (46, bits <= 8 ? Math.Min(1 << bits, afterHeader.Length / 4) : 0),
        })
        {
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(at), value);
        }

        return [.. header, .. afterHeader, .. data];
    }
}
