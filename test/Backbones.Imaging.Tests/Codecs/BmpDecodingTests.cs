using System.Buffers.Binary;

namespace Backbones.Tests.Imaging.Codecs;

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
        byte[] bmp = Bmp(3, 2, bits, Uncompressed, data, _palette);
        CollectionAssert.AreEqual(indices.SelectMany(Color).ToArray(), Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void TopDownRows()
    {
        byte[] bmp = Bmp(3, -2, 8, Uncompressed, [1, 2, 3, 0, 3, 2, 1, 0], _palette);
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 3, 2, 1 }.SelectMany(Color).ToArray(), Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    [DataRow(16, new byte[] { 0xFF, 0x7F, 0x1F, 0x00 }, new byte[] { 255, 255, 255, 0, 0, 255 })]
    [DataRow(24, new byte[] { 1, 2, 3, 4, 5, 6, 0, 0 }, new byte[] { 3, 2, 1, 6, 5, 4 })]
    [DataRow(32, new byte[] { 1, 2, 3, 255, 4, 5, 6, 255 }, new byte[] { 3, 2, 1, 6, 5, 4 })]
    public void DirectColours(int bits, byte[] data, byte[] expected)
    {
        byte[] bmp = Bmp(2, 1, bits, Uncompressed, data);
        CollectionAssert.AreEqual(expected, Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void ChannelMasks()
    {
        byte[] masks565 = [0x00, 0xF8, 0, 0, 0xE0, 0x07, 0, 0, 0x1F, 0, 0, 0];
        byte[] bmp = Bmp(2, 1, 16, Bitfields, [0x00, 0xF8, 0xE0, 0x07], masks565);
        CollectionAssert.AreEqual(new byte[] { 255, 0, 0, 0, 255, 0 }, Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void RunsOf8Bits()
    {
        // Bottom row: two of 1, three single ones with a filling byte. Above: skip one column, one 2; the end of the row fills it up with 0.
        byte[] data = [2, 1, 0, 3, 3, 2, 1, 0, 0, 0, 0, 2, 1, 0, 1, 2, 0, 0, 0, 1];
        byte[] bmp = Bmp(5, 2, 8, Rle8, data, _palette);
        CollectionAssert.AreEqual(new[] { 0, 2, 0, 0, 0, 1, 1, 3, 2, 1 }.SelectMany(Color).ToArray(), Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void RunsOf4Bits()
    {
        // A run that alternates and goes beyond the row, then three single ones in two bytes.
        byte[] data = [9, 0x12, 0, 0, 0, 3, 0x32, 0x10, 2, 0x33];
        byte[] bmp = Bmp(5, 2, 4, Rle4, data, _palette);
        CollectionAssert.AreEqual(new[] { 3, 2, 1, 3, 3, 1, 2, 1, 2, 1 }.SelectMany(Color).ToArray(), Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    /// <summary>Expected are the indices that Pillow's main branch gives.</summary>
    [TestMethod]
    // A run beyond the row's end, and one that begins there, are cut.
    [DataRow(Rle8, new byte[] { 9, 1, 3, 2, 0, 0, 5, 3 }, new[] { 3, 3, 3, 3, 3, 1, 1, 1, 1, 1 })]
    // Single pixels go on in the next row, and a run behind them makes none until the row is ended.
    [DataRow(Rle8, new byte[] { 0, 7, 1, 2, 3, 1, 2, 3, 1, 0, 2, 2, 0, 0 }, new[] { 3, 1, 0, 0, 0, 1, 2, 3, 1, 2 })]
    // The end of a row that has none of its pixels yet does nothing.
    [DataRow(Rle8, new byte[] { 0, 0, 5, 1, 0, 0, 0, 0, 5, 2 }, new[] { 2, 2, 2, 2, 2, 1, 1, 1, 1, 1 })]
    // Skipping right and up.
    [DataRow(Rle8, new byte[] { 1, 3, 0, 2, 2, 1, 2, 2 }, new[] { 0, 0, 0, 2, 2, 3, 0, 0, 0, 0 })]
    [DataRow(Rle4, new byte[] { 0, 6, 0x12, 0x31, 0x23, 0, 0, 4, 0x12, 0x31 }, new[] { 3, 1, 2, 3, 1, 1, 2, 3, 1, 2 })]
    public void DamagedRunsAreReadAsByPillow(int compression, byte[] data, int[] indices)
    {
        byte[] bmp = Bmp(5, 2, compression == Rle8 ? 8 : 4, compression, data, _palette);
        CollectionAssert.AreEqual(indices.SelectMany(Color).ToArray(), Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void RunsThatStopBeforeTheLastPixelAreRefused()
    {
        AssertRefused("its runs give 7 of 10 pixels", Bmp(5, 2, 8, Rle8, [5, 1, 0, 0, 2, 1, 0, 1], _palette));
        AssertRefused("its runs give 7 of 10 pixels", Bmp(5, 2, 8, Rle8, [5, 1, 0, 0, 2, 1], _palette));
        AssertRefused("its runs give 5 of 10 pixels", Bmp(5, 2, 8, Rle8, [5, 1, 0, 0, 0, 5, 1, 2], _palette));
        // Millions of pixels beside the row, as absolute ones and as runs.
        AssertRefused("its runs give 5 of 10 pixels", Bmp(5, 2, 8, Rle8, [5, 1, .. Enumerable.Repeat<byte[]>([255, 1], 100_000).SelectMany(c => c)], _palette));
    }

    [TestMethod]
    public void AnIndexBeyondThePaletteIsBlack()
    {
        byte[] bmp = Bmp(4, 1, 8, Uncompressed, [3, 4, 200, 255], _palette);
        CollectionAssert.AreEqual((byte[])[.. Color(3), .. new byte[9]], Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void APaletteThatIsEachIndexsGreyIsNone()
    {
        byte[] ramp = [0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 0];
        CollectionAssert.AreEqual(new byte[] { 2, 2, 2, 200, 200, 200 }, Pictures.Rgb(ImagePixels.Decode(Bmp(2, 1, 8, Uncompressed, [2, 200, 0, 0], ramp))));
        // Black and white are a palette.
        CollectionAssert.AreEqual(new byte[] { 255, 255, 255, 0, 0, 0 }, Pictures.Rgb(ImagePixels.Decode(Bmp(2, 1, 8, Uncompressed, [1, 200, 0, 0], [0, 0, 0, 0, 255, 255, 255, 0]))));
    }

    [TestMethod]
    public void TheLastRowNeedsNoPadding()
    {
        byte[] whole = Bmp(3, 2, 8, Uncompressed, [1, 2, 3, 0, 3, 2, 1, 0], _palette);
        CollectionAssert.AreEqual(Pictures.Rgb(ImagePixels.Decode(whole)), Pictures.Rgb(ImagePixels.Decode(whole.AsMemory(0, whole.Length - 1))));
        AssertRefused("cut off", whole[..^2]);
    }

    [TestMethod]
    [DataRow(8, Uncompressed)]
    [DataRow(8, Rle8)]
    [DataRow(24, Uncompressed)]
    public void ABitmapNeedsNoFileHeader(int bits, int compression)
    {
        byte[] data = compression == Rle8 ? [3, 1, 0, 0, 3, 2] : [1, 2, 3, 0, 3, 2, 1, 0, .. new byte[16]];
        byte[] bmp = Bmp(3, 2, bits, compression, data, bits == 8 ? _palette : []);
        var dib = ImagePixels.Decode(bmp.AsMemory(14));
        Assert.AreEqual((3, 2), (dib.Width, dib.Height));
        CollectionAssert.AreEqual(Pictures.Rgb(ImagePixels.Decode(bmp)), Pictures.Rgb(dib));
    }

    [TestMethod]
    public void Os2HeaderOf12Bytes()
    {
        // Sizes of two bytes and a palette of three bytes a colour.
        byte[] bmp = [.. "BM"u8, .. new byte[8], 32, 0, 0, 0, 12, 0, 0, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 10, 20, 30, 0b0100_0000, 0, 0, 0];
        CollectionAssert.AreEqual(new byte[] { 3, 2, 1, 30, 20, 10 }, Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void APaletteMayBeShorterThanItsCountWhereNoPixelNeedsTheRest()
    {
        // 256 colours are said, four are there, and the offset of the pixels is behind them.
        byte[] bmp = Bmp(2, 1, 8, Uncompressed, [1, 3, 0, 0], _palette);
        bmp.AsSpan(46, 4).Clear();
        CollectionAssert.AreEqual((byte[])[.. Color(1), .. Color(3)], Pictures.Rgb(ImagePixels.Decode(bmp)));
    }

    [TestMethod]
    public void WhatIsWrongIsSaid()
    {
        AssertRefused("cut off", Bmp(3, 2, 8, Uncompressed, [1, 2, 3, 0], _palette));
        AssertRefused("cut off", Bmp(300, 2, 8, Rle8, [200, 1], _palette));
        AssertRefused("13000 x 13000", Bmp(13_000, 13_000, 8, Rle8, [0, 1], _palette));
        AssertRefused("2 bits a pixel", Bmp(3, 2, 2, Uncompressed, [1, 2, 3, 0], _palette));
        AssertRefused("compression 4", Bmp(3, 2, 24, 4, new byte[24]));
        AssertRefused("0×2", Bmp(0, 2, 24, Uncompressed, new byte[24]));
        AssertRefused("gaps", Bmp(1, 1, 32, Bitfields, new byte[4], [0x0F, 0xF0, 0xFF, 0, 0, 1, 0, 0, 0, 2, 0, 0]));
    }

    private static void AssertRefused(string reason, byte[] bmp) =>
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(bmp)).Message, reason);

    private static byte[] Color(int index) => [_palette[(4 * index) + 2], _palette[(4 * index) + 1], _palette[4 * index]];

    internal static byte[] Bmp(int width, int height, int bits, int compression, byte[] data, byte[]? afterHeader = null)
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
