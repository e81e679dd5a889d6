namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>The frame header (SOF): size, components and what follows from their sampling factors.</summary>
internal sealed class JpegFrame
{
    public int Width { get; }

    public int Height { get; }

    /// <summary>Whether scans hold parts of the coefficients.</summary>
    public bool Progressive { get; }

    /// <summary>Whether scans are arithmetic-coded.</summary>
    public bool Arithmetic { get; }

    public JpegComponent[] Components { get; }

    public int MaxHorizontal { get; }

    public int MaxVertical { get; }

    /// <summary>Interleaved MCUs in a row.</summary>
    public int McusPerRow { get; }

    /// <summary>Rows of interleaved MCUs.</summary>
    public int McuRows { get; }

    private JpegFrame(int width, int height, int marker, JpegComponent[] components)
    {
        (Width, Height, Components) = (width, height, components);
        Progressive = marker is JpegMarkers.ProgressiveFrame or JpegMarkers.ArithmeticProgressiveFrame;
        Arithmetic = marker is JpegMarkers.ArithmeticFrame or JpegMarkers.ArithmeticProgressiveFrame;
        foreach (JpegComponent component in components)
        {
            MaxHorizontal = Math.Max(MaxHorizontal, component.Horizontal);
            MaxVertical = Math.Max(MaxVertical, component.Vertical);
        }

        McusPerRow = DivideUp(width, MaxHorizontal * 8);
        McuRows = DivideUp(height, MaxVertical * 8);
        foreach (JpegComponent component in components)
        {
            if (MaxHorizontal % component.Horizontal != 0 || MaxVertical % component.Vertical != 0)
            {
                throw new InvalidDataException("The JPEG has fractional sampling ratios between its components; whole ratios are decoded.");
            }

            component.SamplesPerRow = DivideUp(width * component.Horizontal, MaxHorizontal);
            component.SampleRows = DivideUp(height * component.Vertical, MaxVertical);
            component.BlocksPerRow = DivideUp(component.SamplesPerRow, 8);
            component.BlockRows = DivideUp(component.SampleRows, 8);
            component.PaddedBlocksPerRow = McusPerRow * component.Horizontal;
        }
    }

    /// <summary>Whether a marker is that of a frame of a kind that is decoded.</summary>
    public static bool IsDecoded(int marker) => marker
        is JpegMarkers.BaselineFrame or JpegMarkers.ExtendedFrame or JpegMarkers.ProgressiveFrame
        or JpegMarkers.ArithmeticFrame or JpegMarkers.ArithmeticProgressiveFrame;

    /// <summary>Reads a frame's segment (without its length) and checks it against the limits.</summary>
    /// <param name="segment">The segment's contents.</param>
    /// <param name="marker">Which marker it had.</param>
    /// <param name="encodedLength">Bytes in the whole file.</param>
    public static JpegFrame Read(ReadOnlySpan<byte> segment, int marker, int encodedLength)
    {
        if (segment.Length < 6 || segment.Length != 6 + (3 * segment[5]))
        {
            throw new InvalidDataException("The JPEG frame header has a wrong length.");
        }

        if (segment[0] != 8)
        {
            throw new InvalidDataException($"The JPEG has {segment[0]} bits a sample; 8 are decoded.");
        }

        int height = (segment[1] << 8) | segment[2];
        int width = (segment[3] << 8) | segment[4];
        ImageLimits.CheckSize("JPEG", width, height);

        int count = segment[5];
        if (count is not (1 or 3 or 4))
        {
            throw new InvalidDataException($"The JPEG has {count} components; 1, 3 and 4 are decoded.");
        }

        var components = new JpegComponent[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = segment.Slice(6 + (3 * i), 3);
            int horizontal = entry[1] >> 4, vertical = entry[1] & 15;
            if (horizontal is < 1 or > 4 || vertical is < 1 or > 4)
            {
                throw new InvalidDataException($"A JPEG component has sampling factors {horizontal} x {vertical}; 1 to 4 are valid.");
            }

            // A single component is never interleaved: its factors have nothing to be relative to.
            components[i] = count == 1
                ? new JpegComponent(entry[0], 1, 1, entry[2], vertical)
                : new JpegComponent(entry[0], horizontal, vertical, entry[2], vertical);
        }

        var frame = new JpegFrame(width, height, marker, components);
        JpegBudget.CheckBlocks(frame, encodedLength);
        return frame;
    }

    private static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;
}
