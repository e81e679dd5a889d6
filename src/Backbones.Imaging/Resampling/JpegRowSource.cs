using Backbones.Imaging.Codecs.Jpeg;

namespace Backbones.Imaging.Resampling;

/// <summary>Rows of a JPEG, decoded when they are asked for: the picture never exists as a whole, and columns that no pixel is made of are not decoded.</summary>
internal readonly unsafe struct JpegRowSource : IRowSource
{
    private readonly JpegDecoder _decoder;
    private readonly bool _luminance;
    private readonly int _firstColumn;

    /// <param name="decoder">An open file.</param>
    /// <param name="horizontal">Says which columns are needed.</param>
    /// <param name="luminance">Bring Pillow's mode L in the first byte of each pixel instead of the colours.</param>
    public JpegRowSource(JpegDecoder decoder, ResampleTable horizontal, bool luminance)
    {
        _decoder = decoder;
        _luminance = luminance;
        _firstColumn = horizontal.Starts[0];
        int end = Math.Min(horizontal.Starts[^1] + horizontal.Taps, decoder.Width);
        decoder.SelectColumns(_firstColumn, end - _firstColumn);
    }

    public int Width => _decoder.Width;

    public int Height => _decoder.Height;

    public bool IsDirect => false;

    public byte* Direct(int y) => throw new NotSupportedException();

    public void Convert(int y, uint* target)
    {
        var row = new Span<uint>(target + _firstColumn, _decoder.Columns);
        _decoder.ReadRow(y, row);
        if (_luminance)
        {
            Luminance.Of(row, PixelFormat.Bgra32);
        }
    }
}
