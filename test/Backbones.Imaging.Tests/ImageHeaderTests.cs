using System.Buffers.Binary;
using Backbones.Imaging;

namespace Backbones.Tests.Imaging;

[TestClass]
public sealed class ImageHeaderTests
{
    private static readonly Dictionary<string, byte[]> Files = new()
    {
        ["png"] = EncodedHeaders.Png(640, 480),
        ["jpeg"] = EncodedHeaders.Jpeg(640, 480),
        ["progressive jpeg"] = EncodedHeaders.Jpeg(640, 480, marker: 0xC2),
        ["bmp"] = EncodedHeaders.Bmp(640, 480),
        ["bmp from the top"] = EncodedHeaders.Bmp(640, -480),
        ["old bmp"] = EncodedHeaders.OldBmp(640, 480),
        ["gif"] = EncodedHeaders.Gif(640, 480),
        ["webp lossy"] = EncodedHeaders.WebPLossy(640, 480),
        ["webp lossless"] = EncodedHeaders.WebPLossless(640, 480),
        ["webp extended"] = EncodedHeaders.WebPExtended(640, 480),
    };

    public static IEnumerable<object[]> Names => Files.Keys.Select(k => new object[] { k });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void SizeStandsInTheHeader(string name)
    {
        var header = ImageHeader.Read(Files[name]);
        Assert.AreEqual((640, 480, 307_200L), (header.Width, header.Height, header.Pixels));
        StringAssert.Contains(name, header.Format.ToString().ToLowerInvariant());
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void EveryCutIsAnErrorOrTheSameHeader(string name)
    {
        var whole = ImageHeader.Read(Files[name]);
        bool readable = false;
        for (int length = 0; length < Files[name].Length; length++)
        {
            byte[] part = Files[name][..length];
            try
            {
                Assert.AreEqual(whole, ImageHeader.Read(part), $"{length} bytes");
                readable = true;
            }
            catch (InvalidDataException e)
            {
                Assert.IsFalse(readable, $"{length} bytes");
                StringAssert.Contains(e.Message, length == 0 ? "is empty (0 bytes)" : $"after {length} bytes");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void BrokenBytesAreNeverMoreThanAnInvalidDataException(string name)
    {
        var random = new Random(3);
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = [.. Files[name]];
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                var header = ImageHeader.Read(bytes);
                Assert.IsTrue(header.Pixels is > 0 and <= ImageHeader.DefaultMaxPixels);
            }
            catch (InvalidDataException)
            {
            }

            ExifOrientation.Read(bytes);
        }
    }

    [TestMethod]
    public void ImageBombIsRefusedByNameSizeAndLimit()
    {
        foreach (byte[] bomb in new[] { EncodedHeaders.Png(50_000, 50_000), EncodedHeaders.Jpeg(50_000, 50_000), EncodedHeaders.Bmp(50_000, 50_000) })
        {
            string message = Assert.Throws<InvalidDataException>(() => ImageHeader.Read(bomb, fileName: "bomb.png")).Message;
            StringAssert.Contains(message, "'bomb.png'");
            StringAssert.Contains(message, "50000×50000 = 2500000000 pixels");
            StringAssert.Contains(message, "178956970");
            Assert.AreEqual(2_500_000_000, ImageHeader.Read(bomb, maxPixels: long.MaxValue).Pixels);
        }
    }

    [TestMethod]
    public void LimitItselfIsAllowed()
    {
        Assert.AreEqual(12, ImageHeader.Read(EncodedHeaders.Png(4, 3), maxPixels: 12).Pixels);
        Assert.Throws<InvalidDataException>(() => ImageHeader.Read(EncodedHeaders.Png(4, 3), maxPixels: 11));
    }

    [TestMethod]
    public void ErrorsNameTheFileAndTheProblem()
    {
        StringAssert.Contains(Message("just some text, no picture"u8.ToArray()), "'cat.jpg' is no PNG, JPEG, BMP, GIF or WebP file: it starts with the bytes 6A757374");
        StringAssert.Contains(Message(EncodedHeaders.Png(0, 5)), "0×5");
        StringAssert.Contains(Message(EncodedHeaders.Jpeg(8, 8, marker: 0xDA)), "no frame header before its first scan");
        StringAssert.Contains(Message([0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0x12, 0x34, 0x56, 0x78]), "ends within its header");
        StringAssert.Contains(Message([.. EncodedHeaders.Png(8, 8)[..12], .. "JHDR"u8, .. new byte[20]]), "first chunk is not IHDR");
        StringAssert.Contains(Message(EncodedHeaders.Bmp(-5, 5)), "-5×5");
        StringAssert.Contains(Message(EncodedHeaders.Bmp(5, int.MinValue)), "5×2147483648");

        static string Message(byte[] bytes) => Assert.Throws<InvalidDataException>(() => ImageHeader.Read(bytes, fileName: "cat.jpg")).Message;
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void StreamGivesTheSameAndStaysWhereItWas(string name)
    {
        using var stream = new MemoryStream([9, 9, .. Files[name]]) { Position = 2 };
        Assert.AreEqual(ImageHeader.Read(Files[name]), ImageHeader.Read(stream));
        Assert.AreEqual(2, stream.Position);
        using var forward = new ForwardStream([.. Files[name]]);
        Assert.AreEqual(ImageHeader.Read(Files[name]), ImageHeader.Read(forward));
    }

    [TestMethod]
    public void SizeBehindMegabytesOfProfilesIsFound()
    {
        byte[] profile = new byte[65_535];
        BinaryPrimitives.WriteUInt16BigEndian(profile, 65_535);
        byte[] file = [0xFF, 0xD8, .. Enumerable.Repeat<byte[]>([0xFF, 0xE2, .. profile], 30).SelectMany(s => s), .. EncodedHeaders.Jpeg(640, 480)[2..]];
        Assert.AreEqual((640, 480), (ImageHeader.Read(file).Width, ImageHeader.Read(new ForwardStream(file)).Height));
    }

    [TestMethod]
    public void StreamWithoutEndIsGivenUp()
    {
        byte[] profile = new byte[65_535];
        BinaryPrimitives.WriteUInt16BigEndian(profile, 65_535);
        byte[] file = [0xFF, 0xD8, .. Enumerable.Repeat<byte[]>([0xFF, 0xE2, .. profile], 300).SelectMany(s => s), .. EncodedHeaders.Jpeg(640, 480)[2..]];
        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => ImageHeader.Read(new ForwardStream(file))).Message, "no image size in its first 16777216 bytes");
    }

    /// <summary>A stream as a network gives it: a few bytes at a time, no way back.</summary>
    private sealed class ForwardStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1000)]);
    }
}
