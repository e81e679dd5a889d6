namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>A scan header (SOS): which components follow, which of their coefficients, and with how many bits.</summary>
internal sealed class JpegScan
{
    /// <summary>Blocks that an MCU of several components may have (T.81, B.2.3).</summary>
    private const int MaxBlocksInMcu = 10;

    public JpegComponent[] Components { get; }

    /// <summary>First coefficient, in coded order.</summary>
    public int SpectralStart { get; }

    /// <summary>Last coefficient, in coded order.</summary>
    public int SpectralEnd { get; }

    /// <summary>Whether the scan adds one bit to values that earlier scans have sent.</summary>
    public bool Refines { get; }

    /// <summary>The place of the lowest bit that this scan sends.</summary>
    public int LowBit { get; }

    /// <summary>Reads the segment's contents and fetches the tables that the scan uses.</summary>
    public JpegScan(ReadOnlySpan<byte> segment, JpegFrame frame, JpegTables tables)
    {
        int count = segment.IsEmpty ? 0 : segment[0];
        if (count is < 1 or > 4 || segment.Length != (2 * count) + 4)
        {
            throw new InvalidDataException("A JPEG scan header has a wrong length.");
        }

        (SpectralStart, SpectralEnd) = (segment[^3], segment[^2]);
        int highBit = segment[^1] >> 4;
        (Refines, LowBit) = (highBit != 0, segment[^1] & 15);
        if (frame.Progressive)
        {
            CheckProgression(count, highBit);
        }

        Components = new JpegComponent[count];
        var dcStatistics = new ArithmeticTable?[frame.Arithmetic ? 16 : 0];
        var acStatistics = new ArithmeticTable?[frame.Arithmetic ? 16 : 0];
        for (int i = 0; i < count; i++)
        {
            int id = segment[1 + (2 * i)], dc = segment[2 + (2 * i)] >> 4, ac = segment[2 + (2 * i)] & 15;
            JpegComponent component = Array.Find(frame.Components, c => c.Id == id && Array.IndexOf(Components, c) < 0)
                ?? throw new InvalidDataException($"A JPEG scan names component {id}, which the frame doesn't have or the scan has already.");
            Components[i] = component;
            component.Quantization ??= tables.Quantization(component.QuantizationIndex);
            component.LastDc = 0;
            bool codesDc = !frame.Progressive || (SpectralStart == 0 && !Refines);
            bool codesAc = !frame.Progressive || SpectralStart != 0;
            if (frame.Arithmetic)
            {
                component.DcStatistics = codesDc ? dcStatistics[dc] ??= tables.ArithmeticDc(dc) : null;
                component.AcStatistics = codesAc ? acStatistics[ac] ??= tables.ArithmeticAc(ac) : null;
                continue;
            }

            if (codesDc)
            {
                component.DcTable = tables.Dc(dc, standard: !frame.Progressive);
            }

            if (codesAc)
            {
                component.AcTable = tables.Ac(ac, standard: !frame.Progressive);
            }
        }

        CheckMcu();
    }

    private void CheckMcu()
    {
        int blocks = Components.Sum(component => component.Horizontal * component.Vertical);
        if (Components.Length > 1 && blocks > MaxBlocksInMcu)
        {
            throw new InvalidDataException($"The JPEG's components have {blocks} blocks in an MCU; at most {MaxBlocksInMcu} are valid.");
        }
    }

    private void CheckProgression(int count, int highBit)
    {
        bool valid = SpectralStart == 0
            ? SpectralEnd == 0
            : SpectralStart <= SpectralEnd && SpectralEnd < 64 && count == 1;
        if (!valid || (Refines && LowBit != highBit - 1) || LowBit > 13)
        {
            throw new InvalidDataException(
                $"A scan of the progressive JPEG is invalid: coefficients {SpectralStart} to {SpectralEnd}, bits {highBit} to {LowBit}, {count} components.");
        }
    }
}
