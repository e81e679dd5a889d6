using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace Backbones.TorchScript;

/// <summary>
/// Writes a zip file as PyTorch does: nothing is compressed, and each entry's bytes begin at a multiple of 64, where a mapped file can be used in place.
/// Positions beyond 4 GB are written in the zip64 form.
/// </summary>
internal sealed class AlignedZip(Stream stream)
{
    private const int Alignment = 64;
    private const int Version = 10, Zip64Version = 45, Utf8Names = 0x0800;
    private const int LocalHeaderLength = 30, Zip64ExtraId = 1, Zip64ExtraLength = 8, Zip64EndLength = 56;
    /// <summary>Stands for a number that is in the zip64 form.</summary>
    private const uint Far = uint.MaxValue;
    /// <summary>1980-01-01, the format's first day: the same content gives the same file.</summary>
    private const int Date = 0x21;
    /// <summary>The extra field in which PyTorch has its filling: "FB".</summary>
    private const int FillingId = 0x4246;

    private readonly List<(byte[] Name, uint Crc, uint Length, long Offset)> _entries = [];
    private long _position;

    /// <summary>Adds an entry.</summary>
    public void Add(string name, ReadOnlySpan<byte> content)
    {
        Begin(name, Crc32.HashToUInt32(content), content.Length);
        Write(content);
    }

    /// <summary>Adds an entry of floats.</summary>
    /// <exception cref="NotSupportedException">It is longer than 4 GB.</exception>
    public void Add(string name, ReadOnlySpan<float> values)
    {
        // A span of bytes ends at 2 GB.
        const int Part = 1 << 28;
        var crc = new Crc32();
        for (int i = 0; i < values.Length; i += Part)
            crc.Append(Bytes(values, i));
        Begin(name, crc.GetCurrentHashAsUInt32(), (long)values.Length * sizeof(float));
        for (int i = 0; i < values.Length; i += Part)
            Write(Bytes(values, i));

        static ReadOnlySpan<byte> Bytes(ReadOnlySpan<float> values, int start) => MemoryMarshal.AsBytes(values.Slice(start, Math.Min(Part, values.Length - start)));
    }

    /// <summary>Writes the directory, with which the file ends.</summary>
    public void Finish()
    {
        long start = _position;
        foreach ((byte[] name, uint crc, uint length, long offset) in _entries)
        {
            bool isFar = offset >= Far;
            int version = isFar ? Zip64Version : Version;
            var header = new ZipRecord();
            header.UInt32(0x02014b50).UInt16(version).UInt16(version).UInt16(Utf8Names).UInt16(0).UInt16(0).UInt16(Date)
                .UInt32(crc).UInt32(length).UInt32(length)
                .UInt16(name.Length).UInt16(isFar ? 4 + Zip64ExtraLength : 0).UInt16(0).UInt16(0).UInt16(0).UInt32(0)
                .UInt32(isFar ? Far : (uint)offset).Raw(name);
            if (isFar)
                header.UInt16(Zip64ExtraId).UInt16(Zip64ExtraLength).UInt64(offset);
            Write(header.Bytes);
        }
        WriteEnd(start, _position - start);
    }

    private void WriteEnd(long directory, long length)
    {
        var end = new ZipRecord();
        int count = Math.Min(_entries.Count, ushort.MaxValue);
        if (directory >= Far || count == ushort.MaxValue)
        {
            end.UInt32(0x06064b50).UInt64(Zip64EndLength - 12).UInt16(Zip64Version).UInt16(Zip64Version).UInt32(0).UInt32(0)
                .UInt64(_entries.Count).UInt64(_entries.Count).UInt64(length).UInt64(directory)
                .UInt32(0x07064b50).UInt32(0).UInt64(_position).UInt32(1);
        }
        end.UInt32(0x06054b50).UInt16(0).UInt16(0).UInt16(count).UInt16(count).UInt32((uint)length).UInt32((uint)Math.Min(directory, Far)).UInt16(0);
        Write(end.Bytes);
    }

    private void Begin(string name, uint crc, long length)
    {
        if (length >= Far)
            throw new NotSupportedException($"'{name}' takes {length / 1e9:f2} GB; one tensor of a TorchScript file can have 4.29 GB.");
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        _entries.Add((utf8, crc, (uint)length, _position));
        long unfilled = _position + LocalHeaderLength + utf8.Length + 4;
        int filling = (int)((Alignment - unfilled % Alignment) % Alignment);
        Write(new ZipRecord().UInt32(0x04034b50).UInt16(Version).UInt16(Utf8Names).UInt16(0).UInt16(0).UInt16(Date)
            .UInt32(crc).UInt32((uint)length).UInt32((uint)length).UInt16(utf8.Length).UInt16(4 + filling).Raw(utf8)
            .UInt16(FillingId).UInt16(filling).Raw(new byte[filling]).Bytes);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        _position += bytes.Length;
    }
}
