namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// What a file may ask for, in proportion to its length and its picture: blocks before any are decoded, memory for coefficients where several
/// scans make up the picture, and the work of all scans together. Real files stay many times below; figures in docs/jpeg.md.
/// </summary>
internal sealed class JpegBudget(JpegFrame frame, int encodedLength)
{
    /// <summary>No encoder makes more; a scan costs something even where it holds nothing.</summary>
    public const int MaxScans = 500;

    /// <summary>Bytes of coefficients that any file may ask for, and those that each of its bytes adds.</summary>
    public const long FreeCoefficientBytes = 256L << 20;
    public const int CoefficientBytesPerByte = 128;

    /// <summary>Blocks that an arithmetic-coded file may have, and those that each of its bytes adds: coding a block may take next to no bits.</summary>
    public const int FreeArithmeticBlocks = 512 << 10;
    public const int ArithmeticBlocksPerByte = 64;

    /// <summary>Blocks that the scans of any picture may visit together, and those for each of its blocks.</summary>
    public const long FreeVisits = 20_000_000;
    public const int VisitsPerBlock = 64;

    /// <summary>Decisions of arithmetic coding that any file may ask for, and those that each visit of a block and each byte adds.</summary>
    public const long FreeDecisions = 20_000_000;
    public const int DecisionsPerVisit = 8;
    public const int DecisionsPerByte = 400;

    private readonly long _blocks = CountBlocks(frame.Components);
    private long _visits;
    private long _decisions;
    private int _scans;

    /// <summary>Refuses a frame of more blocks than so short a file can hold.</summary>
    /// <exception cref="InvalidDataException">It has more.</exception>
    public static void CheckBlocks(JpegFrame frame, int encodedLength)
    {
        long blocks = CountBlocks(frame.Components);
        if (!frame.Arithmetic)
        {
            // The shortest Huffman code has one bit, and every block has at least one of them.
            ImageLimits.CheckPlausible("JPEG", frame.Width, frame.Height, blocks / 8, encodedLength);
        }
        else if (blocks > FreeArithmeticBlocks + ((long)ArithmeticBlocksPerByte * encodedLength))
        {
            throw new InvalidDataException(
                $"The arithmetic-coded JPEG has {frame.Width} x {frame.Height} pixels in {encodedLength} bytes; " +
                $"{FreeArithmeticBlocks} blocks of 8 x 8 samples and {ArithmeticBlocksPerByte} more for each byte are decoded, it has {blocks}.");
        }
    }

    /// <summary>Refuses a picture whose coefficients, all of which have to be kept, take too much memory for so short a file.</summary>
    /// <exception cref="InvalidDataException">They do.</exception>
    public void CheckCoefficients()
    {
        long bytes = frame.Components.Sum(component => sizeof(short) * (long)component.CoefficientCount(frame.McuRows));
        long allowed = FreeCoefficientBytes + ((long)CoefficientBytesPerByte * encodedLength);
        if (bytes > allowed)
        {
            throw new InvalidDataException(
                $"The JPEG of several scans has {frame.Width} x {frame.Height} pixels, whose coefficients take {bytes} bytes; {allowed} are allowed for a file of {encodedLength} bytes.");
        }
    }

    /// <summary>Adds a scan that is about to be decoded.</summary>
    /// <exception cref="InvalidDataException">The scans are too many, or their work is too much.</exception>
    public void Add(JpegScan scan)
    {
        if (++_scans > MaxScans)
        {
            throw new InvalidDataException($"The JPEG has more than {MaxScans} scans.");
        }

        _visits += CountBlocks(scan.Components);
        if (_visits > FreeVisits + (VisitsPerBlock * _blocks))
        {
            throw new InvalidDataException(
                $"The JPEG's first {_scans} scans visit {_visits} blocks of 8 x 8 samples; {FreeVisits} and {VisitsPerBlock} for each of the picture's {_blocks} are allowed.");
        }
    }

    /// <summary>Adds decisions of arithmetic coding. Data that have ended go on for ever there, at no cost for who made them.</summary>
    /// <exception cref="InvalidDataException">They are too many.</exception>
    public void AddDecisions(int count)
    {
        _decisions += count;
        long allowed = FreeDecisions + (DecisionsPerVisit * _visits) + ((long)DecisionsPerByte * encodedLength);
        if (_decisions > allowed)
        {
            throw new InvalidDataException(
                $"The arithmetic-coded JPEG takes more than {allowed} decisions, which are allowed for a file of {encodedLength} bytes that visits {_visits} blocks.");
        }
    }

    private static long CountBlocks(JpegComponent[] components) => components.Sum(component => (long)component.BlocksPerRow * component.BlockRows);
}
