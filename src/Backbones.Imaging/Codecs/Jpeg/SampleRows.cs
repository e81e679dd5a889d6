using System.Buffers;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// A component's decoded samples: a ring of two rows of MCUs, which is what interpolating between rows needs.
/// Around the rows there is room for vectors that begin one sample early or end late; what is there is never used.
/// </summary>
internal sealed class SampleRows : IDisposable
{
    private const int Margin = 64;

    private readonly int _capacity;
    private readonly int _rows;

    public SampleRows(JpegComponent component)
    {
        Stride = component.PaddedBlocksPerRow * 8;
        _capacity = 2 * component.Vertical * 8;
        _rows = component.SampleRows;
        Buffer = ArrayPool<byte>.Shared.Rent((2 * Margin) + (_capacity * Stride));
    }

    /// <summary>The memory in which <see cref="Offset"/> finds rows; empty once it was given back.</summary>
    public byte[] Buffer { get; private set; }

    /// <summary>Bytes between rows of a block.</summary>
    public int Stride { get; }

    /// <summary>Where a row of blocks begins, given its first row of samples.</summary>
    public int Offset(int row) => Margin + (row % _capacity * Stride);

    /// <summary>Where a row begins; above the first row there is the first again, below the last the last.</summary>
    public int ClampedOffset(int row) => Offset(Math.Clamp(row, 0, _rows - 1));

    public void Dispose()
    {
        if (Buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(Buffer);
            Buffer = [];
        }
    }
}
