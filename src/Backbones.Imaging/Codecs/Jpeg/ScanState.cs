namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>Where a scan's decoding stands, to be kept between rows of MCUs.</summary>
/// <param name="Bits">Where reading stands.</param>
/// <param name="UntilRestart">MCUs before the next restart marker.</param>
internal readonly record struct ScanState(JpegBitState Bits, int UntilRestart);

/// <summary>Where reading of a segment's bits stands.</summary>
/// <param name="Buffer">The next bits, the first of them in the highest place.</param>
/// <param name="Count">How many bits of the buffer may be used.</param>
/// <param name="Position">Where the bytes after those in the buffer begin.</param>
/// <param name="OutOfData">The segment ended before its blocks did.</param>
internal readonly record struct JpegBitState(ulong Buffer, int Count, int Position, bool OutOfData);
