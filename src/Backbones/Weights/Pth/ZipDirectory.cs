using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Backbones.Weights.Pth;

/// <summary>One file of a zip archive.</summary>
/// <param name="Length">Bytes of its content.</param>
/// <param name="Stored">Bytes that it takes in the archive.</param>
/// <param name="Header">Where its local header is.</param>
/// <param name="IsDeflated">Whether it is compressed.</param>
internal readonly record struct ZipFileEntry(long Length, long Stored, long Header, bool IsDeflated);

/// <summary>
/// The directory of a zip archive, with zip64: every number is checked against the file before it is used, the directory's size is charged, and the
/// entries together may not be larger than the file. Checksums are not looked at: PyTorch does not either, and may write none.
/// </summary>
internal sealed class ZipDirectory
{
    private const int EndLength = 22, LocatorLength = 20, End64Length = 56, EntryLength = 46, LocalLength = 30;
    private const uint EndSignature = 0x06054b50, LocatorSignature = 0x07064b50, End64Signature = 0x06064b50, EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int Zip64Extra = 1, Encrypted = 1, Deflated = 8;

    private readonly Stream _stream;
    private readonly string _source;
    private readonly Dictionary<string, ZipFileEntry> _entries = new(StringComparer.Ordinal);

    private ZipDirectory(Stream stream, string source) => (_stream, _source) = (stream, source);

    /// <summary>The files' names and places.</summary>
    public IReadOnlyDictionary<string, ZipFileEntry> Entries => _entries;

    /// <summary>Reads a directory.</summary>
    /// <param name="stream">The archive, which can seek.</param>
    /// <param name="source">How errors name it.</param>
    /// <param name="budget">What it may cost.</param>
    /// <exception cref="WeightsFormatException">The archive is damaged or of a kind that PyTorch does not write.</exception>
    public static ZipDirectory Read(Stream stream, string source, PthBudget budget)
    {
        ZipDirectory directory = new(stream, source);
        (long start, long length) = directory.FindDirectory();
        budget.Object(length);
        directory.ReadEntries(directory.Bytes(start, length), budget);
        return directory;
    }

    /// <summary>A file's content.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="limit">The most bytes that it may have.</param>
    public byte[] Content(string name, long limit)
    {
        ZipFileEntry entry = _entries[name];
        if (entry.Length > Math.Min(limit, Array.MaxLength))
            throw new WeightsFormatException(_source, $"'{name}' has {entry.Length} bytes; at most {Math.Min(limit, Array.MaxLength)} are allowed.");
        ReadOnlySpan<byte> header = Bytes(entry.Header, LocalLength);
        long start = entry.Header + LocalLength + UInt16(header[26..]) + UInt16(header[28..]);
        if (UInt32(header) != LocalSignature || start > _stream.Length - entry.Stored)
            throw Damaged($"'{name}' does not lie in the file");
        if (!entry.IsDeflated)
            return Bytes(start, entry.Length);
        _stream.Position = start;
        byte[] content = new byte[entry.Length];
        try
        {
            using DeflateStream deflate = new(_stream, CompressionMode.Decompress, leaveOpen: true);
            deflate.ReadExactly(content);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw Damaged($"'{name}' cannot be unpacked");
        }
        return content;
    }

    /// <summary>The end record is the last thing of the file but for a comment.</summary>
    private (long Start, long Length) FindDirectory()
    {
        int tailLength = (int)Math.Min(_stream.Length, EndLength + ushort.MaxValue);
        long tailStart = _stream.Length - tailLength;
        byte[] tail = Bytes(tailStart, tailLength);
        for (int i = tailLength - EndLength; i >= 0; i--)
        {
            ReadOnlySpan<byte> end = tail.AsSpan(i);
            if (UInt32(end) != EndSignature || UInt16(end[20..]) > tailLength - EndLength - i)
                continue;
            (ulong start, ulong length) = (UInt32(end[16..]), UInt32(end[12..]));
            long locator = tailStart + i - LocatorLength;
            if (locator >= 0 && Bytes(locator, LocatorLength) is { } found && UInt32(found) == LocatorSignature)
            {
                byte[] end64 = Bytes(UInt64(found.AsSpan(8)), End64Length);
                if (UInt32(end64) != End64Signature)
                    throw Damaged("the zip64 directory is not where the file says");
                (start, length) = (UInt64(end64.AsSpan(48)), UInt64(end64.AsSpan(40)));
            }
            return start <= (ulong)_stream.Length && length <= (ulong)_stream.Length - start
                ? ((long)start, (long)length)
                : throw Damaged("the directory does not lie in the file");
        }
        throw Damaged("there is no directory at its end, as in a file that is cut off");
    }

    private void ReadEntries(byte[] directory, PthBudget budget)
    {
        Int128 stored = 0;
        int i = 0;
        while (i < directory.Length)
        {
            ReadOnlySpan<byte> entry = directory.AsSpan(i);
            if (entry.Length < EntryLength || UInt32(entry) != EntrySignature)
                throw Damaged("the directory has something else than entries");
            int nameLength = UInt16(entry[28..]), extraLength = UInt16(entry[30..]), total = EntryLength + nameLength + extraLength + UInt16(entry[32..]);
            if (total > entry.Length)
                throw Damaged("the directory ends within an entry");
            budget.Object(160 + 2 * nameLength);
            string name = Encoding.UTF8.GetString(entry.Slice(EntryLength, nameLength));
            (long length, long compressed, long header) = Numbers(name, entry, entry.Slice(EntryLength + nameLength, extraLength));
            int method = UInt16(entry[10..]);
            if ((UInt16(entry[8..]) & Encrypted) != 0 || (method is not 0 and not Deflated) || (method == 0 && compressed != length))
                throw Damaged($"'{PickleGlobals.Shorten(name)}' is encrypted or compressed in another way than deflate (method {method})");
            stored += compressed;
            if (stored > _stream.Length || header > _stream.Length)
                throw Damaged("the entries are larger than the file");
            if (!_entries.TryAdd(name, new ZipFileEntry(length, compressed, header, method == Deflated)))
                throw Damaged($"'{PickleGlobals.Shorten(name)}' is there twice");
            i += total;
        }
    }

    /// <summary>Length, length in the archive and place of an entry; the zip64 field has those that do not fit 32 bits, in this order.</summary>
    private (long Length, long Stored, long Header) Numbers(string name, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> extra)
    {
        Span<ulong> numbers = [UInt32(entry[24..]), UInt32(entry[20..]), UInt32(entry[42..])];
        while (extra.Length >= 4)
        {
            int id = UInt16(extra), size = UInt16(extra[2..]);
            if (size > extra.Length - 4)
                break;
            if (id == Zip64Extra)
            {
                ReadOnlySpan<byte> field = extra.Slice(4, size);
                foreach (ref ulong number in numbers)
                {
                    if (number == uint.MaxValue && field.Length >= 8)
                    {
                        number = UInt64(field);
                        field = field[8..];
                    }
                }
            }
            extra = extra[(4 + size)..];
        }
        foreach (ulong number in numbers)
        {
            if (number > long.MaxValue)
                throw Damaged($"'{PickleGlobals.Shorten(name)}' has a length or place of more than 63 bits");
        }
        return ((long)numbers[0], (long)numbers[1], (long)numbers[2]);
    }

    private byte[] Bytes(ulong start, int length) => start <= (ulong)_stream.Length ? Bytes((long)start, length) : throw Damaged("a record does not lie in the file");

    private byte[] Bytes(long start, long length)
    {
        if (start > _stream.Length - length)
            throw Damaged("a record does not lie in the file");
        byte[] bytes = new byte[length];
        _stream.Position = start;
        _stream.ReadExactly(bytes);
        return bytes;
    }

    private WeightsFormatException Damaged(string problem) => new(_source, $"the zip archive is damaged: {problem}.");

    private static int UInt16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static uint UInt32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static ulong UInt64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);
}
