namespace Backbones.Tests.Imaging.Codecs;

[TestClass]
public sealed class PngDecodingTests
{
    public static IEnumerable<object[]> Kinds =>
        from kind in new (int Color, int[] Depths)[] { (0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16]) }
        from depth in kind.Depths
        from interlaced in new[] { false, true }
        select new object[] { kind.Color, depth, interlaced };

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void EveryKindAndSizeHasItsPixels(int color, int depth, bool interlaced)
    {
        foreach ((int width, int height) in new[] { (1, 1), (2, 3), (5, 5), (8, 9), (33, 17), (3, 40), (70, 7) })
        {
            byte[] palette = color == 3 ? Bytes(3 << depth, 5) : [], alphas = color == 3 ? Bytes((1 << depth) / 2, 6) : [];
            var png = new PngBuilder(width, height, color, depth, interlaced, width + height) { Palette = palette, Transparency = alphas };
            var image = ImagePixels.Decode(png.Build());
            Assert.AreEqual((width, height), (image.Width, image.Height));
            for (int i = 0; i < width * height; i++)
            {
                byte[] expected = Expected(png.Samples.AsSpan(i * png.Channels, png.Channels), color, depth, palette, alphas);
                CollectionAssert.AreEqual(expected, image.Pixels.Slice(4 * i, 4).ToArray(), $"{width} x {height}, pixel {i}");
            }
        }
    }

    [TestMethod]
    [DataRow(0, 1)]
    [DataRow(0, 4)]
    [DataRow(0, 8)]
    [DataRow(0, 16)]
    [DataRow(2, 8)]
    [DataRow(2, 16)]
    public void OneColourCanBeTransparent(int color, int depth)
    {
        var opaque = new PngBuilder(9, 5, color, depth, interlaced: false, seed: 1);
        opaque.Build();
        ushort[] first = opaque.Samples[..opaque.Channels];
        byte[] transparency = [.. first.SelectMany(sample => new[] { (byte)(sample >> 8), (byte)sample })];
        var png = new PngBuilder(9, 5, color, depth, interlaced: false, seed: 1) { Transparency = transparency };
        var image = ImagePixels.Decode(png.Build());
        for (int i = 0; i < 45; i++)
        {
            bool same = png.Samples.AsSpan(i * png.Channels, png.Channels).SequenceEqual(first);
            Assert.AreEqual(same ? 0 : 255, image.Pixels.Span[(4 * i) + 3], $"pixel {i}");
        }
    }

    [TestMethod]
    public void AWrongChecksumOfImageDataIsNotLookedAt()
    {
        byte[] png = Picture();
        byte[] damaged = [.. png];
        damaged[^13]++;
        CollectionAssert.AreEqual(Pictures.Rgb(ImagePixels.Decode(png)), Pictures.Rgb(ImagePixels.Decode(damaged)));
    }

    [TestMethod]
    [DataRow("IHDR")]
    [DataRow("PLTE")]
    [DataRow("tEXt")]
    public void AWrongChecksumBeforeImageDataIsRefused(string chunk)
    {
        byte[] png = PngBuilder.Assemble(PngBuilder.Header(1, 1, 8, 3), [1, 2, 3], [], PngBuilder.Compress([0, 0]));
        int name = png.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(chunk));
        png[name + 4]++;
        AssertRefused($"'{chunk}' has a wrong checksum", png);
    }

    [TestMethod]
    public void NothingIsNeededBehindTheLastRow()
    {
        byte[] png = Picture();
        byte[] expected = Pictures.Rgb(ImagePixels.Decode(png));
        // Without the end chunk, without part of it, without the checksum of the image data.
        foreach (int missing in new[] { 12, 5, 14, 16 })
        {
            CollectionAssert.AreEqual(expected, Pictures.Rgb(ImagePixels.Decode(png.AsMemory(0, png.Length - missing))), $"{missing} bytes less");
        }

        // Another chunk there has to be whole; its checksum does not count.
        byte[] text = PngBuilder.Chunk("tEXt"u8, "Comment\0late"u8);
        text[^1]++;
        CollectionAssert.AreEqual(expected, Pictures.Rgb(ImagePixels.Decode((byte[])[.. png[..^12], .. text])));
        AssertRefused("ends within the chunk 'tEXt'", [.. png[..^12], .. text[..^6]]);
    }

    [TestMethod]
    public void MissingRowsAreRefused()
    {
        byte[] data = PngBuilder.Compress(new byte[4 * 10]);
        AssertRefused("before the last row", PngBuilder.Assemble(PngBuilder.Header(1, 11, 8, 2), [], [], data));
        byte[] png = PngBuilder.Assemble(PngBuilder.Header(1, 10, 8, 2), [], [], data);
        AssertRefused("before the last row", png[..^30]);
    }

    [TestMethod]
    [DataRow(0, 8)]
    [DataRow(0, 16)]
    [DataRow(2, 8)]
    public void BytesTooManyInTransparencyAreIgnored(int color, int depth)
    {
        var png = new PngBuilder(9, 5, color, depth, interlaced: false, seed: 1);
        byte[] expected = Pictures.Rgb(ImagePixels.Decode(png.Build()));
        var longer = new PngBuilder(9, 5, color, depth, interlaced: false, seed: 1) { Transparency = [0, 1, 0, 2, 0, 3, 0, 4] };
        CollectionAssert.AreEqual(expected, Pictures.Rgb(ImagePixels.Decode(longer.Build())));
    }

    [TestMethod]
    public void AnIndexBeyondThePaletteIsBlack()
    {
        byte[] png = PngBuilder.Assemble(PngBuilder.Header(3, 1, 8, 3), [1, 2, 3, 4, 5, 6], [], PngBuilder.Compress([0, 1, 2, 255]));
        CollectionAssert.AreEqual(new byte[] { 6, 5, 4, 255, 0, 0, 0, 255, 0, 0, 0, 255 }, ImagePixels.Decode(png).Pixels.ToArray());
    }

    [TestMethod]
    public void RowsOfHundredsOfMegabytesAreRefused()
    {
        byte[] header = PngBuilder.Header(40_000_000, 4, 16, 6);
        AssertRefused("40000000 pixels of 64 bits", PngBuilder.Assemble(header, [], [], PngBuilder.Compress([0])));
    }

    [TestMethod]
    public void WhatIsWrongIsSaid()
    {
        byte[] row = [0, 1, 2, 3], header = PngBuilder.Header(1, 1, 8, 2), data = PngBuilder.Compress(row);
        byte[] wrongSum = PngBuilder.Assemble(header, [], [], data);
        wrongSum[16]++;

        AssertRefused("checksum", wrongSum);
        AssertRefused("filter 9", PngBuilder.Assemble(header, [], [], PngBuilder.Compress([9, 1, 2, 3])));
        AssertRefused("cut off: its image data ends before the last row", PngBuilder.Assemble(header, [], [], PngBuilder.Compress([0, 1])));
        AssertRefused("palette", PngBuilder.Assemble(PngBuilder.Header(1, 1, 8, 3), [], [], PngBuilder.Compress([0, 1])));
        AssertRefused("colour type 2 with 4 bits", PngBuilder.Assemble(PngBuilder.Header(1, 1, 4, 2), [], [], data));
        AssertRefused("colour type 5", PngBuilder.Assemble(PngBuilder.Header(1, 1, 8, 5), [], [], data));
        AssertRefused("interlace 2", PngBuilder.Assemble(PngBuilder.Header(1, 1, 8, 2, 2), [], [], data));
        AssertRefused("0×1", PngBuilder.Assemble(PngBuilder.Header(0, 1, 8, 2), [], [], data));
        AssertRefused("tRNS", PngBuilder.Assemble(header, [], [1], data));
        AssertRefused("", PngBuilder.Assemble(header, [], [], [1, 2, 3, 4, 5, 6]));
    }

    private static void AssertRefused(string reason, byte[] png) =>
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(png)).Message, reason);

    private static byte[] Expected(ReadOnlySpan<ushort> samples, int color, int depth, byte[] palette, byte[] alphas)
    {
        byte At(ReadOnlySpan<ushort> values, int i) => (byte)(depth == 16 ? values[i] >> 8 : values[i] * 255 / ((1 << depth) - 1));
        int index = samples[0];
        byte gray = color == 0 && depth == 16 ? (byte)Math.Min(index, 255) : At(samples, 0);
        return color switch
        {
            0 => [gray, gray, gray, 255],
            2 => [At(samples, 2), At(samples, 1), At(samples, 0), 255],
            3 => [palette[(3 * index) + 2], palette[(3 * index) + 1], palette[3 * index], index < alphas.Length ? alphas[index] : (byte)255],
            4 => [gray, gray, gray, At(samples, 1)],
            _ => [At(samples, 2), At(samples, 1), At(samples, 0), At(samples, 3)],
        };
    }

    private static byte[] Picture() => new PngBuilder(20, 12, 2, 8, interlaced: false, seed: 4).Build();

    private static byte[] Bytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
