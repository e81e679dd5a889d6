using System.Buffers.Binary;

namespace Backbones.TorchScript;

/// <summary>A zip file's header in the making: its numbers, little-endian, one after another.</summary>
internal sealed class ZipRecord
{
    private readonly MemoryStream _bytes = new();

    public ReadOnlySpan<byte> Bytes => _bytes.GetBuffer().AsSpan(0, (int)_bytes.Length);

    /// <exception cref="OverflowException">The number does not fit.</exception>
    public ZipRecord UInt16(int value) => Number(checked((ushort)value), sizeof(ushort));

    public ZipRecord UInt32(uint value) => Number(value, sizeof(uint));

    public ZipRecord UInt64(long value) => Number(value, sizeof(long));

    public ZipRecord Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    private ZipRecord Number(long value, int length)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Raw(bytes[..length]);
    }
}
