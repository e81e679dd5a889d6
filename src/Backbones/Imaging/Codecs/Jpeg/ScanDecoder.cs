using System.Runtime.InteropServices;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Walks over a scan's MCUs, with restarts, and decodes their blocks.</summary>
internal unsafe ref struct ScanDecoder
{
    private readonly JpegFrame _frame;
    private readonly JpegScan _scan;
    private readonly int _restartInterval;
    private JpegBitReader _reader;
    private ProgressiveBlock _progressive;
    private int _untilRestart;

    public ScanDecoder(JpegFrame frame, JpegScan scan, int restartInterval, ReadOnlySpan<byte> data, int position)
    {
        _frame = frame;
        _scan = scan;
        _restartInterval = restartInterval;
        _untilRestart = restartInterval;
        _reader = new JpegBitReader(data, position);
        _progressive = new ProgressiveBlock(scan);
    }

    /// <summary>Where reading goes on after the scan.</summary>
    public readonly int Position => _reader.Position;

    /// <summary>The marker that was met at the end of the scan, or 0.</summary>
    public readonly int Marker => _reader.Marker;

    /// <summary>Decodes one row of MCUs of a sequential scan of all components straight to samples.</summary>
    public void DecodeSamples(int mcuRow)
    {
        short* block = stackalloc short[64];
        for (int mcu = 0; mcu < _frame.McusPerRow; mcu++)
        {
            BeginMcu();
            foreach (JpegComponent component in _scan.Components)
            {
                SampleRows samples = component.Samples;
                fixed (byte* buffer = samples.Buffer)
                fixed (short* quantization = component.Quantization)
                {
                    for (int v = 0; v < component.Vertical; v++)
                    {
                        byte* row = buffer + samples.Offset(8 * ((mcuRow * component.Vertical) + v));
                        for (int h = 0; h < component.Horizontal; h++)
                        {
                            new Span<short>(block, 64).Clear();
                            int last = _reader.OutOfData ? 0 : SequentialBlock.Decode(ref _reader, component, block);
                            byte* output = row + (8 * ((mcu * component.Horizontal) + h));
                            if (last == 0)
                            {
                                InverseDct.TransformDc(block[0], quantization[0], output, samples.Stride);
                            }
                            else
                            {
                                InverseDct.Transform(block, quantization, output, samples.Stride);
                            }
                        }
                    }
                }
            }

            _reader.EndMcu();
        }
    }

    /// <summary>Decodes the whole scan into the components' coefficients.</summary>
    public void DecodeCoefficients()
    {
        if (_scan.Components.Length == 1)
        {
            JpegComponent component = _scan.Components[0];
            for (int y = 0; y < component.BlockRows; y++)
            {
                for (int x = 0; x < component.BlocksPerRow; x++)
                {
                    BeginMcu();
                    DecodeBlock(component, y, x);
                    _reader.EndMcu();
                }
            }

            return;
        }

        for (int mcuRow = 0; mcuRow < _frame.McuRows; mcuRow++)
        {
            for (int mcu = 0; mcu < _frame.McusPerRow; mcu++)
            {
                BeginMcu();
                foreach (JpegComponent component in _scan.Components)
                {
                    for (int v = 0; v < component.Vertical; v++)
                    {
                        for (int h = 0; h < component.Horizontal; h++)
                        {
                            DecodeBlock(component, (mcuRow * component.Vertical) + v, (mcu * component.Horizontal) + h);
                        }
                    }
                }

                _reader.EndMcu();
            }
        }
    }

    private void DecodeBlock(JpegComponent component, int y, int x)
    {
        if (_reader.OutOfData)
        {
            return;
        }

        int offset = 64 * ((y * component.PaddedBlocksPerRow) + x);
        fixed (short* block = component.Coefficients.AsSpan(offset, 64))
        {
            if (_frame.Progressive)
            {
                _progressive.Decode(ref _reader, component, block);
            }
            else
            {
                SequentialBlock.Decode(ref _reader, component, block);
            }
        }
    }

    private void BeginMcu()
    {
        if (_restartInterval == 0)
        {
            return;
        }

        if (_untilRestart == 0)
        {
            _reader.Restart();
            _progressive.Restart();
            foreach (JpegComponent component in _scan.Components)
            {
                component.LastDc = 0;
            }

            _untilRestart = _restartInterval;
        }

        _untilRestart--;
    }
}
