using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace TimmFeatures.Extraction;

/// <summary>
/// Rows that are computed, in order, while the file of features is not written yet: <c>FILE.partial</c>. A process that is killed leaves rows that another goes on after; what was not
/// written whole does not count. One process at a time.
/// </summary>
/// <remarks>Layout: magic; length, CRC-32 and text of what the rows are of; then for each row length, CRC-32, a byte (0 features, 1 error), and the values or the error in UTF-8.</remarks>
internal sealed class Journal : IDisposable
{
    private const int FieldsLength = 8;
    private const byte HasFeatures = 0, HasError = 1;

    private readonly string _path;
    private readonly FileStream _stream;
    private readonly int _rowLength;
    private readonly long _start;
    private bool _disposed;

    private Journal(string path, FileStream stream, int rowLength, long start, int count)
    {
        (_path, _stream, _rowLength, _start, Count) = (path, stream, rowLength, start, count);
    }

    /// <summary>Whole rows.</summary>
    public int Count { get; private set; }

    public static string PathOf(string file) => $"{file}.partial";

    /// <summary>Opens a file's journal, or begins one.</summary>
    /// <param name="file">The file of features that is to be written in the end.</param>
    /// <param name="what">What the rows are of, as text.</param>
    /// <param name="rowLength">Values of a row.</param>
    /// <param name="resume">Go on with what is there.</param>
    /// <exception cref="IOException">Another process has it open; or one is there and is not to be gone on with.</exception>
    /// <exception cref="InvalidDataException">One is there, of something else.</exception>
    public static Journal Open(string file, string what, int rowLength, bool resume)
    {
        string path = PathOf(file);
        FileStream stream;
        try
        {
            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 20);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new IOException($"'{path}' cannot be opened; another process may be extracting to '{file}'. ({e.Message})", e);
        }
        try
        {
            byte[] header = Header(what);
            if (stream.Length == 0)
            {
                stream.Write(header);
                stream.Flush();
                return new Journal(path, stream, rowLength, header.Length, 0);
            }
            if (!resume)
                throw new IOException($"There is an unfinished extraction to '{file}'. Give --resume to go on with it, or delete '{path}'.");
            if (!StartsWith(stream, header))
                throw new InvalidDataException($"'{path}' is of an extraction with other settings or other images. Repeat the command that began it, or delete the file.");
            var journal = new Journal(path, stream, rowLength, header.Length, 0);
            long end = journal.Scan();
            stream.SetLength(end);
            stream.Position = end;
            return journal;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Adds a row of features.</summary>
    public void Add(ReadOnlySpan<float> values) => Add(HasFeatures, MemoryMarshal.AsBytes(values));

    /// <summary>Adds a row without.</summary>
    public void Add(string error) => Add(HasError, Encoding.UTF8.GetBytes(error));

    /// <summary>Hands what was added to the system: it outlives this process then.</summary>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    public void Flush()
    {
        try
        {
            _stream.Flush();
        }
        catch (Exception e) when (IsOfDisk(e))
        {
            throw NotWritten(e);
        }
    }

    /// <summary>The rows from the first on; an array is filled anew for each.</summary>
    /// <exception cref="InvalidDataException">A row was damaged since it was written.</exception>
    public IEnumerable<(float[]? Values, string? Error)> Rows()
    {
        Flush();
        var values = new float[_rowLength];
        var reader = new RecordReader(_stream.SafeFileHandle, _start, _rowLength);
        for (int i = 0; i < Count; i++)
        {
            if (!reader.Next())
                throw new InvalidDataException($"Row {i} of '{_path}' is damaged; delete the file and begin anew.");
            if (reader.Payload[0] == HasFeatures)
                MemoryMarshal.Cast<byte, float>(reader.Payload[1..]).CopyTo(values);
            yield return reader.Payload[0] == HasFeatures ? (values, null) : (null, Encoding.UTF8.GetString(reader.Payload[1..]));
        }
    }

    /// <summary>The rows have a file of their own now.</summary>
    public void Delete()
    {
        Dispose();
        File.Delete(_path);
    }

    /// <summary>
    /// Closes the file; one without rows goes, so that it stands in nobody's way. What cannot be written any more, on a full disk, is computed again some day; whoever needs it
    /// written has called <see cref="Flush"/>.
    /// </summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        try
        {
            // Before it is closed, as nobody else can have it open then; Windows deletes no file that is open.
            if (Count == 0 && !OperatingSystem.IsWindows())
                File.Delete(_path);
            _stream.Dispose();
            if (Count == 0 && OperatingSystem.IsWindows())
                File.Delete(_path);
        }
        catch (Exception e) when (IsOfDisk(e) || e is UnauthorizedAccessException)
        {
            // The reason was thrown before, by what wrote. A file that cannot be deleted is told of by the next one who opens it.
        }
    }

    private void Add(byte kind, ReadOnlySpan<byte> content)
    {
        Span<byte> fields = stackalloc byte[FieldsLength + 1];
        fields[FieldsLength] = kind;
        var crc = new Crc32();
        crc.Append([kind]);
        crc.Append(content);
        BinaryPrimitives.WriteInt32LittleEndian(fields, content.Length + 1);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[4..], crc.GetCurrentHashAsUInt32());
        try
        {
            _stream.Write(fields);
            _stream.Write(content);
        }
        catch (Exception e) when (IsOfDisk(e))
        {
            throw NotWritten(e);
        }
        Count++;
    }

    /// <summary>The second is what .NET makes of a file that is larger than the file system or the user's limit takes.</summary>
    private static bool IsOfDisk(Exception e) => e is IOException or ArgumentOutOfRangeException { ParamName: "value" };

    private IOException NotWritten(Exception e) => new($"'{_path}' cannot be written: {e.Message} Where there is space, the same command with --resume goes on with what is done.", e);

    /// <summary>Counts the whole rows; gives where they end.</summary>
    private long Scan()
    {
        var reader = new RecordReader(_stream.SafeFileHandle, _start, _rowLength);
        while (reader.Next())
            Count++;
        return reader.Position;
    }

    private static byte[] Header(string what)
    {
        byte[] text = Encoding.UTF8.GetBytes(what), header = new byte[8 + FieldsLength + text.Length];
        "TFROWS1\n"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), text.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), Crc32.HashToUInt32(text));
        text.CopyTo(header, 16);
        return header;
    }

    private static bool StartsWith(FileStream stream, byte[] header)
    {
        byte[] found = new byte[header.Length];
        return stream.ReadAtLeast(found, found.Length, throwOnEndOfStream: false) == found.Length && found.AsSpan().SequenceEqual(header);
    }

    /// <summary>Reads records one after another, through a buffer of its own: the stream's position is the writer's.</summary>
    private sealed class RecordReader(SafeFileHandle file, long position, int rowLength)
    {
        // No error is longer than the longest path and a sentence.
        private const int MaxError = 1 << 20;

        private byte[] _buffer = new byte[1 << 20];
        private int _at, _filled, _length;

        /// <summary>Where the last whole record ends.</summary>
        public long Position { get; private set; } = position;

        /// <summary>The record's kind and content.</summary>
        public ReadOnlySpan<byte> Payload => _buffer.AsSpan(_at - _length, _length);

        public bool Next()
        {
            if (!Fill(FieldsLength))
                return false;
            int length = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(_at));
            uint crc = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_at + 4));
            if (length < 1 || length > Math.Max(MaxError, rowLength * sizeof(float) + 1) || !Fill(FieldsLength + length))
                return false;
            ReadOnlySpan<byte> payload = _buffer.AsSpan(_at + FieldsLength, length);
            if (Crc32.HashToUInt32(payload) != crc || payload[0] > HasError || (payload[0] == HasFeatures && length != rowLength * sizeof(float) + 1))
                return false;
            _at += FieldsLength + length;
            _length = length;
            Position += FieldsLength + length;
            return true;
        }

        /// <summary>Makes sure that so many bytes are there from the next record on.</summary>
        private bool Fill(int needed)
        {
            if (_filled - _at >= needed)
                return true;
            byte[] target = needed > _buffer.Length ? new byte[needed] : _buffer;
            _buffer.AsSpan(_at, _filled - _at).CopyTo(target);
            (_buffer, _filled, _at) = (target, _filled - _at, 0);
            while (_filled < needed && RandomAccess.Read(file, _buffer.AsSpan(_filled), Position + _filled) is > 0 and var read)
                _filled += read;
            return _filled >= needed;
        }
    }
}
