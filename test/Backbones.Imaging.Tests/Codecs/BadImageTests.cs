using System.Buffers.Binary;
using System.IO.Hashing;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>What isn't a picture, or isn't a whole one, is refused with a clear error, soon and without much memory.</summary>
[TestClass]
public sealed class BadImageTests
{
    [TestMethod]
    public void RandomBytesAreRefused()
    {
        var random = new Random(11);
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = new byte[random.Next(1, 2000)];
            random.NextBytes(bytes);
            Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(bytes));
        }
    }

    [TestMethod]
    [DataRow(0.02)]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    public void TruncatedFilesAreRefused(double part)
    {
        foreach (var row in Pictures.Rows)
        {
            byte[] whole = Pictures.Read(row.File);
            // The last bytes may be an end marker that says nothing about pixels, and an animation's are those of later frames.
            int end = row.File.Contains("animated") ? whole.Length / 4 : whole.Length - 20;
            Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(whole.AsMemory(0, (int)(end * part))), row.File);
        }
    }

    [TestMethod]
    [DataRow("images/rgb.png", 16, true)]
    [DataRow("images/rgb.bmp", 18, false)]
    public void ImageBombsAreRefusedByTheirHeader(string file, int sizeAt, bool bigEndian)
    {
        byte[] bomb = Pictures.Read(file);
        foreach (int at in new[] { sizeAt, sizeAt + 4 })
        {
            if (bigEndian)
            {
                BinaryPrimitives.WriteInt32BigEndian(bomb.AsSpan(at), 50_000);
            }
            else
            {
                BinaryPrimitives.WriteInt32LittleEndian(bomb.AsSpan(at), 50_000);
            }
        }

        if (bigEndian)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bomb.AsSpan(29), Crc32.HashToUInt32(bomb.AsSpan(12, 17)));
        }

        AssertRefusedWithoutMemory(bomb, "50000×50000");
    }

    [TestMethod]
    public void JpegBombsAreRefusedByTheirHeader()
    {
        byte[] bomb = Pictures.Read("images/gray.jpg");
        int frame = bomb.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        ((byte[])[0xC3, 0x50, 0xC3, 0x50]).CopyTo(bomb, frame + 5);
        AssertRefusedWithoutMemory(bomb, "50000×50000");

        // Below the limit, but far more than the few bytes of the file can hold.
        ((byte[])[0x2E, 0xE0, 0x2E, 0xE0]).CopyTo(bomb, frame + 5);
        AssertRefusedWithoutMemory(bomb, "12000 x 12000");
    }

    [TestMethod]
    public void SmallFilesCannotAskForMuchMemory()
    {
        AssertRefusedWithoutMemory(PngBuilder.Assemble(PngBuilder.Header(13_000, 13_000, 8, 6), [], [], PngBuilder.Compress(new byte[1000])), "13000 x 13000");
        // One pixel on a large screen, and one colour for all pixels, take bytes by the tens in these formats.
        AssertRefusedWithoutMemory([.. "GIF89a"u8, .. EncodedHeaders.Little(13_000)[..2], .. EncodedHeaders.Little(13_000)[..2], 0, 0, 0, .. EncodedHeaders.GifFrame(0, 0, 1, 1), 2, 2, 0x44, 1, 0], "13000 x 13000");
        byte[] webp = Pictures.Read("formats/lossless.webp");
        EncodedHeaders.Little(12_999 | 12_999 << 14).CopyTo(webp, 21);
        AssertRefusedWithoutMemory(webp, "13000 x 13000");
    }

    private static void AssertRefusedWithoutMemory(byte[] bomb, string size)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(bomb));
        Assert.IsLessThan(1_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
        StringAssert.Contains(e.Message, size);
    }
}
