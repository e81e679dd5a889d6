using System.Globalization;
using System.IO.Hashing;
using Backbones.Imaging;
using Backbones.Imaging.Codecs;
using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>
/// Small JPEGs, whole and with something wrong, become the pixels that Pillow makes of them over libjpeg-turbo 2.1.5, or are refused where
/// Pillow refuses them. A line of expected.csv is a file, how many of its bytes are kept, what comes then, and where the file goes on.
/// </summary>
[TestClass]
public sealed class EditedJpegTests
{
    private const string Refused = "refused";

    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Data", "jpeg");

    private static readonly Edit[] s_edits = [.. File.ReadLines(Path.Combine(s_folder, "expected.csv")).Skip(1).Select(Edit.Parse)];

    public static IEnumerable<object[]> Files => s_edits.Select(edit => edit.File).Distinct().Select(file => new object[] { file });

    [TestMethod]
    [DataRow("whole", 13)]
    [DataRow("scans", 113)]
    [DataRow("junk", 195)]
    [DataRow("ends", 215)]
    [DataRow("damage", 183)]
    [DataRow("conditioning", 36)]
    public void PixelsAreThoseOfPillow(string group, int count)
    {
        Edit[] edits = [.. s_edits.Where(edit => edit.Group == group)];
        Assert.HasCount(count, edits);
        string[] wrong = [.. edits.Select(edit => (edit, Got: Crc(edit.Encoded()))).Where(x => x.Got != x.edit.Crc32).Select(x => $"{x.edit}: {x.Got}")];
        Assert.IsEmpty(wrong, string.Join('\n', wrong));
    }

    [TestMethod]
    public void PartsOfRowsOfUnfinishedPicturesAreThoseOfTheWhole()
    {
        var random = new Random(9);
        foreach (Edit edit in s_edits.Where(edit => edit.Group is "scans" && edit.Crc32 != Refused))
        {
            byte[] encoded = edit.Encoded();
            DecodedImage whole = ImageDecoder.Decode(encoded);
            using var decoder = JpegDecoder.Open(encoded);
            int first = random.Next(whole.Width), count = random.Next(1, whole.Width - first + 1);
            decoder.SelectColumns(first, count);
            uint[] row = new uint[count];
            for (int y = random.Next(8); y < whole.Height; y += random.Next(1, 6))
            {
                decoder.ReadRow(y, row);
                CollectionAssert.AreEqual(whole.Row(y).Slice(first, count).ToArray(), row, $"{edit}, row {y}, {count} columns from {first}");
            }
        }
    }

    /// <summary>A file is cut off where Pillow says so, and only there: what else is wrong is another error.</summary>
    [TestMethod]
    public void CompleteFilesAreThoseWithAllRows()
    {
        foreach (Edit edit in s_edits.Where(edit => edit.Group is "ends"))
        {
            byte[] encoded = edit.Encoded();
            if (edit.Crc32 != Refused)
            {
                ImageHeader.Read(encoded).RequireComplete(encoded);
            }
        }

        byte[] picture = File.ReadAllBytes(Path.Combine(s_folder, "baseline_420.jpg"));
        foreach (int length in new[] { picture.Length - 2, picture.Length - 20, picture.Length / 2 })
        {
            var error = Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(picture.AsMemory(0, length)));
            StringAssert.Contains(error.Message, "cut off");
        }
    }

    /// <summary>Pillow has handed over 64 KiB when it has all rows here, and asks for no more.</summary>
    [TestMethod]
    public void WhatIsWrongBehindTheBlockWithTheLastRowIsNotLookedAt()
    {
        byte[] picture = File.ReadAllBytes(Path.Combine(s_folder, "baseline_420.jpg"));
        byte[] withoutEnd = [.. picture[..2], 0xFF, JpegMarkers.Comment, 0xFC, 0x02, .. new byte[0xFC00], .. picture[2..^2]];
        byte[] reserved = [0xFF, 0x41];
        Assert.AreEqual(Crc(picture), Crc([.. withoutEnd, .. new byte[(64 << 10) - withoutEnd.Length], .. reserved]));
        Assert.AreEqual(Refused, Crc([.. withoutEnd, .. new byte[100], .. reserved]));
    }

    /// <summary>Changes small files at random: each is decoded, by rows too, or refused as data that are invalid.</summary>
    [TestMethod]
    [DynamicData(nameof(Files))]
    public void DamagedFilesAreDecodedOrRefused(string file)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(s_folder, file));
        int entropy = whole.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, JpegMarkers.StartOfScan]);
        var random = new Random(17);
        int decoded = 0, refused = 0;
        for (int attempt = 0; attempt < 600; attempt++)
        {
            byte[] damaged = Damage(whole, entropy, random);
            _ = Crc(damaged) == Refused ? refused++ : decoded++;
        }

        Assert.IsGreaterThan(50, decoded);
        Assert.IsGreaterThan(20, refused);
    }

    private static byte[] Damage(byte[] whole, int entropy, Random random)
    {
        List<byte> bytes = [.. whole];
        bool inHeaders = random.Next(3) == 0;
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            int at = inHeaders ? random.Next(2, entropy + 12) : random.Next(entropy, bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at));
                    break;
                case 1:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 9)).Select(_ => (byte)random.Next(256)));
                    break;
                case 2:
                    bytes.InsertRange(at, [0xFF, (byte)random.Next(0xC0, 0x100)]);
                    break;
                case 3:
                    bytes[at] = (byte)random.Next(256);
                    break;
                default:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }

            entropy = Math.Min(entropy, bytes.Count - 13);
        }

        return [.. bytes];
    }

    private static string Crc(byte[] encoded)
    {
        ImagePixels pixels;
        try
        {
            pixels = ImagePixels.Decode(encoded);
        }
        catch (InvalidDataException)
        {
            return Refused;
        }

        // Scaling to the same size only brings the pixels to RGB.
        byte[] rgb = new byte[3 * pixels.Width * pixels.Height];
        ImageResizer.Resize(pixels.Buffer, rgb, pixels.Width, pixels.Height, Interpolation.Nearest);
        return $"0x{Crc32.HashToUInt32(rgb):x8}";
    }

    private sealed record Edit(string Group, string File, int Keep, string Insert, int Resume, string Crc32, string What)
    {
        public static Edit Parse(string line)
        {
            string[] values = line.Split(';');
            return new Edit(
                values[0], values[1], int.Parse(values[2], CultureInfo.InvariantCulture), values[3], int.Parse(values[4], CultureInfo.InvariantCulture), values[5], values[6]);
        }

        public byte[] Encoded()
        {
            byte[] whole = System.IO.File.ReadAllBytes(Path.Combine(s_folder, File));
            return [.. whole[..Keep], .. Convert.FromHexString(Insert), .. whole[Resume..]];
        }
    }
}
