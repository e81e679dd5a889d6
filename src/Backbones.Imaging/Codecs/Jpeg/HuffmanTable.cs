namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>A Huffman table (ITU-T T.81 annex C) prepared for decoding by looking at several bits at once.</summary>
internal sealed class HuffmanTable
{
    /// <summary>Bits that one look-up covers. Longer codes are rare and are found length by length.</summary>
    public const int LookupBits = 10;

    /// <summary>What a code without symbol takes from the stream, as in libjpeg: it gives up after 16 bits and has read one more.</summary>
    private const int InvalidCodeLength = 17;

    private readonly byte[] _symbols;
    private readonly int[] _lastCode = new int[17];
    private readonly int[] _symbolOffset = new int[17];
    private AcSymbols[]? _acSymbols;

    /// <summary>By the next <see cref="LookupBits"/> bits: code length * 256 + symbol, or 0 for a longer code.</summary>
    public ushort[] Lookup { get; } = new ushort[1 << LookupBits];

    /// <summary>AC symbols by the next <see cref="LookupBits"/> bits. Made when they are first asked for: only sequential scans do, of their AC tables.</summary>
    public AcSymbols[] AcSymbols => _acSymbols ??= MakeAcSymbols();

    /// <summary>Builds the table from the DHT segment's two lists.</summary>
    /// <param name="counts">How many codes there are of length 1 to 16.</param>
    /// <param name="symbols">The symbols in order of their codes.</param>
    /// <exception cref="InvalidDataException">The lists are no prefix code.</exception>
    public HuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        int code = 0, index = 0;
        for (int length = 1; length <= 16; length++)
        {
            _symbolOffset[length] = index - code;
            for (int i = 0; i < counts[length - 1]; i++, index++, code++)
            {
                AddToLookup(code, length, _symbols[index]);
            }

            _lastCode[length] = counts[length - 1] == 0 ? -1 : code - 1;
            // The code of all ones is reserved, so the next free one must still fit; lengths after the last symbol don't count.
            if (counts[length - 1] != 0 && code >= 1 << length)
            {
                throw new InvalidDataException("The JPEG has an invalid Huffman table.");
            }

            code <<= 1;
        }
    }

    /// <summary>Whether every symbol is a valid size of a DC difference.</summary>
    public bool IsValidForDc => !_symbols.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)15);

    /// <summary>Finds a symbol whose code is longer than <see cref="LookupBits"/>.</summary>
    /// <param name="next16">The next 16 bits of the stream.</param>
    /// <returns>Code length * 256 + symbol; for bits that are no code, symbol 0.</returns>
    public int FindLong(int next16)
    {
        for (int length = LookupBits + 1; length <= 16; length++)
        {
            int code = next16 >> (16 - length);
            if (code <= _lastCode[length])
            {
                return (length << 8) | _symbols[code + _symbolOffset[length]];
            }
        }

        return InvalidCodeLength << 8;
    }

    private void AddToLookup(int code, int length, byte symbol)
    {
        if (length <= LookupBits && code < 1 << length)
        {
            int free = LookupBits - length;
            Lookup.AsSpan(code << free, 1 << free).Fill((ushort)((length << 8) | symbol));
        }
    }

    private AcSymbols[] MakeAcSymbols()
    {
        var single = new AcSymbols[1 << LookupBits];
        for (int bits = 0; bits < single.Length; bits++)
        {
            int length = Lookup[bits] >> 8, symbol = Lookup[bits] & 0xFF, size = symbol & 15;
            if (length != 0 && length + size <= LookupBits)
            {
                int raw = (bits >> (LookupBits - length - size)) & ((1 << size) - 1);
                int value = size == 0 || raw >= 1 << (size - 1) ? raw : raw - (1 << size) + 1;
                single[bits] = Jpeg.AcSymbols.One(symbol, value, length + size);
            }
        }

        var symbols = new AcSymbols[single.Length];
        for (int bits = 0; bits < symbols.Length; bits++)
        {
            AcSymbols first = single[bits];
            if (!first.IsNone && first.FirstAdvance != Jpeg.AcSymbols.EndOfBlock)
            {
                // Of the symbol that seems to follow, all bits have to be among those that are known.
                AcSymbols second = single[(bits << first.BitsOfFirst) & (single.Length - 1)];
                first = second.IsNone || first.BitsOfFirst + second.BitsOfFirst > LookupBits ? first : first.Then(second);
            }

            symbols[bits] = first;
        }

        return symbols;
    }
}
