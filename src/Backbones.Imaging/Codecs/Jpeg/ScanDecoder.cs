namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Walks over a scan's MCUs, with restarts, and decodes their blocks.</summary>
internal unsafe ref struct ScanDecoder
{
    private readonly JpegFrame _frame;
    private readonly JpegScan _scan;
    private readonly int _restartInterval;
    private readonly ArithmeticBlock? _arithmetic;
    private JpegBitReader _reader;
    private ProgressiveBlock _progressive;
    private int _untilRestart;

    /// <summary>Goes on with a scan.</summary>
    /// <param name="frame">The frame header.</param>
    /// <param name="scan">The scan header.</param>
    /// <param name="restartInterval">MCUs between restart markers; 0 where there are none.</param>
    /// <param name="data">The scan's data.</param>
    /// <param name="state">Where it was left after a row of MCUs.</param>
    /// <param name="budget">What the picture's scans may cost; null for one whose rows are decoded one by one, whose work its size bounds.</param>
    public ScanDecoder(JpegFrame frame, JpegScan scan, int restartInterval, EntropyData data, ScanState state, JpegBudget? budget = null)
    {
        _frame = frame;
        _scan = scan;
        _restartInterval = restartInterval;
        _untilRestart = state.UntilRestart;
        _reader = new JpegBitReader(data, state.Bits);
        _progressive = new ProgressiveBlock(scan);
        _arithmetic = budget != null && frame.Arithmetic ? new ArithmeticBlock(scan, frame.Progressive, data, budget) : null;
    }

    /// <summary>Where the scan stands. What a progressive scan keeps from block to block is not part of it.</summary>
    public readonly ScanState State => new(_reader.State, _untilRestart);

    /// <summary>Decodes one row of MCUs of a sequential scan of all components straight to samples.</summary>
    /// <param name="mcuRow">Which row is next.</param>
    /// <param name="first">The first MCU whose samples are wanted.</param>
    /// <param name="end">The MCU after the last of them; others are only read over.</param>
    public void DecodeSamples(int mcuRow, int first, int end)
    {
        short* block = stackalloc short[SequentialBlock.BlockLength];
        for (int mcu = 0; mcu < _frame.McusPerRow; mcu++)
        {
            BeginMcu();
            if (mcu >= first && mcu < end)
            {
                foreach (JpegComponent component in _scan.Components)
                {
                    DecodeSamples(component, mcuRow, mcu, block);
                }
            }
            else if (!_reader.OutOfData)
            {
                foreach (JpegComponent component in _scan.Components)
                {
                    for (int i = component.Vertical * component.Horizontal; i > 0; i--)
                    {
                        SequentialBlock.Skip(ref _reader, component);
                    }
                }
            }

            _reader.EndMcu();
        }
    }

    /// <summary>Decodes the whole scan into the components' coefficients.</summary>
    /// <returns>The row of MCUs with the last one that there were data for.</returns>
    public int DecodeCoefficients()
    {
        int lastGoodRow = 0;
        if (_scan.Components.Length == 1)
        {
            JpegComponent component = _scan.Components[0];
            for (int y = 0; y < component.BlockRows; y++)
            {
                int mcuRow = y / component.DeclaredVertical;
                bool wasOut = _reader.OutOfData;
                lastGoodRow = wasOut ? lastGoodRow : mcuRow;
                for (int x = 0; x < component.BlocksPerRow; x++)
                {
                    lastGoodRow = wasOut && !_reader.OutOfData ? mcuRow : lastGoodRow;
                    BeginMcu();
                    DecodeBlock(component, y, x);
                    _reader.EndMcu();
                }
            }

            return lastGoodRow;
        }

        for (int mcuRow = 0; mcuRow < _frame.McuRows; mcuRow++)
        {
            bool wasOut = _reader.OutOfData;
            lastGoodRow = wasOut ? lastGoodRow : mcuRow;
            for (int mcu = 0; mcu < _frame.McusPerRow; mcu++)
            {
                lastGoodRow = wasOut && !_reader.OutOfData ? mcuRow : lastGoodRow;
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

        return lastGoodRow;
    }

    private void DecodeSamples(JpegComponent component, int mcuRow, int mcu, short* block)
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
                    bool hasDetail = !_reader.OutOfData && SequentialBlock.Decode(ref _reader, component, block);
                    byte* output = row + (8 * ((mcu * component.Horizontal) + h));
                    if (hasDetail)
                    {
                        InverseDct.Transform(block, quantization, output, samples.Stride);
                    }
                    else
                    {
                        InverseDct.TransformDc(block[0], quantization[0], output, samples.Stride);
                    }
                }
            }
        }
    }

    private void DecodeBlock(JpegComponent component, int y, int x)
    {
        if (_reader.OutOfData)
        {
            return;
        }

        Span<short> coefficients = component.Coefficients.AsSpan(64 * ((y * component.PaddedBlocksPerRow) + x), 64);
        if (_arithmetic != null)
        {
            fixed (short* block = coefficients)
            {
                _arithmetic.Decode(component, block);
            }
        }
        else if (_frame.Progressive)
        {
            fixed (short* block = coefficients)
            {
                _progressive.Decode(ref _reader, component, block);
            }
        }
        else
        {
            short* block = stackalloc short[SequentialBlock.BlockLength];
            new Span<short>(block, 64).Clear();
            SequentialBlock.Decode(ref _reader, component, block);
            new Span<short>(block, 64).CopyTo(coefficients);
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
            _arithmetic?.Begin();
            foreach (JpegComponent component in _scan.Components)
            {
                component.LastDc = 0;
            }

            _untilRestart = _restartInterval;
        }

        _untilRestart--;
    }
}
