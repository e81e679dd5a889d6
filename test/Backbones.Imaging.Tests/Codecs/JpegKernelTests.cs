using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>Vector code against the same arithmetic written down plainly.</summary>
[TestClass]
public sealed unsafe class JpegKernelTests
{
    [TestMethod]
    [DataRow(20, 100)]
    [DataRow(255, 1000)]
    [DataRow(32767, 32767)]
    public void InverseDctIsLibjpegs(int divisor, int coefficient)
    {
        var random = new Random(1);
        short* block = stackalloc short[64], quantization = stackalloc short[64];
        byte* fast = stackalloc byte[8 * 11], portable = stackalloc byte[8 * 11], plain = stackalloc byte[8 * 11];
        for (int attempt = 0; attempt < 2000; attempt++)
        {
            for (int i = 0, density = random.Next(1, 64); i < 64; i++)
            {
                block[i] = random.Next(64) < density ? (short)random.Next(-coefficient, coefficient + 1) : (short)0;
                quantization[i] = (short)random.Next(1, divisor + 1);
            }

            InverseDct.Transform(block, quantization, fast, 11);
            InverseDct.TransformPortably(block, quantization, portable, 11);
            PlainJpeg.InverseDct(block, quantization, plain, 11);
            for (int y = 0; y < 8; y++)
            {
                CollectionAssert.AreEqual(Row(plain), Row(fast), $"attempt {attempt}, row {y}");
                CollectionAssert.AreEqual(Row(plain), Row(portable), $"attempt {attempt}, row {y}");
                byte[] Row(byte* samples) => new Span<byte>(samples + (11 * y), 8).ToArray();
            }
        }
    }

    [TestMethod]
    public void ABlockOfOneValueIsTransformedAsAnyOther()
    {
        short* block = stackalloc short[64], quantization = stackalloc short[64];
        byte* fast = stackalloc byte[64], plain = stackalloc byte[64];
        new Span<short>(block, 64).Clear();
        new Span<short>(quantization, 64).Fill(1);
        for (int value = short.MinValue; value <= short.MaxValue; value += value is > -8200 and < 8200 ? 1 : 61)
        {
            block[0] = (short)value;
            InverseDct.TransformDc(value, 1, fast, 8);
            PlainJpeg.InverseDct(block, quantization, plain, 8);
            Assert.IsTrue(new Span<byte>(fast, 64).SequenceEqual(new Span<byte>(plain, 64)), $"{value}");
        }
    }

    [TestMethod]
    public void ColoursAreLibjpegsForEveryChroma()
    {
        // Rows of an odd length: the last pixels go another way than those before.
        const int Length = 256 + 13;
        byte* luma = stackalloc byte[Length + 64], blue = stackalloc byte[Length + 64], red = stackalloc byte[Length + 64];
        uint[] fast = new uint[Length], portable = new uint[Length];
        for (int cb = 0; cb < 256; cb++)
        {
            for (int y = 0; y < 256; y += 51)
            {
                for (int i = 0; i < Length; i++)
                {
                    (luma[i], blue[i], red[i]) = ((byte)(y + (i % 7)), (byte)cb, (byte)i);
                }

                RowConverter.Convert(JpegColor.YCbCr, luma, blue, red, null, fast);
                RowConverter.ConvertPortably(JpegColor.YCbCr, luma, blue, red, null, portable);
                CollectionAssert.AreEqual(portable, fast, $"y {y}, cb {cb}");
                for (int i = 0; i < Length; i++)
                {
                    Assert.AreEqual(PlainJpeg.ToBgra(luma[i], blue[i], red[i]), fast[i], $"y {luma[i]}, cb {blue[i]}, cr {red[i]}");
                }
            }
        }
    }

    [TestMethod]
    public void BlocksAreThoseReadSymbolBySymbol()
    {
        var random = new Random(2);
        HuffmanTable[] tables = [StandardHuffmanTables.Ac(0), StandardHuffmanTables.Ac(1), PlainJpeg.RandomTable(random), PlainJpeg.RandomTable(random)];
        short* block = stackalloc short[SequentialBlock.BlockLength];
        for (int attempt = 0; attempt < 300; attempt++)
        {
            byte[] bytes = new byte[random.Next(1, 3000)];
            random.NextBytes(bytes);
            var component = new JpegComponent(1, 1, 1, 0) { DcTable = StandardHuffmanTables.Dc(attempt & 1), AcTable = tables[attempt & 3] };
            using var data = new EntropyData(PlainJpeg.Stuff(bytes), 0);
            Assert.IsTrue(data.Padded[..data.Length].SequenceEqual(bytes));
            var reader = new JpegBitReader(data, default);
            var skipping = new JpegBitReader(data, default);
            var plain = new JpegBitReader(data, default);
            int dc = 0;
            while (plain.Position < data.Length)
            {
                short[] expected = PlainJpeg.Block(ref plain, component, ref dc);
                new Span<short>(block, SequentialBlock.BlockLength).Clear();
                int before = component.LastDc;
                bool hasDetail = SequentialBlock.Decode(ref reader, component, block);
                CollectionAssert.AreEqual(expected, new Span<short>(block, 64).ToArray());
                Assert.IsTrue(hasDetail || !expected.AsSpan(1).ContainsAnyExcept((short)0));

                int after = component.LastDc;
                component.LastDc = before;
                SequentialBlock.Skip(ref skipping, component);
                Assert.AreEqual(after, component.LastDc);
                Assert.AreEqual(Consumed(plain, data), Consumed(reader, data));
                Assert.AreEqual(Consumed(plain, data), Consumed(skipping, data));
            }
        }

        // Of bits beyond the data it is only known that there were some.
        static long Consumed(JpegBitReader reader, EntropyData data) => Math.Min((8L * reader.Position) - reader.Count, (8L * data.Length) + 1);
    }
}
