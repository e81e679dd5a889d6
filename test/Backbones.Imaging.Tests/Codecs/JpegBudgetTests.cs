using System.Buffers.Binary;
using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>What a file may ask for grows with its length and its picture, and no further.</summary>
[TestClass]
public sealed class JpegBudgetTests
{
    private const int Blocks = 3 * 50 * 50;

    [TestMethod]
    public void CoefficientsOfLargePicturesTakeALongFile()
    {
        StringAssert.Contains(Message(() => new JpegBudget(Frame(10_000, 10_000, JpegMarkers.ProgressiveFrame, 2_000_000), 1_000_000).CheckCoefficients()), "600000000 bytes; 396435456 are allowed");
        new JpegBudget(Frame(10_000, 10_000, JpegMarkers.ProgressiveFrame, 10_000_000), 10_000_000).CheckCoefficients();

        // End to end, with a scan whose blocks take a bit each.
        byte[] file = [0xFF, 0xD8, 0xFF, 0xC2, .. Segment(FrameSegment(13_000, 13_000)), 0xFF, 0xDB, .. Segment([0, .. Enumerable.Repeat<byte>(1, 64)]),
            0xFF, 0xC4, .. Segment([0, 1, .. new byte[16]]), 0xFF, 0xDA, .. Segment([3, 1, 0, 2, 0, 3, 0, 0, 0, 0]), .. new byte[1_000_000], 0xFF, 0xD9];
        StringAssert.Contains(Message(() => ImagePixels.Decode(file)), "whose coefficients take 1014000000 bytes");
    }

    [TestMethod]
    public void ScansThatVisitAPictureTooOftenAreRefused()
    {
        // As many visits as a picture of this size has free are more than the scans that any may have.
        JpegFrame small = Frame(400, 400, JpegMarkers.ProgressiveFrame, 5000);
        Assert.AreEqual(JpegBudget.MaxScans, ScansUntilRefused(small, "more than 500 scans"));

        JpegFrame large = Frame(4000, 4000, JpegMarkers.ProgressiveFrame, 200_000);
        const long Visits = 100 * Blocks;
        Assert.AreEqual((JpegBudget.FreeVisits + (JpegBudget.VisitsPerBlock * Visits)) / Visits, ScansUntilRefused(large, "scans visit"));
    }

    [TestMethod]
    public void ArithmeticCodingIsBoundedThoughItMayTakeNoBits()
    {
        StringAssert.Contains(Message(() => Frame(10_000, 10_000, JpegMarkers.ArithmeticFrame, 1000)), "524288 blocks of 8 x 8 samples and 64 more for each byte");
        JpegFrame frame = Frame(400, 400, JpegMarkers.ArithmeticFrame, 1000);
        var budget = new JpegBudget(frame, 1000);
        budget.Add(Scan(frame));
        long allowed = JpegBudget.FreeDecisions + (JpegBudget.DecisionsPerVisit * Blocks) + (1000 * JpegBudget.DecisionsPerByte);
        budget.AddDecisions((int)allowed);
        StringAssert.Contains(Message(() => budget.AddDecisions(1)), $"more than {allowed} decisions");
    }

    private static long ScansUntilRefused(JpegFrame frame, string reason)
    {
        var budget = new JpegBudget(frame, 200_000);
        JpegScan scan = Scan(frame);
        for (int count = 0; ; count++)
        {
            try
            {
                budget.Add(scan);
            }
            catch (InvalidDataException e)
            {
                StringAssert.Contains(e.Message, reason);
                return count;
            }
        }
    }

    private static JpegScan Scan(JpegFrame frame)
    {
        var tables = new JpegTables();
        tables.ReadQuantization([0, .. Enumerable.Repeat<byte>(1, 64)]);
        tables.ReadHuffman([0, 1, .. new byte[16]]);
        return new JpegScan([3, 1, 0, 2, 0, 3, 0, 0, 0, 0], frame, tables);
    }

    private static JpegFrame Frame(ushort width, ushort height, int marker, int encodedLength) => JpegFrame.Read(FrameSegment(width, height), marker, encodedLength);

    private static byte[] FrameSegment(ushort width, ushort height) =>
        [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];

    private static byte[] Segment(byte[] contents)
    {
        byte[] segment = [0, 0, .. contents];
        BinaryPrimitives.WriteUInt16BigEndian(segment, (ushort)segment.Length);
        return segment;
    }

    private static string Message(Action action) => Assert.ThrowsExactly<InvalidDataException>(action).Message;
}
