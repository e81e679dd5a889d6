using System.Buffers.Binary;
using System.Text;

namespace Backbones.Weights.Pth;

/// <summary>The bytes of pickles in a stream: never reads past its limit, never allocates more than is there.</summary>
internal sealed class PickleInput(Stream stream, long limit, string source)
{
    /// <summary>Longest name of a global or other line.</summary>
    private const int MaxLine = 256;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private long _left = Math.Min(limit, stream.Length - stream.Position);

    /// <summary>An error in this file.</summary>
    public WeightsFormatException Error(string problem) => new(source, problem);

    public byte Byte()
    {
        Take(1);
        int value = stream.ReadByte();
        return value >= 0 ? (byte)value : throw Truncated();
    }

    public byte[] Bytes(long count)
    {
        Take(count);
        byte[] bytes = new byte[count];
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (EndOfStreamException)
        {
            throw Truncated();
        }
        return bytes;
    }

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8));

    public string Utf8(long length)
    {
        try
        {
            return StrictUtf8.GetString(Bytes(length));
        }
        catch (DecoderFallbackException)
        {
            throw Error("the pickle has a text that is not valid UTF-8.");
        }
    }

    /// <summary>Python 2's texts, which PyTorch reads as Latin-1 where they are not ASCII.</summary>
    public string Latin1(long length) => Encoding.Latin1.GetString(Bytes(length));

    public string Line()
    {
        StringBuilder text = new();
        for (byte value = Byte(); value != '\n'; value = Byte())
        {
            if (text.Length == MaxLine)
            {
                throw Error($"the pickle has a name of more than {MaxLine} letters.");
            }
            text.Append((char)value);
        }
        return text.ToString();
    }

    private void Take(long count)
    {
        if (count > _left)
        {
            throw Truncated();
        }
        _left -= count;
    }

    private WeightsFormatException Truncated()
        => Error($"the pickle ends early, or is larger than {limit} bytes.");
}
