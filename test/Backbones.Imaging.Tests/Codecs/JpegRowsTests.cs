using Backbones.Imaging;
using Backbones.Imaging.Codecs;
using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Tests.Imaging.Codecs;

[TestClass]
public sealed class JpegRowsTests
{
    [TestMethod]
    [DynamicData(nameof(Pictures.Jpegs), typeof(Pictures))]
    public void PartsOfRowsAreThoseOfTheWholePicture(string file)
    {
        byte[] encoded = Pictures.Read(file);
        DecodedImage whole = ImageDecoder.Decode(ImageFileFormat.Jpeg, encoded, static length => new byte[length]);
        var random = new Random(3);
        for (int attempt = 0; attempt < 25; attempt++)
        {
            using var decoder = JpegDecoder.Open(encoded);
            int first = random.Next(whole.Width), count = random.Next(1, whole.Width - first + 1);
            decoder.SelectColumns(first, count);
            uint[] row = new uint[count];
            for (int y = random.Next(whole.Height); y < whole.Height; y += random.Next(1, random.Next(2) == 0 ? 3 : 40))
            {
                decoder.ReadRow(y, row);
                CollectionAssert.AreEqual(whole.Row(y).Slice(first, count).ToArray(), row, $"row {y}, {count} columns from {first}");
            }

            decoder.Finish();
        }
    }

    [TestMethod]
    public void RowsAreReadFromTopToBottom()
    {
        using var decoder = JpegDecoder.Open(Pictures.Read("images/landscape_420.jpg"));
        uint[] row = new uint[decoder.Width];
        decoder.ReadRow(100, row);
        Assert.ThrowsExactly<InvalidOperationException>(() => decoder.ReadRow(0, row));
    }
}
