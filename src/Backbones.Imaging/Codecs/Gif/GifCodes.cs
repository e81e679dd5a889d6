namespace Backbones.Imaging.Codecs.Gif;

/// <summary>
/// GIF's LZW (GIF89a specification, appendix F): codes of growing width in blocks of up to 255 bytes. Each code stands for a string of
/// indices, and each but the first after a clear adds one: the string before it with its own first index behind.
/// </summary>
internal ref struct GifCodes
{
    private const int MaxBits = 12;
    private const int TableSize = 1 << MaxBits;

    private readonly ReadOnlySpan<byte> _data;
    private readonly int _startBits;
    private readonly int _clear;

    // A string in the table is another code's and one index more.
    private readonly byte[] _last = new byte[TableSize];
    private readonly ushort[] _before = new ushort[TableSize];

    // The string of the current code from its end to its start, and how much of it is still to be given.
    private readonly byte[] _string = new byte[TableSize + 1];
    private int _left;

    private int _position;
    private int _blockEnd;
    private uint _bits;
    private int _bitCount;

    private int _width;
    private int _next;
    private int _previous = -1;
    private byte _first;

    /// <summary>Starts at the byte that gives the codes' first width.</summary>
    /// <exception cref="InvalidDataException">There is no such width.</exception>
    public GifCodes(ReadOnlySpan<byte> data, int offset)
    {
        _data = data;
        _startBits = data[offset];
        if (_startBits > MaxBits)
        {
            throw new InvalidDataException($"The GIF's codes begin with {_startBits} bits; at most {MaxBits} are valid.");
        }

        _position = _blockEnd = offset + 1;
        _clear = 1 << _startBits;
        Clear();
    }

    /// <summary>Gives the next indices.</summary>
    /// <exception cref="InvalidDataException">The data ends before them or holds a code that stands for nothing.</exception>
    public void Read(Span<byte> indices)
    {
        while (!indices.IsEmpty)
        {
            if (_left == 0)
            {
                ReadString();
            }

            indices[0] = _string[--_left];
            indices = indices[1..];
        }
    }

    private void Clear()
    {
        _width = _startBits + 1;
        _next = _clear + 2;
        _previous = -1;
    }

    private void ReadString()
    {
        int code = ReadCode();
        while (code == _clear)
        {
            Clear();
            code = ReadCode();
        }

        if (code == _clear + 1)
        {
            throw CutOff();
        }

        if (_previous < 0)
        {
            if (code > _clear)
            {
                throw Invalid(code);
            }

            _previous = code;
            _string[_left++] = _first = (byte)code;
            return;
        }

        int inner = code;
        if (code > _next)
        {
            throw Invalid(code);
        }

        if (code == _next)
        {
            // The string that this very code adds.
            _string[_left++] = _first;
            inner = _previous;
        }

        while (inner >= _clear)
        {
            if (inner >= TableSize || _left == TableSize)
            {
                throw Invalid(code);
            }

            _string[_left++] = _last[inner];
            inner = _before[inner];
        }

        _string[_left++] = _first = (byte)inner;
        if (_next < TableSize)
        {
            (_last[_next], _before[_next]) = (_first, (ushort)_previous);
            if (_next == (1 << _width) - 1 && _width < MaxBits)
            {
                _width++;
            }

            _next++;
        }

        _previous = code;
    }

    private int ReadCode()
    {
        while (_bitCount < _width)
        {
            if (_position == _blockEnd)
            {
                // An empty block should be the end; Pillow goes on. A block that is not whole is not begun.
                int length = 0;
                while (_position < _data.Length && (length = _data[_position]) == 0)
                {
                    _position++;
                }

                if (length > _data.Length - _position - 1 || _position == _data.Length)
                {
                    throw CutOff();
                }

                _blockEnd = ++_position + length;
            }

            _bits |= (uint)_data[_position++] << _bitCount;
            _bitCount += 8;
        }

        int code = (int)(_bits & ((1u << _width) - 1));
        _bits >>= _width;
        _bitCount -= _width;
        return code;
    }

    private static InvalidDataException CutOff() => new("The GIF data is cut off: its first frame ends before its last row.");

    private static InvalidDataException Invalid(int code) => new($"The GIF data is corrupt: its code {code} stands for nothing.");
}
