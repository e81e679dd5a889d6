namespace Backbones.Engines.Managed;

/// <summary>Splits simple loops into pieces for the threads.</summary>
internal static class Pieces
{
    /// <summary>Floats below which a piece is not worth handing over.</summary>
    private const long MinWork = 16 * 1024;

    /// <summary>Number of pieces for <paramref name="units"/> units of <paramref name="unitWork"/> floats each.</summary>
    public static int Count(long units, long unitWork, int threads)
        => (int)Math.Clamp(Math.Min(units * unitWork / MinWork, threads * 4L), 1, Math.Max(1, units));

    /// <summary>First and past-the-last unit of a piece.</summary>
    public static (long First, long End) Range(long units, int pieces, int index) => (units * index / pieces, units * (index + 1) / pieces);
}
