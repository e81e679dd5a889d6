namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// What the next bits of a block say where they hold whole AC symbols with the bits of their values: one symbol, or two, which are told by
/// one look-up. A symbol leads to another coefficient by its run of zeros and one; the end of the block leads out of it.
/// </summary>
/// <remarks>From the lowest: 8 bits for the bits of all symbols, 8 for those of the first, 8 for each advance, 16 for each value.</remarks>
internal readonly struct AcSymbols(ulong packed)
{
    /// <summary>The advance of the end of a block: farther than any run leads.</summary>
    public const int EndOfBlock = 128;

    private const int SixteenZeros = 0xF0;

    /// <summary>Whether the next bits hold no whole symbol.</summary>
    public bool IsNone => packed == 0;

    /// <summary>Bits of all symbols, or more by multiples of 64: what a shift takes.</summary>
    public int ShiftOfAll => (int)packed;

    /// <summary>Bits of all symbols.</summary>
    public int BitsOfAll => (byte)packed;

    /// <summary>Bits of the first symbol.</summary>
    public int BitsOfFirst => (byte)(packed >> 8);

    /// <summary>Coefficients that the first symbol advances.</summary>
    public int FirstAdvance => (byte)(packed >> 16);

    /// <summary>Coefficients that the second symbol advances; 0 where there is none.</summary>
    public int SecondAdvance => (byte)(packed >> 24);

    /// <summary>The value that the first symbol leads to; 0 if it has none.</summary>
    public short FirstValue => (short)(packed >> 32);

    /// <summary>The value that the second symbol leads to; the first one's where there is no second.</summary>
    public short SecondValue => (short)(packed >> 48);

    /// <summary>Coefficients that a symbol advances.</summary>
    public static int Advance(int symbol) => (symbol & 15) != 0 || symbol == SixteenZeros ? (symbol >> 4) + 1 : EndOfBlock;

    /// <summary>One symbol.</summary>
    public static AcSymbols One(int symbol, int value, int bits) =>
        new(((ulong)(ushort)value << 48) | ((ulong)(ushort)value << 32) | ((ulong)(uint)Advance(symbol) << 16) | ((ulong)(uint)bits << 8) | (uint)bits);

    /// <summary>This symbol, which doesn't end the block, and another.</summary>
    public AcSymbols Then(AcSymbols next) => new(
        ((ulong)(ushort)next.FirstValue << 48) | (packed & 0x0000_FFFF_00FF_FF00) | ((ulong)(uint)next.FirstAdvance << 24) | (uint)(BitsOfFirst + next.BitsOfFirst));
}
