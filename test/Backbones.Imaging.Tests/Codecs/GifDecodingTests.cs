using Backbones.Imaging;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>What files of the test data do not show: the frame on its screen, palettes that are none, damage. Expected is what Pillow's main branch gives.</summary>
[TestClass]
public sealed class GifDecodingTests
{
    // Six indices 1, 2, 3, 1, 2, 3 of two bits; clear and end codes are 4 and 5.
    private static readonly byte[] _data = Lzw(2, [4, 1, 2, 3, 1, 2, 3, 5]);

    private static readonly byte[] _palette = [10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42];

    [TestMethod]
    public void PixelsAroundTheFrameHaveTheFirstColour()
    {
        var image = ImagePixels.Decode(Gif(4, 3, _palette, (1, 1, 3, 2), [], _data));
        CollectionAssert.AreEqual(Colors(_palette, 0, 0, 0, 0, 0, 1, 2, 3, 0, 1, 2, 3), Pictures.Rgb(image));
    }

    [TestMethod]
    public void PixelsAroundTheFrameHaveTheTransparentColour()
    {
        byte[] control = [(byte)'!', 0xF9, 4, 1, 0, 0, 2, 0];
        var image = ImagePixels.Decode(Gif(4, 2, _palette, (1, 0, 3, 2), control, _data));
        CollectionAssert.AreEqual(Colors(_palette, 2, 1, 2, 3, 2, 1, 2, 3), Pictures.Rgb(image));
    }

    [TestMethod]
    public void AFramesOwnPaletteGoesBeforeTheScreens()
    {
        byte[] own = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        CollectionAssert.AreEqual(Colors(own, 1, 2, 3, 1, 2, 3), Pictures.Rgb(ImagePixels.Decode(Gif(3, 2, _palette, (0, 0, 3, 2), [], _data, own))));
    }

    [TestMethod]
    public void APaletteThatIsEachIndexsGreyIsNone()
    {
        byte[] ramp = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3];
        byte[] grey = [1, 1, 1, 2, 2, 2, 3, 3, 3, 1, 1, 1, 2, 2, 2, 3, 3, 3];
        CollectionAssert.AreEqual(grey, Pictures.Rgb(ImagePixels.Decode(Gif(3, 2, [], (0, 0, 3, 2), [], _data))), "no palette");
        CollectionAssert.AreEqual(grey, Pictures.Rgb(ImagePixels.Decode(Gif(3, 2, ramp, (0, 0, 3, 2), [], _data))), "the screen's");
        CollectionAssert.AreEqual(Colors(_palette, 1, 2, 3, 1, 2, 3), Pictures.Rgb(ImagePixels.Decode(Gif(3, 2, _palette, (0, 0, 3, 2), [], _data, ramp))), "the frame's");
    }

    [TestMethod]
    public void AnIndexBeyondThePaletteIsBlack()
    {
        byte[] two = _palette[..6];
        CollectionAssert.AreEqual((byte[])[20, 21, 22, 0, 0, 0, 0, 0, 0, 20, 21, 22, 0, 0, 0, 0, 0, 0], Pictures.Rgb(ImagePixels.Decode(Gif(3, 2, two, (0, 0, 3, 2), [], _data))));
    }

    [TestMethod]
    public void NothingIsNeededBehindTheLastRow()
    {
        byte[] whole = Gif(3, 2, _palette, (0, 0, 3, 2), [], _data);
        byte[] expected = Pictures.Rgb(ImagePixels.Decode(whole));
        CollectionAssert.AreEqual(expected, Pictures.Rgb(ImagePixels.Decode(whole.AsMemory(0, whole.Length - 2))));
        AssertRefused("ends before its last row", whole[..^3]);
        AssertRefused("ends before its last row", Gif(3, 3, _palette, (0, 0, 3, 3), [], _data));
    }

    [TestMethod]
    public void AFrameOutsideItsScreenIsRefused()
    {
        AssertRefused("first frame of 3×2 pixels at (2, 1) is outside its screen of 4×3", Gif(4, 3, _palette, (2, 1, 3, 2), [], _data));
        AssertRefused("outside its screen of 1×1", Gif(1, 1, _palette, (0, 0, 60_000, 60_000), [], _data));
        AssertRefused("first frame is 0×2 pixels", Gif(4, 3, _palette, (0, 0, 0, 2), [], _data));
    }

    [TestMethod]
    public void TheLimitCountsTheScreenThatTheFrameIsWithin()
    {
        byte[] gif = Gif(4, 3, _palette, (1, 1, 3, 2), [], _data);
        Assert.AreEqual(12, ImageHeader.Read(gif, maxPixels: 12).Pixels);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImageHeader.Read(gif, maxPixels: 11)).Message, "4×3 = 12 pixels, more than the limit of 11");
    }

    [TestMethod]
    public void WhatIsWrongIsSaid()
    {
        AssertRefused("stands for nothing", Gif(3, 2, _palette, (0, 0, 3, 2), [], Lzw(2, [4, 1, 7, 5])));
        AssertRefused("begin with 13 bits", Gif(3, 2, _palette, (0, 0, 3, 2), [], [13, 1, 0, 0]));
        AssertRefused("has no picture", [.. Gif(3, 2, _palette, (0, 0, 3, 2), [], _data)[..25], (byte)';']);
    }

    private static void AssertRefused(string reason, byte[] gif) =>
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(gif)).Message, reason);

    private static byte[] Colors(byte[] palette, params int[] indices) => [.. indices.SelectMany(i => palette[(3 * i)..(3 * i + 3)])];

    private static byte[] Gif(ushort width, ushort height, byte[] palette, (ushort Left, ushort Top, ushort Width, ushort Height) frame, byte[] extension, byte[] data, byte[]? own = null)
    {
        byte[] descriptor = EncodedHeaders.GifFrame(frame.Left, frame.Top, frame.Width, frame.Height);
        descriptor[^1] = Flags(own ?? []);
        return [
            .. "GIF89a"u8, .. EncodedHeaders.Little(width)[..2], .. EncodedHeaders.Little(height)[..2], Flags(palette), 0, 0, .. palette,
            .. extension, .. descriptor, .. own ?? [], .. data, (byte)';'];

        static byte Flags(byte[] colors) => colors.Length == 0 ? (byte)0 : (byte)(0x80 | int.Log2(colors.Length / 3) - 1);
    }

    /// <summary>Codes of the width that a decoder expects, in one block.</summary>
    private static byte[] Lzw(int bits, int[] codes)
    {
        List<byte> bytes = [];
        int clear = 1 << bits, next = clear + 2, width = bits + 1, pending = 0, count = 0;
        bool isFirst = true;
        foreach (int code in codes)
        {
            pending |= code << count;
            for (count += width; count >= 8; count -= 8, pending >>= 8)
            {
                bytes.Add((byte)pending);
            }

            if (code == clear)
            {
                (next, width, isFirst) = (clear + 2, bits + 1, true);
            }
            else if (isFirst)
            {
                isFirst = false;
            }
            else if (next++ == (1 << width) - 1)
            {
                width++;
            }
        }

        bytes.Add((byte)pending);
        return [(byte)bits, (byte)bytes.Count, .. bytes, 0];
    }
}
