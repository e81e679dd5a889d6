using System.Buffers.Binary;
using System.Text;

namespace Backbones.Weights.Pth;

/// <summary>The bytes of pickles: never reads past their end, and charges what it makes of them.</summary>
internal sealed class PickleInput(ReadOnlyMemory<byte> bytes, string source, PthBudget budget)
{
    /// <summary>Longest name of a global or other line.</summary>
    private const int MaxLine = 256;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Where the next byte is.</summary>
    public int Position { get; private set; }

    public PthBudget Budget => budget;

    /// <summary>An error in this file.</summary>
    public WeightsFormatException Error(string problem) => new(source, problem);

    public byte Byte() => Take(1)[0];

    public byte[] Bytes(ulong count)
    {
        ReadOnlySpan<byte> taken = Take(count);
        budget.Object(32 + taken.Length);
        return taken.ToArray();
    }

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    public string Utf8(ulong length)
    {
        ReadOnlySpan<byte> taken = Take(length);
        budget.Object(32 + 2L * taken.Length);
        try
        {
            return StrictUtf8.GetString(taken);
        }
        catch (DecoderFallbackException)
        {
            throw Error("the pickle has a text that is not valid UTF-8.");
        }
    }

    /// <summary>Python 2's texts, which PyTorch reads as Latin-1 where they are not ASCII.</summary>
    public string Latin1(ulong length)
    {
        ReadOnlySpan<byte> taken = Take(length);
        budget.Object(32 + 2L * taken.Length);
        return Encoding.Latin1.GetString(taken);
    }

    public string Line()
    {
        ReadOnlySpan<byte> left = bytes.Span[Position..];
        int end = left[..Math.Min(left.Length, MaxLine + 1)].IndexOf((byte)'\n');
        if (end < 0)
            throw left.Length > MaxLine ? Error($"the pickle has a name of more than {MaxLine} letters.") : Truncated();
        budget.Object(32 + 2L * end);
        Position += end + 1;
        return Encoding.Latin1.GetString(left[..end]);
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(bytes.Length - Position))
            throw Truncated();
        ReadOnlySpan<byte> taken = bytes.Span.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    private WeightsFormatException Truncated() => Error($"the pickle ends early, or is larger than {PthFile.MaxPickle} bytes.");
}
