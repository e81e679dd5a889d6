namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Where a scan's decoding stands, to be kept between rows of MCUs.</summary>
/// <param name="Bits">Where reading stands.</param>
/// <param name="UntilRestart">MCUs before the next restart marker.</param>
internal readonly record struct ScanState(JpegBitState Bits, int UntilRestart)
{
    /// <summary>A scan's beginning.</summary>
    /// <param name="position">Where its data begin.</param>
    /// <param name="restartInterval">MCUs between restart markers.</param>
    public static ScanState Start(int position, int restartInterval) => new(new JpegBitState(Position: position), restartInterval);
}

/// <summary>Where reading of a scan's bits stands.</summary>
/// <param name="Buffer">The next bits, the first of them in the highest place.</param>
/// <param name="Count">How many bits of the buffer may be used.</param>
/// <param name="Position">Where the bytes after those in the buffer begin.</param>
/// <param name="Marker">The marker that ended the segment, or 0.</param>
/// <param name="OutOfData">The segment ended before its blocks did.</param>
/// <param name="Zeros">Bits at the buffer's end that weren't in the data.</param>
/// <param name="NextRestart">The number of the restart marker that is due next.</param>
internal readonly record struct JpegBitState(
    ulong Buffer = 0, int Count = 0, int Position = 0, int Marker = 0, bool OutOfData = false, int Zeros = 0, int NextRestart = 0);
