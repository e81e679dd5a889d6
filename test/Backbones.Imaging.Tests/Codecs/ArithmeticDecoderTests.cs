using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Tests.Imaging.Codecs;

[TestClass]
public sealed class ArithmeticDecoderTests
{
    /// <summary>The test sequence of ITU-T T.81, K.4.1: 256 decisions with one bin.</summary>
    [TestMethod]
    public void TheStandardsTestSequenceIsDecoded()
    {
        byte[] encoded = Convert.FromHexString("655B5144F7969D517855BFFF00FC5184C7CEF93900287D46708ECBC0F6FFD9");
        byte[] expected = Convert.FromHexString("00020051000000C00352872AAAAAAAAA82C02000FCD79EF674EAABF7697EE74C");
        using var data = new EntropyData(encoded, 0);
        var decoder = new ArithmeticDecoder(data);
        decoder.Begin();
        byte bin = 0;
        byte[] decoded = new byte[expected.Length];
        for (int i = 0; i < 8 * decoded.Length; i++)
        {
            decoded[i / 8] |= (byte)((decoder.Decode(ref bin) ? 1 : 0) << (7 - (i % 8)));
        }

        CollectionAssert.AreEqual(expected, decoded);
        Assert.AreEqual(256, decoder.TakeCount());
    }

    [TestMethod]
    public void DataThatEndWithoutAMarkerAreCutOff()
    {
        using var data = new EntropyData(new byte[] { 0x65, 0x5B, 0x51 }, 0);
        var decoder = new ArithmeticDecoder(data);
        decoder.Begin();
        byte bin = 0;
        Assert.ThrowsExactly<InvalidDataException>(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                decoder.Decode(ref bin);
            }
        });
    }
}
