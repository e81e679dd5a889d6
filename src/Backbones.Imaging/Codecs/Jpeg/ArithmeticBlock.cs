namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// Arithmetic decoding of a scan's blocks (ITU-T T.81, F.1.4 and G.1.3; the names of figures and bins are the standard's): whole blocks of a
/// sequential scan, or a progressive scan's part of them. What no encoder writes ends the segment: its other blocks stay as they are.
/// </summary>
internal sealed unsafe class ArithmeticBlock
{
    private const int DcMagnitudes = 20;
    private const int LowAcMagnitudes = 189;
    private const int HighAcMagnitudes = 217;
    private const int MagnitudeBits = 14;
    private const int MagnitudeOverflow = 0x8000;

    private readonly JpegScan _scan;
    private readonly bool _progressive;
    private readonly ArithmeticDecoder _decoder;
    private readonly JpegBudget _budget;
    private byte _even;
    private bool _broken;

    public ArithmeticBlock(JpegScan scan, bool progressive, EntropyData data, JpegBudget budget)
    {
        (_scan, _progressive, _decoder, _budget) = (scan, progressive, new ArithmeticDecoder(data), budget);
        Begin();
    }

    /// <summary>Forgets all statistics: at the scan's start and behind a restart marker.</summary>
    public void Begin()
    {
        foreach (JpegComponent component in _scan.Components)
        {
            (component.LastDc, component.DcContext) = (0, 0);
            component.DcStatistics?.Bins.AsSpan().Clear();
            component.AcStatistics?.Bins.AsSpan().Clear();
        }

        (_even, _broken) = (ArithmeticDecoder.EvenState, false);
        _decoder.Begin();
    }

    /// <summary>Decodes this scan's part of a block into its coefficients (natural order, not dequantized; zero before their first scan).</summary>
    /// <exception cref="InvalidDataException">The data end, or go beyond the budget.</exception>
    public void Decode(JpegComponent component, short* block)
    {
        DecodeWithin(component, block);
        _budget.AddDecisions(_decoder.TakeCount());
    }

    private void DecodeWithin(JpegComponent component, short* block)
    {
        if (_progressive && _scan.Refines && _scan.SpectralStart == 0)
        {
            block[0] |= (short)(Even() ? 1 << _scan.LowBit : 0);
        }
        else if (_broken)
        {
            return;
        }
        else if (!_progressive)
        {
            if (DecodeDc(component))
            {
                block[0] = (short)component.LastDc;
                DecodeAc(component.AcStatistics!, block, 1, 63, 0);
            }
        }
        else if (_scan.SpectralStart == 0)
        {
            if (DecodeDc(component))
            {
                block[0] = (short)(component.LastDc << _scan.LowBit);
            }
        }
        else if (_scan.Refines)
        {
            RefineAc(component.AcStatistics!.Bins, block);
        }
        else
        {
            DecodeAc(component.AcStatistics!, block, _scan.SpectralStart, _scan.SpectralEnd, _scan.LowBit);
        }
    }

    private bool DecodeDc(JpegComponent component)
    {
        ArithmeticTable table = component.DcStatistics!;
        byte[] bins = table.Bins;
        int s0 = component.DcContext;
        component.DcContext = 0;
        if (!Decision(bins, s0))
        {
            return true;
        }

        bool negative = Decision(bins, s0 + 1);
        int bin = s0 + (negative ? 3 : 2);
        int magnitude = Decision(bins, bin) ? 1 : 0;
        if (magnitude != 0 && !FindMagnitude(bins, DcMagnitudes, ref magnitude, ref bin))
        {
            return false;
        }

        if (magnitude >= table.NoneBelow)
        {
            component.DcContext = (magnitude > table.LargeAbove ? 12 : 4) + (negative ? 4 : 0);
        }

        // Values go round at 16 bits, as in libjpeg.
        component.LastDc = (component.LastDc + Value(bins, bin, magnitude, negative)) & 0xFFFF;
        return true;
    }

    private void DecodeAc(ArithmeticTable table, short* block, int first, int last, int lowBit)
    {
        byte[] bins = table.Bins;
        for (int k = first; k <= last; k++)
        {
            if (Decision(bins, 3 * (k - 1)))
            {
                return;
            }

            while (!Decision(bins, (3 * (k - 1)) + 1))
            {
                if (++k > last)
                {
                    _broken = true;
                    return;
                }
            }

            bool negative = Even();
            int bin = (3 * (k - 1)) + 2;
            int magnitude = Decision(bins, bin) ? 1 : 0;
            if (magnitude != 0 && Decision(bins, bin))
            {
                magnitude = 2;
                if (!FindMagnitude(bins, k <= table.LastLow ? LowAcMagnitudes : HighAcMagnitudes, ref magnitude, ref bin))
                {
                    return;
                }
            }

            block[ZigZag.NaturalOrder[k]] = (short)(Value(bins, bin, magnitude, negative) << lowBit);
        }
    }

    private void RefineAc(byte[] bins, short* block)
    {
        int bit = 1 << _scan.LowBit, last = _scan.SpectralEnd;

        // The end of a block isn't coded before the last coefficient that earlier scans gave.
        int known = last;
        while (known > 0 && block[ZigZag.NaturalOrder[known]] == 0)
        {
            known--;
        }

        for (int k = _scan.SpectralStart; k <= last; k++)
        {
            if (k > known && Decision(bins, 3 * (k - 1)))
            {
                return;
            }

            while (!RefineOne(bins, 3 * (k - 1), block + ZigZag.NaturalOrder[k], bit))
            {
                if (++k > last)
                {
                    _broken = true;
                    return;
                }
            }
        }
    }

    /// <summary>False where the coefficient stays zero.</summary>
    private bool RefineOne(byte[] bins, int bin, short* coefficient, int bit)
    {
        if (*coefficient != 0)
        {
            if (Decision(bins, bin + 2))
            {
                *coefficient += (short)(*coefficient < 0 ? -bit : bit);
            }

            return true;
        }

        if (!Decision(bins, bin + 1))
        {
            return false;
        }

        *coefficient = (short)(Even() ? -bit : bit);
        return true;
    }

    /// <summary>Figure F.23: doubles the magnitude as often as it is told to.</summary>
    /// <returns>False where no value is so large.</returns>
    private bool FindMagnitude(byte[] bins, int first, ref int magnitude, ref int bin)
    {
        for (bin = first; Decision(bins, bin); bin++)
        {
            magnitude <<= 1;
            if (magnitude == MagnitudeOverflow)
            {
                _broken = true;
                return false;
            }
        }

        return true;
    }

    /// <summary>Figure F.24: reads the bits below the highest.</summary>
    private int Value(byte[] bins, int bin, int magnitude, bool negative)
    {
        int value = magnitude;
        while ((magnitude >>= 1) != 0)
        {
            if (Decision(bins, bin + MagnitudeBits))
            {
                value |= magnitude;
            }
        }

        return negative ? ~value : value + 1;
    }

    private bool Decision(byte[] bins, int bin) => _decoder.Decode(ref bins[bin]);

    private bool Even() => _decoder.Decode(ref _even);
}
