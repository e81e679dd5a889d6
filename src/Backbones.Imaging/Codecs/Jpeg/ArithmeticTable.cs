namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>The conditioning of one slot (a DAC segment's entry, or the default) and its statistics, which a scan's components with that slot share.</summary>
/// <param name="lower">DC: the largest difference that counts as none has this many bits less one (L).</param>
/// <param name="upper">DC: the largest that counts as small has this many (U). AC: the last coefficient, in coded order, that counts as a low one (Kx).</param>
internal sealed class ArithmeticTable(int lower, int upper)
{
    /// <summary>Enough for DC (49 bins) and AC (245).</summary>
    public byte[] Bins { get; } = new byte[256];

    /// <summary>DC differences whose magnitude less one has its highest bit below this count as none.</summary>
    public int NoneBelow => (1 << lower) >> 1;

    /// <summary>Those that have it above this count as large.</summary>
    public int LargeAbove => (1 << upper) >> 1;

    /// <summary>The last low AC coefficient.</summary>
    public int LastLow => upper;
}
