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

/// <summary>Reads the rows of an image, or of one interlacing pass, and undoes their filters. Short rows are decompressed many at a time, never beyond the last one.</summary>
internal sealed class PngRowReader
{
    private const int BlockBytes = 1 << 16;

    private readonly Stream _data;
    private readonly int _step;

    // A row is its filter byte and its bytes.
    private readonly int _rowBytes;
    private readonly byte[] _block;
    private readonly byte[] _above;
    private int _rowsLeft;
    private int _position;
    private int _end;

    /// <param name="header">The image's header.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="data">The decompressed data from the first row on.</param>
    public PngRowReader(PngHeader header, int width, int height, Stream data)
    {
        _data = data;
        _step = header.FilterStep;
        _rowBytes = header.RowBytes(width) + 1;
        _block = new byte[_rowBytes * Math.Clamp(BlockBytes / _rowBytes, 1, height)];
        _above = new byte[_rowBytes];
        _rowsLeft = height;
    }

    /// <summary>The next row, valid until the next call.</summary>
    public ReadOnlySpan<byte> Next()
    {
        ReadOnlySpan<byte> above = _position == 0 ? _above : _block.AsSpan(_position - _rowBytes, _rowBytes);
        if (_position == _end)
        {
            above.CopyTo(_above);
            above = _above;
            _position = 0;
            _end = (int)Math.Min(_block.Length, (long)_rowsLeft * _rowBytes);
            _data.ReadExactly(_block, 0, _end);
        }

        Span<byte> row = _block.AsSpan(_position, _rowBytes);
        PngFilter.Undo(row[0], row[1..], above[1..], _step);
        _position += _rowBytes;
        _rowsLeft--;
        return row[1..];
    }
}
