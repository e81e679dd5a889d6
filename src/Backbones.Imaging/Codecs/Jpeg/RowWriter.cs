using System.Buffers;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Makes rows of pixels of the samples around them, which have to be decoded before.</summary>
internal sealed unsafe class RowWriter : IDisposable
{
    private readonly JpegFrame _frame;
    private readonly JpegColor _color;
    private readonly RowUpsampler[] _upsamplers;
    private readonly byte[] _rows;
    private readonly ushort[] _sums;
    private readonly int _rowLength;

    public RowWriter(JpegFrame frame, JpegColor color)
    {
        _frame = frame;
        _color = color;
        _upsamplers = Array.ConvertAll(frame.Components, component => new RowUpsampler(component, frame));
        _rowLength = (frame.McusPerRow * frame.MaxHorizontal * 8) + RowUpsampler.Margin;
        _rows = ArrayPool<byte>.Shared.Rent(_rowLength * frame.Components.Length);
        _sums = ArrayPool<ushort>.Shared.Rent(_rowLength + (2 * RowUpsampler.Margin));
        foreach (JpegComponent component in frame.Components)
        {
            component.Samples = new SampleRows(component);
        }
    }

    /// <summary>Writes some of a row's pixels as BGRA.</summary>
    /// <param name="y">The row.</param>
    /// <param name="first">The first column wanted.</param>
    /// <param name="output">The pixels from that column on.</param>
    public void Write(int y, int first, Span<uint> output)
    {
        int end = first + output.Length;
        fixed (byte* rows = _rows)
        fixed (ushort* sums = _sums)
        fixed (byte* samples0 = Samples(0))
        fixed (byte* samples1 = Samples(1))
        fixed (byte* samples2 = Samples(2))
        fixed (byte* samples3 = Samples(3))
        {
            RowConverter.Convert(
                _color,
                Upsample(0, samples0, rows, sums, y, first, end) + first,
                Upsample(1, samples1, rows, sums, y, first, end) + first,
                Upsample(2, samples2, rows, sums, y, first, end) + first,
                Upsample(3, samples3, rows, sums, y, first, end) + first,
                output);
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_rows);
        ArrayPool<ushort>.Shared.Return(_sums);
        foreach (JpegComponent component in _frame.Components)
        {
            component.Samples.Dispose();
        }
    }

    private byte[]? Samples(int index) => index < _frame.Components.Length ? _frame.Components[index].Samples.Buffer : null;

    private byte* Upsample(int index, byte* samples, byte* rows, ushort* sums, int y, int first, int end) => index < _upsamplers.Length
        ? _upsamplers[index].Upsample(y, first, end, samples, rows + (index * _rowLength), sums + RowUpsampler.Margin)
        : null;
}
