using System.Buffers;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>One component (colour channel) of a frame and the state of its decoding.</summary>
internal sealed class JpegComponent(int id, int horizontal, int vertical, int quantizationIndex, int declaredVertical = 1)
{
    /// <summary>Pools give up to twice as much, and keep it: too much for larger pictures.</summary>
    private const int LargestRented = 4 << 20;

    public int Id => id;

    /// <summary>Blocks side by side in an interleaved MCU.</summary>
    public int Horizontal => horizontal;

    /// <summary>Blocks one below the other in an interleaved MCU.</summary>
    public int Vertical => vertical;

    /// <summary><see cref="Vertical"/> as the frame header gives it, also where the component is the only one.</summary>
    public int DeclaredVertical => declaredVertical;

    public int QuantizationIndex => quantizationIndex;

    /// <summary>Real samples in a row, without what fills up the last block.</summary>
    public int SamplesPerRow { get; set; }

    /// <summary>Rows of real samples.</summary>
    public int SampleRows { get; set; }

    /// <summary>Blocks in a row of a scan that holds this component alone.</summary>
    public int BlocksPerRow { get; set; }

    /// <summary>Rows of blocks in a scan that holds this component alone.</summary>
    public int BlockRows { get; set; }

    /// <summary>Blocks in a row including those that fill up the last interleaved MCU.</summary>
    public int PaddedBlocksPerRow { get; set; }

    /// <summary>
    /// Divisors in natural (row-major) order; null until the first scan with this component. They are taken there and kept,
    /// since a later DQT may reuse the slot for another component.
    /// </summary>
    public short[]? Quantization { get; set; }

    /// <summary>Taken by the scans that code DC values, before any block is decoded.</summary>
    public HuffmanTable DcTable { get; set; } = null!;

    /// <summary>Taken by the scans that code AC coefficients, before any block is decoded.</summary>
    public HuffmanTable AcTable { get; set; } = null!;

    /// <summary>What an arithmetic-coded scan of DC values learns of them; null in others.</summary>
    public ArithmeticTable? DcStatistics { get; set; }

    /// <summary>The same for AC values.</summary>
    public ArithmeticTable? AcStatistics { get; set; }

    /// <summary>How exactly the scans up to now gave the first coefficients; for progressive frames.</summary>
    public CoefficientAccuracy Accuracy { get; } = new();

    /// <summary>Where the statistics for the next DC difference begin, which depends on the last one; for arithmetic coding.</summary>
    public int DcContext;

    /// <summary>The DC value of the block before, to which the next difference is added.</summary>
    public int LastDc;

    /// <summary>All coefficients, 64 a block in natural order, block rows of <see cref="PaddedBlocksPerRow"/>; only where several scans make up the picture.</summary>
    public short[]? Coefficients { get; private set; }

    /// <summary>The decoded samples around the row that is being put out.</summary>
    public SampleRows Samples { get; set; } = null!;

    /// <summary>How many <see cref="Coefficients"/> there are.</summary>
    public int CoefficientCount(int mcuRows) => 64 * PaddedBlocksPerRow * mcuRows * Vertical;

    /// <summary>Gets memory for <see cref="Coefficients"/>, all zero.</summary>
    public void RentCoefficients(int mcuRows)
    {
        int count = CoefficientCount(mcuRows);
        if (count > LargestRented)
        {
            Coefficients = new short[count];
            return;
        }

        Coefficients = ArrayPool<short>.Shared.Rent(count);
        Coefficients.AsSpan(0, count).Clear();
    }

    /// <summary>Gives it back.</summary>
    public void ReturnCoefficients()
    {
        if (Coefficients != null)
        {
            if (Coefficients.Length <= LargestRented)
            {
                ArrayPool<short>.Shared.Return(Coefficients);
            }

            Coefficients = null;
        }
    }
}
