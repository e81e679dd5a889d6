using System.Runtime.Intrinsics;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// Brings a component's rows to the picture's resolution as libjpeg-turbo does by default ("fancy upsampling"): where a side is halved,
/// samples are interpolated 3:1 between neighbours; other ratios, and components of one or two columns, repeat samples.
/// </summary>
internal sealed unsafe class RowUpsampler
{
    /// <summary>How far beyond a row's end vectors may read and write.</summary>
    public const int Margin = 64;

    private readonly JpegComponent _component;
    private readonly int _horizontal;
    private readonly int _vertical;
    private readonly bool _interpolatesColumns;
    private readonly bool _interpolatesRows;

    public RowUpsampler(JpegComponent component, JpegFrame frame)
    {
        _component = component;
        _horizontal = frame.MaxHorizontal / component.Horizontal;
        _vertical = frame.MaxVertical / component.Vertical;
        _interpolatesColumns = _horizontal == 2 && _vertical <= 2 && component.SamplesPerRow > 2;
        _interpolatesRows = _vertical == 2 && (_horizontal == 1 || _interpolatesColumns);
    }

    /// <summary>Produces a part of a row of the picture.</summary>
    /// <param name="y">The row.</param>
    /// <param name="first">The first column wanted.</param>
    /// <param name="end">The column after the last.</param>
    /// <param name="samples">The component's <see cref="SampleRows.Buffer"/>.</param>
    /// <param name="output">Room for the row and <see cref="Margin"/> bytes.</param>
    /// <param name="sums">Room for the component's row and <see cref="Margin"/> values on either side, where this pointer is behind the first margin.</param>
    /// <returns>Where the row begins: <paramref name="output"/>, or the samples themselves where nothing is to be done.</returns>
    public byte* Upsample(int y, int first, int end, byte* samples, byte* output, ushort* sums)
    {
        byte* near = samples + _component.Samples.ClampedOffset(y / _vertical);
        if (_horizontal == 1 && _vertical == 1)
        {
            return near;
        }

        // In samples, from where a vector begins.
        int firstSample = first / _horizontal & -Vector256<ushort>.Count, endSample = ((end - 1) / _horizontal) + 1;
        if (_interpolatesRows)
        {
            bool upper = (y & 1) == 0;
            byte* far = samples + _component.Samples.ClampedOffset((y / 2) + (upper ? -1 : 1));
            if (_interpolatesColumns)
            {
                int width = _component.SamplesPerRow;
                Sum(near, far, sums, Math.Max(firstSample - Vector256<ushort>.Count, 0), Math.Min(endSample + 1, width));
                InterpolateSums(sums, output, firstSample, endSample, width);
            }
            else
            {
                InterpolateRows(near, far, output, firstSample, endSample, upper ? 1 : 2);
            }
        }
        else if (_interpolatesColumns)
        {
            InterpolateColumns(near, output, firstSample, endSample, _component.SamplesPerRow);
        }
        else
        {
            Repeat(near, output, firstSample, endSample);
        }

        return output;
    }

    private static void InterpolateRows(byte* near, byte* far, byte* output, int first, int end, int rounding)
    {
        Vector256<ushort> bias = Vector256.Create((ushort)rounding);
        for (int x = first; x < end; x += Vector256<ushort>.Count)
        {
            Vector256<ushort> value = ((Load(near + x) * 3) + Load(far + x) + bias) >> 2;
            Vector128.Narrow(value.GetLower(), value.GetUpper()).Store(output + x);
        }
    }

    private static void InterpolateColumns(byte* row, byte* output, int first, int end, int width)
    {
        Vector256<ushort> one = Vector256.Create((ushort)1), two = Vector256.Create((ushort)2);
        for (int x = first; x < end; x += Vector256<ushort>.Count)
        {
            Vector256<ushort> centre = Load(row + x) * 3;
            Vector256<ushort> even = (centre + Load(row + x - 1) + one) >> 2;
            Vector256<ushort> odd = (centre + Load(row + x + 1) + two) >> 2;
            (even | (odd << 8)).AsByte().Store(output + (2 * x));
        }

        output[0] = row[0];
        output[(2 * width) - 1] = row[width - 1];
    }

    private static void Sum(byte* near, byte* far, ushort* sums, int first, int end)
    {
        for (int x = first; x < end; x += Vector256<ushort>.Count)
        {
            ((Load(near + x) * 3) + Load(far + x)).Store(sums + x);
        }
    }

    private static void InterpolateSums(ushort* sums, byte* output, int first, int end, int width)
    {
        // Beyond the picture's sides there is the outermost sample again.
        sums[-1] = sums[0];
        sums[width] = sums[width - 1];
        Vector256<ushort> seven = Vector256.Create((ushort)7), eight = Vector256.Create((ushort)8);
        for (int x = first; x < end; x += Vector256<ushort>.Count)
        {
            Vector256<ushort> centre = Vector256.Load(sums + x) * 3;
            Vector256<ushort> even = (centre + Vector256.Load(sums + x - 1) + eight) >> 4;
            Vector256<ushort> odd = (centre + Vector256.Load(sums + x + 1) + seven) >> 4;
            (even | (odd << 8)).AsByte().Store(output + (2 * x));
        }
    }

    private void Repeat(byte* row, byte* output, int first, int end)
    {
        for (int x = first; x < end; x++)
        {
            new Span<byte>(output + (x * _horizontal), _horizontal).Fill(row[x]);
        }
    }

    private static Vector256<ushort> Load(byte* samples) => Vector256.WidenLower(Vector128.Load(samples).ToVector256Unsafe());
}
