namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// JPEG (ITU-T T.81) with Huffman coding and 8 bits a sample: baseline, extended sequential and progressive; 1, 3 or 4 components with
/// whole sampling ratios. Pixels are those of libjpeg-turbo's default settings, which are Pillow's.
/// </summary>
internal sealed class JpegDecoder
{
    /// <summary>Many times what encoders use; without a limit a small file could ask for hours of work.</summary>
    private const int MaxScans = 500;

    private readonly ReadOnlyMemory<byte> _encoded;
    private readonly JpegTables _tables = new();
    private int _position = 2;
    private int _pendingMarker;
    private int _restartInterval;
    private bool _hasJfif;
    private int _adobeTransform = -1;
    private JpegFrame _frame = null!;

    private JpegDecoder(ReadOnlyMemory<byte> encoded) => _encoded = encoded;

    /// <summary>The first bytes of every JPEG file.</summary>
    public static ReadOnlySpan<byte> Signature => [0xFF, JpegMarkers.StartOfImage, 0xFF];

    /// <summary>Decodes a whole file.</summary>
    /// <exception cref="InvalidDataException">The file is truncated, corrupt, too large or of a kind that isn't decoded.</exception>
    public static DecodedImage Decode(ReadOnlyMemory<byte> encoded) => new JpegDecoder(encoded).Decode();

    private DecodedImage Decode()
    {
        JpegScan scan = ReadToScan() ?? throw new InvalidDataException("The JPEG has no picture: it ends before its first scan.");
        using var writer = new PictureWriter(_frame, Color());
        if (!_frame.Progressive && scan.Components.Length == _frame.Components.Length)
        {
            DecodeSequential(scan, writer);
        }
        else
        {
            DecodeScans(scan, writer);
        }

        return writer.Image;
    }

    private void DecodeSequential(JpegScan scan, PictureWriter writer)
    {
        var decoder = new ScanDecoder(_frame, scan, _restartInterval, _encoded.Span, _position);
        for (int mcuRow = 0; mcuRow < _frame.McuRows; mcuRow++)
        {
            decoder.DecodeSamples(mcuRow);
            writer.WriteRows(mcuRow);
        }

        EndScan(decoder);
        if (ReadToScan() != null)
        {
            throw new InvalidDataException("The JPEG has another scan after one that held the whole picture.");
        }
    }

    private void DecodeScans(JpegScan? scan, PictureWriter writer)
    {
        foreach (JpegComponent component in _frame.Components)
        {
            component.Coefficients = new short[64 * component.PaddedBlocksPerRow * _frame.McuRows * component.Vertical];
        }

        for (int count = 1; scan != null; count++)
        {
            if (count > MaxScans)
            {
                throw new InvalidDataException($"The JPEG has more than {MaxScans} scans.");
            }

            var decoder = new ScanDecoder(_frame, scan, _restartInterval, _encoded.Span, _position);
            decoder.DecodeCoefficients();
            EndScan(decoder);
            scan = ReadToScan();
        }

        for (int mcuRow = 0; mcuRow < _frame.McuRows; mcuRow++)
        {
            foreach (JpegComponent component in _frame.Components)
            {
                TransformRow(component, mcuRow);
            }

            writer.WriteRows(mcuRow);
        }
    }

    private static unsafe void TransformRow(JpegComponent component, int mcuRow)
    {
        // A component without any scan stays all zeros, which no divisor changes.
        short[] divisors = component.Quantization ?? new short[64];
        SampleRows samples = component.Samples;
        fixed (byte* buffer = samples.Buffer)
        fixed (short* quantization = divisors)
        fixed (short* coefficients = component.Coefficients)
        {
            for (int v = 0; v < component.Vertical; v++)
            {
                int blockRow = (mcuRow * component.Vertical) + v;
                byte* output = buffer + samples.Offset(8 * blockRow);
                short* block = coefficients + (64L * blockRow * component.PaddedBlocksPerRow);
                for (int x = 0; x < component.PaddedBlocksPerRow; x++)
                {
                    if (new ReadOnlySpan<short>(block + 1, 63).ContainsAnyExcept((short)0))
                    {
                        InverseDct.Transform(block, quantization, output, samples.Stride);
                    }
                    else
                    {
                        InverseDct.TransformDc(block[0], quantization[0], output, samples.Stride);
                    }

                    block += 64;
                    output += 8;
                }
            }
        }
    }

    private void EndScan(scoped in ScanDecoder decoder)
    {
        _position = decoder.Position;
        _pendingMarker = decoder.Marker;
    }

    /// <summary>Reads segments up to and including the next scan header.</summary>
    /// <returns>The scan, or null at the end of the image.</returns>
    private JpegScan? ReadToScan()
    {
        ReadOnlySpan<byte> data = _encoded.Span;
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
                case JpegMarkers.BaselineFrame or JpegMarkers.ExtendedFrame or JpegMarkers.ProgressiveFrame when _frame is null:
                    _frame = JpegFrame.Read(JpegMarkers.ReadSegment(data, ref _position), marker == JpegMarkers.ProgressiveFrame, data.Length);
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
                    ReadOnlySpan<byte> jfif = JpegMarkers.ReadSegment(data, ref _position);
                    _hasJfif |= jfif.Length >= 14 && jfif.StartsWith("JFIF\0"u8);
                    break;
                case JpegMarkers.Application14:
                    ReadOnlySpan<byte> adobe = JpegMarkers.ReadSegment(data, ref _position);
                    _adobeTransform = adobe.Length >= 12 && adobe.StartsWith("Adobe"u8) ? adobe[11] : _adobeTransform;
                    break;
                case > JpegMarkers.Application0 and <= JpegMarkers.Application15 or JpegMarkers.Comment
                    or JpegMarkers.NumberOfLines or JpegMarkers.ArithmeticConditioning:
                    _ = JpegMarkers.ReadSegment(data, ref _position);
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
        0xC9 or 0xCA => "The JPEG is arithmetic-coded; Huffman-coded ones are decoded.",
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
