namespace Backbones.Imaging.Codecs.Png;

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
