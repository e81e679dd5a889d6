using System.Numerics;
using System.Runtime.InteropServices;

namespace Backbones.Imaging.Codecs.Png;

/// <summary>PNG's row filters (PNG specification, section 9), undone.</summary>
internal static class PngFilter
{
    public const int None = 0;
    public const int Sub = 1;
    public const int Up = 2;
    public const int Average = 3;
    public const int Paeth = 4;

    /// <summary>Replaces a filtered row by the original one.</summary>
    /// <param name="filter">The row's filter byte.</param>
    /// <param name="row">The row.</param>
    /// <param name="above">The original row above; zeros above the first.</param>
    /// <param name="step">Bytes a pixel.</param>
    public static void Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        above = above[..row.Length];
        switch (filter)
        {
            case None:
                break;
            case Sub:
                for (int i = step; i < row.Length; i++)
                {
                    row[i] += row[i - step];
                }

                break;
            case Up:
                AddRows(row, above);
                break;
            case Average:
                for (int i = 0; i < step; i++)
                {
                    row[i] += (byte)(above[i] >> 1);
                }

                for (int i = step; i < row.Length; i++)
                {
                    row[i] += (byte)((row[i - step] + above[i]) >> 1);
                }

                break;
            case Paeth:
                AddRows(row[..step], above);
                for (int i = step; i < row.Length; i++)
                {
                    row[i] += (byte)Predict(row[i - step], above[i], above[i - step]);
                }

                break;
            default:
                throw new InvalidDataException($"A PNG row has filter {filter}; 0 to 4 are valid.");
        }
    }

    private static void AddRows(Span<byte> row, ReadOnlySpan<byte> above)
    {
        int done = 0;
        if (row.Length >= Vector<byte>.Count)
        {
            Span<Vector<byte>> rowVectors = MemoryMarshal.Cast<byte, Vector<byte>>(row);
            ReadOnlySpan<Vector<byte>> aboveVectors = MemoryMarshal.Cast<byte, Vector<byte>>(above);
            for (int i = 0; i < rowVectors.Length; i++)
            {
                rowVectors[i] += aboveVectors[i];
            }

            done = rowVectors.Length * Vector<byte>.Count;
        }

        for (int i = done; i < row.Length; i++)
        {
            row[i] += above[i];
        }
    }

    /// <summary>The Paeth filter's choice of the neighbour that is nearest to left + above - above left.</summary>
    public static int Predict(int left, int above, int aboveLeft)
    {
        int toLeft = Math.Abs(above - aboveLeft), toAbove = Math.Abs(left - aboveLeft), toAboveLeft = Math.Abs(left + above - (2 * aboveLeft));
        return toLeft <= toAbove && toLeft <= toAboveLeft ? left : toAbove <= toAboveLeft ? above : aboveLeft;
    }
}

/// <summary>Reads the rows of an image, or of one interlacing pass, and undoes their filters.</summary>
internal sealed class PngRowReader(PngHeader header, int width, Stream data)
{
    // Each holds the filter byte and the row.
    private byte[] _row = new byte[header.RowBytes(width) + 1];
    private byte[] _above = new byte[header.RowBytes(width) + 1];

    /// <summary>The next row, valid until the next call.</summary>
    public ReadOnlySpan<byte> Next()
    {
        (_row, _above) = (_above, _row);
        data.ReadExactly(_row);
        PngFilter.Undo(_row[0], _row.AsSpan(1), _above.AsSpan(1), header.FilterStep);
        return _row.AsSpan(1);
    }
}
