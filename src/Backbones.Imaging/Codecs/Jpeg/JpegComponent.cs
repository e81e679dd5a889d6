using System.Buffers;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>One component (colour channel) of a frame and the state of its decoding.</summary>
internal sealed class JpegComponent(int id, int horizontal, int vertical, int quantizationIndex)
{
    public int Id => id;

    /// <summary>Blocks side by side in an interleaved MCU.</summary>
    public int Horizontal => horizontal;

    /// <summary>Blocks one below the other in an interleaved MCU.</summary>
    public int Vertical => vertical;

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

    /// <summary>The DC value of the block before, to which the next difference is added.</summary>
    public int LastDc;

    /// <summary>All coefficients, 64 a block in natural order, block rows of <see cref="PaddedBlocksPerRow"/>; only where several scans make up the picture.</summary>
    public short[]? Coefficients { get; private set; }

    /// <summary>The decoded samples around the row that is being put out.</summary>
    public SampleRows Samples { get; set; } = null!;

    /// <summary>Gets memory for <see cref="Coefficients"/>, all zero.</summary>
    public void RentCoefficients(int mcuRows)
    {
        int count = 64 * PaddedBlocksPerRow * mcuRows * Vertical;
        Coefficients = ArrayPool<short>.Shared.Rent(count);
        Coefficients.AsSpan(0, count).Clear();
    }

    /// <summary>Gives it back.</summary>
    public void ReturnCoefficients()
    {
        if (Coefficients != null)
        {
            ArrayPool<short>.Shared.Return(Coefficients);
            Coefficients = null;
        }
    }
}
