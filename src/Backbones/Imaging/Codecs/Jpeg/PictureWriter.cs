using System.Buffers;
using System.Runtime.InteropServices;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Puts out rows of pixels as soon as the samples that they need are decoded.</summary>
internal sealed unsafe class PictureWriter : IDisposable
{
    private readonly JpegFrame _frame;
    private readonly JpegColor _color;
    private readonly RowUpsampler[] _upsamplers;
    private readonly byte[] _pixels;
    private readonly byte[] _rows;
    private readonly ushort[] _sums;
    private readonly int _rowLength;
    private int _nextRow;

    public PictureWriter(JpegFrame frame, JpegColor color)
    {
        _frame = frame;
        _color = color;
        _upsamplers = Array.ConvertAll(frame.Components, component => new RowUpsampler(component, frame));
        _pixels = GC.AllocateUninitializedArray<byte>(frame.Width * frame.Height * 4);
        _rowLength = (frame.McusPerRow * frame.MaxHorizontal * 8) + RowUpsampler.Margin;
        _rows = ArrayPool<byte>.Shared.Rent(_rowLength * frame.Components.Length);
        _sums = ArrayPool<ushort>.Shared.Rent(_rowLength + (2 * RowUpsampler.Margin));
        foreach (JpegComponent component in frame.Components)
        {
            component.Samples = new SampleRows(component);
        }
    }

    /// <summary>The picture, complete after the last row of MCUs.</summary>
    public DecodedImage Image => new(_frame.Width, _frame.Height, _pixels);

    /// <summary>Puts out what can be after a row of MCUs: all but its last row of pixels, which may need the samples below it.</summary>
    public void WriteRows(int mcuRow)
    {
        int end = mcuRow == _frame.McuRows - 1 ? _frame.Height : ((mcuRow + 1) * _frame.MaxVertical * 8) - 1;
        fixed (byte* rows = _rows)
        fixed (ushort* sums = _sums)
        fixed (byte* samples0 = Samples(0))
        fixed (byte* samples1 = Samples(1))
        fixed (byte* samples2 = Samples(2))
        fixed (byte* samples3 = Samples(3))
        {
            Span<uint> pixels = MemoryMarshal.Cast<byte, uint>(_pixels.AsSpan());
            for (; _nextRow < end; _nextRow++)
            {
                RowConverter.Convert(
                    _color,
                    Upsample(0, samples0, rows, sums),
                    Upsample(1, samples1, rows, sums),
                    Upsample(2, samples2, rows, sums),
                    Upsample(3, samples3, rows, sums),
                    pixels.Slice(_nextRow * _frame.Width, _frame.Width));
            }
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

    private byte* Upsample(int index, byte* samples, byte* rows, ushort* sums) => index < _upsamplers.Length
        ? _upsamplers[index].Upsample(_nextRow, samples, rows + (index * _rowLength), sums + RowUpsampler.Margin)
        : null;
}
