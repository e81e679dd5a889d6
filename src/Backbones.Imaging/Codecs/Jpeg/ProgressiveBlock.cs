namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Entropy decoding of one block of a progressive scan: a band of coefficients, or one more bit of them.</summary>
internal unsafe ref struct ProgressiveBlock(JpegScan scan)
{
    /// <summary>How many more blocks have nothing new in this band.</summary>
    private int _endOfBandRun;

    /// <summary>Forgets the run of empty blocks, after a restart marker.</summary>
    public void Restart() => _endOfBandRun = 0;

    /// <summary>Decodes this scan's part of a block into its coefficients (natural order, not dequantized).</summary>
    public void Decode(ref JpegBitReader reader, JpegComponent component, short* block)
    {
        if (scan.SpectralStart == 0)
        {
            DecodeDc(ref reader, component, block);
        }
        else if (scan.Refines)
        {
            RefineAc(ref reader, component.AcTable, block);
        }
        else
        {
            DecodeAc(ref reader, component.AcTable, block);
        }
    }

    private readonly void DecodeDc(ref JpegBitReader reader, JpegComponent component, short* block)
    {
        if (scan.Refines)
        {
            block[0] |= (short)(reader.ReadBits(1) << scan.LowBit);
            return;
        }

        int size = reader.ReadSymbol(component.DcTable);
        component.LastDc += reader.ReadValue(size);
        block[0] = (short)(component.LastDc << scan.LowBit);
    }

    private void DecodeAc(ref JpegBitReader reader, HuffmanTable table, short* block)
    {
        if (_endOfBandRun > 0)
        {
            _endOfBandRun--;
            return;
        }

        for (int k = scan.SpectralStart; k <= scan.SpectralEnd; k++)
        {
            int symbol = reader.ReadSymbol(table);
            int run = symbol >> 4, size = symbol & 15;
            if (size != 0)
            {
                k += run;
                block[ZigZag.NaturalOrder[k]] = (short)(reader.ReadValue(size) << scan.LowBit);
            }
            else if (run == 15)
            {
                k += 15;
            }
            else
            {
                _endOfBandRun = (1 << run) + reader.ReadBits(run) - 1;
                break;
            }
        }
    }

    private void RefineAc(ref JpegBitReader reader, HuffmanTable table, short* block)
    {
        int k = scan.SpectralStart;
        int bit = 1 << scan.LowBit;
        if (_endOfBandRun == 0)
        {
            for (; k <= scan.SpectralEnd; k++)
            {
                int symbol = reader.ReadSymbol(table);
                int run = symbol >> 4;
                int value = 0;
                if ((symbol & 15) != 0)
                {
                    value = reader.ReadBits(1) != 0 ? bit : -bit;
                }
                else if (run != 15)
                {
                    _endOfBandRun = (1 << run) + reader.ReadBits(run);
                    break;
                }

                // The run counts coefficients that are still zero; each of the others on the way gets its next bit.
                for (; k <= scan.SpectralEnd; k++)
                {
                    short* coefficient = block + ZigZag.NaturalOrder[k];
                    if (*coefficient != 0)
                    {
                        Refine(ref reader, coefficient, bit);
                    }
                    else if (--run < 0)
                    {
                        break;
                    }
                }

                if (value != 0)
                {
                    block[ZigZag.NaturalOrder[k]] = (short)value;
                }
            }
        }

        if (_endOfBandRun > 0)
        {
            for (; k <= scan.SpectralEnd; k++)
            {
                short* coefficient = block + ZigZag.NaturalOrder[k];
                if (*coefficient != 0)
                {
                    Refine(ref reader, coefficient, bit);
                }
            }

            _endOfBandRun--;
        }
    }

    private static void Refine(ref JpegBitReader reader, short* coefficient, int bit)
    {
        if (reader.ReadBits(1) != 0 && (*coefficient & bit) == 0)
        {
            *coefficient += (short)(*coefficient >= 0 ? bit : -bit);
        }
    }
}
