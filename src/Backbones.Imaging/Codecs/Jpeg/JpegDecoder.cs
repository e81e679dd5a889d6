namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// JPEG (ITU-T T.81) with 8 bits a sample: baseline, extended sequential and progressive, Huffman- or arithmetic-coded; 1, 3 or 4 components
/// with whole sampling ratios. Pixels are those of libjpeg-turbo's default settings, which are Pillow's. Rows are made when they are asked
/// for, from top to bottom; what nobody asks for is only read over.
/// </summary>
internal sealed class JpegDecoder : IDisposable
{
    private readonly ReadOnlyMemory<byte> _encoded;
    private readonly JpegTables _tables = new();
    private int _position = 2;
    private int _pendingMarker;
    private int _restartInterval;
    private bool _hasJfif;
    private int _adobeTransform = -1;
    private JpegFrame _frame = null!;
    private RowWriter? _writer;
    private BlockSmoothing? _smoothing;

    // Whether one sequential scan makes up the picture, behind which no other may come.
    private bool _isOneScan;

    // That scan, where its rows are decoded one by one; null where coefficients are kept.
    private JpegScan? _scan;
    private EntropyData? _data;
    private ScanState _scanState;

    // Rows of MCUs: the first whose samples the row read last may use, and the next in the file.
    private int _firstMcuRow;
    private int _nextMcuRow;
    private int _firstColumn;
    private int _firstMcu;
    private int _endMcu;

    private JpegDecoder(ReadOnlyMemory<byte> encoded) => _encoded = encoded;

    /// <summary>The first bytes of every JPEG file.</summary>
    public static ReadOnlySpan<byte> Signature => [0xFF, JpegMarkers.StartOfImage, 0xFF];

    /// <summary>Columns of the picture.</summary>
    public int Width => _frame.Width;

    /// <summary>Rows of the picture.</summary>
    public int Height => _frame.Height;

    /// <summary>Columns that <see cref="ReadRow"/> gives.</summary>
    public int Columns { get; private set; }

    /// <summary>Decodes a whole file.</summary>
    /// <param name="encoded">The file.</param>
    /// <param name="allocate">Gives memory of at least so many bytes.</param>
    /// <exception cref="InvalidDataException">The file is truncated, corrupt, too large or of a kind that isn't decoded.</exception>
    public static DecodedImage Decode(ReadOnlyMemory<byte> encoded, Func<int, byte[]> allocate)
    {
        using JpegDecoder decoder = Open(encoded);
        var image = DecodedImage.Allocate(decoder.Width, decoder.Height, allocate);
        for (int y = 0; y < decoder.Height; y++)
        {
            decoder.ReadRow(y, image.Row(y));
        }

        decoder.Finish();
        return image;
    }

    /// <summary>Reads a file as far as to its pixels; where several scans make up the picture, to its end.</summary>
    /// <exception cref="InvalidDataException">The file is truncated, corrupt, too large or of a kind that isn't decoded.</exception>
    public static JpegDecoder Open(ReadOnlyMemory<byte> encoded)
    {
        var decoder = new JpegDecoder(encoded);
        try
        {
            decoder.Open();
            return decoder;
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file holds all its rows, though it may lack its end; one that is damaged in other ways counts as whole.</summary>
    public static bool HasAllRows(ReadOnlyMemory<byte> encoded)
    {
        try
        {
            using JpegDecoder decoder = Open(encoded);
            decoder.Finish();
        }
        catch (InvalidDataException e) when (JpegMarkers.IsTruncation(e))
        {
            return false;
        }
        catch (InvalidDataException)
        {
        }

        return true;
    }

    /// <summary>Chooses the columns that rows are read of; all, where none are chosen.</summary>
    /// <param name="first">The first column.</param>
    /// <param name="count">How many.</param>
    public void SelectColumns(int first, int count)
    {
        // Interpolation looks at the next sample on either side, which is as wide as the coarsest component has it.
        int mcuWidth = 8 * _frame.MaxHorizontal;
        (_firstColumn, Columns) = (first, count);
        _firstMcu = Math.Max(first - _frame.MaxHorizontal, 0) / mcuWidth;
        _endMcu = Math.Min((first + count + _frame.MaxHorizontal + mcuWidth - 1) / mcuWidth, _frame.McusPerRow);
    }

    /// <summary>Reads a row of <see cref="Columns"/> pixels, BGRA. Rows are read from top to bottom; some may be left out, the last one read again.</summary>
    /// <exception cref="InvalidDataException">The file is truncated or corrupt.</exception>
    /// <exception cref="InvalidOperationException">The row is so far above one read before that its samples are gone.</exception>
    public void ReadRow(int y, Span<uint> row)
    {
        // Interpolation looks at the next row of samples above and below, with ratios up to 2.
        int mcuHeight = 8 * _frame.MaxVertical;
        int first = Math.Max(y - 3, 0) / mcuHeight, last = Math.Min((y + 2) / mcuHeight, _frame.McuRows - 1);
        if (first < _firstMcuRow)
        {
            throw new InvalidOperationException($"Row {y} was asked for after one below it; rows are read from top to bottom.");
        }

        _firstMcuRow = first;
        while (_nextMcuRow <= last)
        {
            DecodeRow(wanted: _nextMcuRow >= first);
        }

        _writer!.Write(y, _firstColumn, row[..Columns]);
    }

    /// <summary>Reads over what is left and checks that it is what may be there.</summary>
    /// <exception cref="InvalidDataException">The file is truncated or corrupt.</exception>
    public void Finish()
    {
        if (!_isOneScan)
        {
            return;
        }

        ReadOnlySpan<byte> seen = _encoded.Span;
        if (_scan != null)
        {
            while (_nextMcuRow < _frame.McuRows)
            {
                DecodeRow(wanted: false);
            }

            EndScan(_data!);
            if (_pendingMarker != JpegMarkers.EndOfImage)
            {
                seen = seen[..FeedEnd()];
            }

            if (_position > seen.Length)
            {
                return;
            }
        }

        try
        {
            if (ReadToScan(seen) != null)
            {
                throw new InvalidDataException("The JPEG has another scan after one that held the whole picture.");
            }
        }
        catch (InvalidDataException e) when (JpegMarkers.IsTruncation(e))
        {
            // All rows are there: that nothing ends the file is no matter, to Pillow neither.
        }
    }

    public void Dispose()
    {
        _writer?.Dispose();
        _writer = null;
        _data?.Dispose();
        if (_frame != null)
        {
            foreach (JpegComponent component in _frame.Components)
            {
                component.ReturnCoefficients();
            }
        }
    }

    private void Open()
    {
        JpegScan scan = ReadToScan(_encoded.Span) ?? throw new InvalidDataException("The JPEG has no picture: it ends before its first scan.");
        JpegColor color = Color();
        _isOneScan = !_frame.Progressive && scan.Components.Length == _frame.Components.Length;
        if (_isOneScan && !_frame.Arithmetic)
        {
            _scan = scan;
            _data = new EntropyData(_encoded, _position);
            _scanState = new ScanState(default, _restartInterval);
        }
        else
        {
            DecodeScans(scan);
        }

        _writer = new RowWriter(_frame, color);
        SelectColumns(0, _frame.Width);
    }

    private void DecodeRow(bool wanted)
    {
        int mcuRow = _nextMcuRow++;
        if (_scan != null)
        {
            var decoder = new ScanDecoder(_frame, _scan, _restartInterval, _data!, _scanState);
            decoder.DecodeSamples(mcuRow, wanted ? _firstMcu : 0, wanted ? _endMcu : 0);
            _scanState = decoder.State;
        }
        else if (wanted)
        {
            foreach (JpegComponent component in _frame.Components)
            {
                TransformRow(component, mcuRow);
            }
        }
    }

    private void DecodeScans(JpegScan? scan)
    {
        var budget = new JpegBudget(_frame, _encoded.Length);
        budget.CheckCoefficients();
        foreach (JpegComponent component in _frame.Components)
        {
            component.RentCoefficients(_frame.McuRows);
        }

        int count = 0, lastGoodRow = 0;
        while (scan != null)
        {
            budget.Add(scan);
            foreach (JpegComponent component in scan.Components)
            {
                component.Accuracy.Add(scan, isFirst: count == 0);
            }

            using var data = new EntropyData(_encoded, _position);
            lastGoodRow = new ScanDecoder(_frame, scan, _restartInterval, data, new ScanState(default, _restartInterval), budget).DecodeCoefficients();
            EndScan(data);
            count++;
            scan = _isOneScan ? null : ReadToScan(_encoded.Span);
        }

        _smoothing = BlockSmoothing.For(_frame, lastGoodRow, count);
    }

    private int FeedEnd()
    {
        JpegBitState bits = _scanState.Bits;
        int used = (int)Math.Min(((8L * bits.Position) - bits.Count + 7) / 8, _data!.Length);
        int mcus = _restartInterval == 0 ? _frame.McusPerRow * _frame.McuRows : _restartInterval - _scanState.UntilRestart;
        return PillowFeed.End(_encoded.Span, _data, used, _scan!, mcus, canBeFast: _restartInterval == 0);
    }

    private unsafe void TransformRow(JpegComponent component, int mcuRow)
    {
        // A component without any scan stays all zeros, which no divisor changes.
        short[] divisors = component.Quantization ?? new short[64];
        SampleRows samples = component.Samples;
        short* smoothed = stackalloc short[64];
        fixed (byte* buffer = samples.Buffer)
        fixed (short* quantization = divisors)
        fixed (short* coefficients = component.Coefficients)
        {
            int first = _firstMcu * component.Horizontal, end = _endMcu * component.Horizontal;
            for (int v = 0; v < component.Vertical; v++)
            {
                int blockRow = (mcuRow * component.Vertical) + v;
                byte* output = buffer + samples.Offset(8 * blockRow) + (8 * first);
                short* next = coefficients + (64 * (((long)blockRow * component.PaddedBlocksPerRow) + first));
                bool smooth = _smoothing != null && blockRow < component.BlockRows;
                for (int x = first; x < end; x++)
                {
                    short* block = next;
                    if (smooth && x < component.BlocksPerRow)
                    {
                        block = smoothed;
                        _smoothing!.Smooth(component, blockRow, x, new Span<short>(smoothed, 64));
                    }

                    if (new ReadOnlySpan<short>(block + 1, 63).ContainsAnyExcept((short)0))
                    {
                        InverseDct.Transform(block, quantization, output, samples.Stride);
                    }
                    else
                    {
                        InverseDct.TransformDc(block[0], quantization[0], output, samples.Stride);
                    }

                    next += 64;
                    output += 8;
                }
            }
        }
    }

    private void EndScan(EntropyData data)
    {
        _position = data.Position;
        _pendingMarker = data.Marker;
    }

    /// <summary>Reads segments up to and including the next scan header.</summary>
    /// <returns>The scan, or null at the end of the image.</returns>
    private JpegScan? ReadToScan(ReadOnlySpan<byte> data)
    {
        while (true)
        {
            int marker = _pendingMarker != 0 ? _pendingMarker : JpegMarkers.FindNext(data, ref _position);
            _pendingMarker = 0;
            switch (marker)
            {
                case JpegMarkers.EndOfImage:
                    return null;
                case JpegMarkers.StartOfScan when _frame is null:
                    throw new InvalidDataException("The JPEG has a scan before its frame header.");
                case JpegMarkers.StartOfScan:
                    return new JpegScan(JpegMarkers.ReadSegment(data, ref _position), _frame, _tables);
                case var _ when JpegFrame.IsDecoded(marker) && _frame is null:
                    _frame = JpegFrame.Read(JpegMarkers.ReadSegment(data, ref _position), marker, data.Length);
                    break;
                case JpegMarkers.ArithmeticConditioning:
                    _tables.ReadConditioning(JpegMarkers.ReadSegment(data, ref _position));
                    break;
                case JpegMarkers.HuffmanTables:
                    _tables.ReadHuffman(JpegMarkers.ReadSegment(data, ref _position));
                    break;
                case JpegMarkers.QuantizationTables:
                    _tables.ReadQuantization(JpegMarkers.ReadSegment(data, ref _position));
                    break;
                case JpegMarkers.RestartInterval:
                    ReadOnlySpan<byte> interval = JpegMarkers.ReadSegment(data, ref _position);
                    _restartInterval = interval.Length == 2
                        ? (interval[0] << 8) | interval[1]
                        : throw new InvalidDataException("A JPEG restart-interval segment has a wrong length.");
                    break;
                case JpegMarkers.Application0:
                    ReadOnlySpan<byte> jfif = JpegMarkers.ReadSegment(data, ref _position, isSkipped: true);
                    _hasJfif |= jfif.Length >= 14 && jfif.StartsWith("JFIF\0"u8);
                    break;
                case JpegMarkers.Application14:
                    ReadOnlySpan<byte> adobe = JpegMarkers.ReadSegment(data, ref _position, isSkipped: true);
                    _adobeTransform = adobe.Length >= 12 && adobe.StartsWith("Adobe"u8) ? adobe[11] : _adobeTransform;
                    break;
                case > JpegMarkers.Application0 and <= JpegMarkers.Application15 or JpegMarkers.Comment
                    or JpegMarkers.NumberOfLines:
                    _ = JpegMarkers.ReadSegment(data, ref _position, isSkipped: true);
                    break;
                case JpegMarkers.Temporary or >= JpegMarkers.Restart0 and < JpegMarkers.StartOfImage:
                    break;
                default:
                    throw Unsupported(marker);
            }
        }
    }

    private InvalidDataException Unsupported(int marker) => new(marker switch
    {
        JpegMarkers.StartOfImage => "The JPEG has a second start-of-image marker.",
        < JpegMarkers.FirstFrame or > JpegMarkers.LastFrame or JpegMarkers.Extension => $"The JPEG has an unknown marker (FF{marker:X2}).",
        _ when _frame != null => "The JPEG has a second frame header.",
        0xC3 or 0xCB => "The JPEG is lossless; baseline, extended sequential and progressive ones are decoded.",
        _ => "The JPEG is hierarchical; baseline, extended sequential and progressive ones are decoded.",
    });

    /// <summary>Finds out what the components are as libjpeg does: JFIF means YCbCr, Adobe's transform flag says it, else component ids hint at it.</summary>
    private JpegColor Color()
    {
        JpegComponent[] components = _frame.Components;
        if (components.Length == 1)
        {
            return JpegColor.Grayscale;
        }

        if (components.Length == 4)
        {
            return _adobeTransform is -1 or 0 ? JpegColor.Cmyk : JpegColor.Ycck;
        }

        bool rgb = _adobeTransform >= 0
            ? _adobeTransform == 0
            : components[0].Id == 'R' && components[1].Id == 'G' && components[2].Id == 'B';
        return rgb && !_hasJfif ? JpegColor.Rgb : JpegColor.YCbCr;
    }
}
