using System.Buffers.Binary;
using Microsoft.ML.TimmFeatures.Serialization;

namespace Microsoft.ML.TimmFeatures.Tests.Serialization;

[TestClass]
public sealed class BytePlanesTests
{
    [TestMethod]
    [DataRow(0)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(4 * 16)]
    [DataRow(4 * 37 + 1)]
    [DataRow(BytePlanes.BlockLength)]
    [DataRow(2 * BytePlanes.BlockLength + 4 * 21 + 2)]
    public void What_is_read_is_what_was_written(int length)
    {
        byte[] bytes = new byte[length], read = new byte[length];
        new Random(length).NextBytes(bytes);
        using var stream = new MemoryStream();
        using (var writer = new BytePlaneWriter(stream))
        {
            // In pieces that keep to no border.
            for (int i = 0; i < length; i += 300_001)
                writer.Write(bytes.AsSpan(i, Math.Min(300_001, length - i)));
        }
        Assert.AreEqual(length, stream.Length);
        stream.Position = 0;
        BytePlanes.Read(stream, read);
        CollectionAssert.AreEqual(bytes, read);
    }

    [TestMethod]
    public void The_last_plane_has_the_exponents()
    {
        byte[] block = new byte[3 * sizeof(float)], planes = new byte[block.Length];
        float[] values = [1.5f, -3, 1e-3f];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(block.AsSpan(i * sizeof(float)), values[i]);
        BytePlanes.Split(block, planes);
        CollectionAssert.AreEqual(new byte[] { 127, 128, 117 }, planes[9..]);
    }

    [TestMethod]
    public void A_stream_that_ends_early_says_so()
        => Assert.ThrowsExactly<EndOfStreamException>(() => BytePlanes.Read(new MemoryStream(new byte[7]), new byte[8]));
}
