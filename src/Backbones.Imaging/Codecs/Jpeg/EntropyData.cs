using System.Buffers;

namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// A scan's entropy-coded data, one segment between markers at a time: a copy in which the data byte 0xFF is one byte and not two, so that
/// whoever reads bits needn't look at every byte. Where restart markers are missing or wrong it resynchronises as libjpeg does.
/// </summary>
internal sealed class EntropyData : IDisposable
{
    /// <summary>Zeros behind a segment: as many as two reads of eight bytes see.</summary>
    public const int Padding = 16;

    private const int FirstCapacity = 64 << 10;

    private readonly ReadOnlyMemory<byte> _file;
    private int _position;
    private int _nextRestart;
    private byte[] _bytes = [];

    /// <summary>Reads a scan's first segment.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="position">Where the segment begins.</param>
    public EntropyData(ReadOnlyMemory<byte> file, int position)
    {
        (_file, _position) = (file, position);
        ReadSegment();
    }

    /// <summary>The segment and the zeros behind it.</summary>
    public ReadOnlySpan<byte> Padded => _bytes.AsSpan(0, Length + Padding);

    /// <summary>Bytes of the segment.</summary>
    public int Length { get; private set; }

    /// <summary>The marker that ended the segment, or 0 where the file ends without one.</summary>
    public int Marker { get; private set; }

    /// <summary>Where the file goes on, behind the marker.</summary>
    public int Position => _position;

    /// <summary>Where the segment begins in the file.</summary>
    public int Start { get; private set; }

    /// <summary>Goes on behind the restart marker that is due.</summary>
    /// <returns>False where another marker is there, which leaves the segment empty.</returns>
    /// <exception cref="InvalidDataException">The file ends first.</exception>
    public bool Restart()
    {
        if (Marker == 0)
        {
            throw JpegMarkers.Truncated();
        }

        bool found = Marker == JpegMarkers.Restart0 + _nextRestart || Resynchronize();
        _nextRestart = (_nextRestart + 1) & 7;
        if (found)
        {
            ReadSegment();
        }
        else
        {
            EndSegment(0);
        }

        return found;
    }

    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private bool Resynchronize()
    {
        while (true)
        {
            int ahead = (Marker - JpegMarkers.Restart0 - _nextRestart) & 7;
            bool isRestart = Marker is >= JpegMarkers.Restart0 and <= JpegMarkers.Restart0 + 7;
            if (Marker < JpegMarkers.FirstFrame || (isRestart && ahead is 6 or 7))
            {
                // Nonsense or one of the two restarts before: look for a later one.
                Marker = JpegMarkers.FindNext(_file.Span, ref _position);
            }
            else
            {
                // One of the two restarts after or another marker: leave it, the missing segment is empty. Any other restart: go on behind it.
                return isRestart && ahead is not (1 or 2);
            }
        }
    }

    private void ReadSegment()
    {
        ReadOnlySpan<byte> file = _file.Span, rest = file[_position..];
        Start = _position;
        Marker = 0;
        int length = 0;
        while (!rest.IsEmpty && Marker == 0)
        {
            int plain = rest.IndexOf((byte)0xFF);
            plain = plain < 0 ? rest.Length : plain;
            Reserve(length, plain + 1 + Padding);
            rest[..plain].CopyTo(_bytes.AsSpan(length));
            length += plain;
            rest = rest[plain..];

            // After an 0xFF, or several, a zero means the data byte 0xFF; anything else is a marker.
            int next = rest.IndexOfAnyExcept((byte)0xFF);
            Marker = next < 0 ? 0 : rest[next];
            if (next > 0 && Marker == 0)
            {
                _bytes[length++] = 0xFF;
            }

            rest = next < 0 ? default : rest[(next + 1)..];
        }

        _position = file.Length - rest.Length;
        EndSegment(length);
    }

    private void EndSegment(int length)
    {
        Reserve(length, Padding);
        _bytes.AsSpan(length, Padding).Clear();
        Length = length;
    }

    private void Reserve(int length, int more)
    {
        if (_bytes.Length - length < more)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstCapacity, checked(length + Math.Max(length, more))));
            _bytes.AsSpan(0, length).CopyTo(larger);
            Dispose();
            _bytes = larger;
        }
    }
}
