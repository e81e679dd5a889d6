using System.Diagnostics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Imaging;

/// <summary>What isn't a picture, or isn't a whole one, is refused with a clear error, soon and without much memory.</summary>
[TestClass]
public sealed class BadImageTests
{
    [TestMethod]
    public void EmptyFileIsRefused()
    {
        ArgumentException e = Assert.ThrowsExactly<ArgumentException>(() => ImageData.Decode([]));
        Assert.AreEqual("imageStream", e.ParamName);
    }

    [TestMethod]
    public void RandomBytesAreRefused()
    {
        var random = new Random(11);
        for (int i = 0; i < 200; i++)
        {
            var bytes = new byte[random.Next(1, 2000)];
            random.NextBytes(bytes);
            Assert.ThrowsExactly<ArgumentException>(() => ImageData.Decode(bytes));
        }
    }

    [TestMethod]
    public void MissingFileIsRefused()
    {
        string path = ImageData.PathOf("images/no_such_picture.png");
        ArgumentException e = Assert.ThrowsExactly<ArgumentException>(() => MLImage.CreateFromFile(path));
        Assert.AreEqual("imagePath", e.ParamName);
    }

    [TestMethod]
    public void NullIsRefused()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => MLImage.CreateFromFile(null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => MLImage.CreateFromStream(null!));
    }

    [TestMethod]
    public void ErrorsNameTheFileAndTheReason()
    {
        PackageStack.RequireEmbedded("its message is 'Invalid path'.");
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.png");
        File.WriteAllText(path, "GIF89a, whatever the name says");
        try
        {
            string message = Assert.ThrowsExactly<ArgumentException>(() => MLImage.CreateFromFile(path)).Message;
            StringAssert.Contains(message, path);
            StringAssert.Contains(message, "GIF");
            StringAssert.Contains(message, "PNG, JPEG and BMP");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    [DataRow(0.02)]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    public void TruncatedFilesAreRefused(double part)
    {
        PackageStack.RequireEmbedded("Skia shows what there is.");
        foreach (ImageData.Row row in ImageData.Rows)
        {
            byte[] whole = ImageData.Read(row.File);
            // The last bytes may be an end marker that says nothing about pixels.
            byte[] cut = whole[..(int)((whole.Length - 20) * part)];
            Assert.ThrowsExactly<ArgumentException>(() => ImageData.Decode(cut), row.File);
        }
    }

    [TestMethod]
    [DataRow("images/rgb.png", 16, true)]
    [DataRow("images/rgb.bmp", 18, false)]
    public void ImageBombsAreRefusedByTheirHeader(string file, int sizeAt, bool bigEndian)
    {
        PackageStack.RequireEmbedded("Skia asks for the memory.");
        byte[] bomb = ImageData.Read(file);
        foreach (int at in new[] { sizeAt, sizeAt + 4 })
        {
            byte[] size = BitConverter.GetBytes(50_000);
            (bigEndian ? size.Reverse().ToArray() : size).CopyTo(bomb, at);
        }

        if (bigEndian)
        {
            byte[] checksum = BitConverter.GetBytes(ImageData.Crc32(bomb.AsSpan(12, 17)));
            checksum.Reverse().ToArray().CopyTo(bomb, 29);
        }

        AssertRefusedWithoutMemory(bomb, "50000 x 50000");
    }

    [TestMethod]
    public void JpegBombsAreRefusedByTheirHeader()
    {
        PackageStack.RequireEmbedded("Skia asks for the memory.");
        byte[] bomb = ImageData.Read("images/gray.jpg");
        int frame = bomb.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        ((byte[])[0xC3, 0x50, 0xC3, 0x50]).CopyTo(bomb, frame + 5);
        AssertRefusedWithoutMemory(bomb, "50000 x 50000");

        // Below the limit, but far more than the few bytes of the file can hold.
        ((byte[])[0x2E, 0xE0, 0x2E, 0xE0]).CopyTo(bomb, frame + 5);
        AssertRefusedWithoutMemory(bomb, "12000 x 12000");
    }

    [TestMethod]
    public void SmallFilesCannotAskForMuchMemory()
    {
        PackageStack.RequireEmbedded("Skia asks for the memory.");
        byte[] png = PngBuilder.Assemble(PngBuilder.Header(13_000, 13_000, 8, 6), [], [], PngBuilder.Compress(new byte[1000]));
        AssertRefusedWithoutMemory(png, "13000 x 13000");
    }

    /// <summary>Changes files at random, for two seconds: each attempt gives a picture or the one kind of error.</summary>
    [TestMethod]
    public void DamagedFilesNeverCrash()
    {
        PackageStack.RequireEmbedded("Skia's robustness is its own affair.");
        byte[][] files = [.. ImageData.Rows.Select(row => ImageData.Read(row.File)).Where(file => file.Length < 30_000)];
        var random = new Random(7);
        int pictures = 0, errors = 0;
        long slowest = 0;
        for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < 2000;)
        {
            byte[] damaged = Damage(files[random.Next(files.Length)], random);
            long start = clock.ElapsedMilliseconds;
            try
            {
                using MLImage image = ImageData.Decode(damaged);
                pictures++;
            }
            catch (ArgumentException)
            {
                errors++;
            }

            slowest = Math.Max(slowest, clock.ElapsedMilliseconds - start);
        }

        Assert.IsGreaterThan(50, pictures);
        Assert.IsGreaterThan(50, errors);
        Assert.IsLessThan(3000, slowest);
    }

    private static byte[] Damage(byte[] file, Random random)
    {
        List<byte> bytes = [.. file];
        for (int changes = random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--)
        {
            // Headers are worth more attempts than their length.
            int at = random.Next(random.Next(2) == 0 ? Math.Min(700, bytes.Count) : bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 60), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 20)).Select(_ => (byte)random.Next(256)));
                    break;
                default:
                    bytes.RemoveRange(at, random.Next(8) == 0 ? bytes.Count - at : 0);
                    break;
            }
        }

        return [.. bytes];
    }

    private static void AssertRefusedWithoutMemory(byte[] bomb, string size)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        ArgumentException e = Assert.ThrowsExactly<ArgumentException>(() => ImageData.Decode(bomb));
        Assert.IsLessThan(1_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
        StringAssert.Contains(e.Message, size);
    }
}
