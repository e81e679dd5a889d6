using System.Text;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

[TestClass]
public sealed class Crc32Tests
{
    [TestMethod]
    public void CheckValueOfTheStandard()
        => Assert.AreEqual(0xCBF43926u, Crc32.Of(Encoding.ASCII.GetBytes("123456789")));

    [TestMethod]
    public void EveryLengthAndSplitAgreesWithTheDefinition()
    {
        byte[] data = new byte[700];
        new Random(1).NextBytes(data);
        for (int length = 0; length <= data.Length; length++)
        {
            ReadOnlySpan<byte> part = data.AsSpan(0, length);
            uint expected = BitByBit(part);
            Assert.AreEqual(expected, Crc32.Of(part), $"length {length}");
            int split = length / 3;
            Assert.AreEqual(expected, Crc32.Append(Crc32.Of(part[..split]), part[split..]), $"length {length} split at {split}");
        }
    }

    private static uint BitByBit(ReadOnlySpan<byte> data)
    {
        uint crc = ~0u;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }
        return ~crc;
    }
}
