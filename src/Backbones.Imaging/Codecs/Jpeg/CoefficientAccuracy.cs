namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// How exactly the scans of a progressive frame gave a component's first coefficients: for each the place of the lowest bit that was sent, 0
/// where the value is whole, -1 where none was sent. What was so before the last scan is kept for rows that the scan didn't reach.
/// </summary>
internal sealed class CoefficientAccuracy
{
    /// <summary>Coefficients that are kept account of, in coded order.</summary>
    public const int Count = 10;

    private readonly int[] _now = new int[Count];
    private readonly int[] _before = new int[Count];

    public CoefficientAccuracy()
    {
        Array.Fill(_now, -1);
        Array.Fill(_before, -1);
    }

    /// <summary>After the last scan with this component.</summary>
    public ReadOnlySpan<int> Now => _now;

    /// <summary>Before that scan; 0, as libjpeg has it, where it was the picture's first and others followed.</summary>
    public ReadOnlySpan<int> Before => _before;

    /// <summary>Takes account of a scan.</summary>
    /// <param name="scan">A scan with this component.</param>
    /// <param name="isFirst">Whether it is the picture's first scan.</param>
    public void Add(JpegScan scan, bool isFirst)
    {
        for (int i = Math.Min(scan.SpectralStart, 1); i < Count; i++)
        {
            _before[i] = isFirst ? 0 : _now[i];
        }

        for (int i = scan.SpectralStart; i <= scan.SpectralEnd && i < Count; i++)
        {
            _now[i] = scan.LowBit;
        }
    }
}
