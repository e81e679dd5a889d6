using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// The 256 bytes before an entry's own data, laid out as ML.NET's: where its data, strings and assembly name are, and who can load it.
/// Offsets are from the header's start, texts are UTF-16, everything is little-endian.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct ModelHeader
{
    public const int Size = 0x100;

    private const ulong SignatureValue = 0x4C45444F4D004C4D;
    private const ulong TailValue = 0x4D4C004D4F44454C;
    private const uint CurrentVersion = 0x00010002;
    private const uint OldestVersion = 0x00010001;

    public ulong Signature;
    public uint VerWritten;
    public uint VerReadable;
    public long FpModel;
    public long CbModel;
    public long FpStringTable;
    public long CbStringTable;
    public long FpStringChars;
    public long CbStringChars;
    public ulong ModelSignature;
    public uint ModelVerWritten;
    public uint ModelVerReadable;
    public LoaderName LoaderSignature;
    public LoaderName LoaderSignatureAlt;
    public long FpTail;
    public long FpLim;
    public long FpAssemblyName;
    public uint CbAssemblyName;

    /// <summary>A name of up to 24 Latin-1 characters.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    public readonly struct LoaderName
    {
        private readonly ulong _part0, _part1, _part2;

        public LoaderName(string name)
        {
            ulong[] parts = PackAscii(name ?? "", 3);
            (_part0, _part1, _part2) = (parts[0], parts[1], parts[2]);
        }

        public override string ToString()
            => Encoding.Latin1.GetString(MemoryMarshal.AsBytes<ulong>([_part0, _part1, _part2])).TrimEnd('\0');
    }

    /// <summary>Packs characters into 64-bit words, the first into the lowest byte.</summary>
    public static ulong[] PackAscii(string text, int words)
    {
        Contracts.Check(text.Length <= 8 * words && text.All(c => c <= 0xFF), $"'{text}' must be at most {8 * words} Latin-1 characters.");
        var packed = new ulong[words];
        Encoding.Latin1.GetBytes(text, MemoryMarshal.AsBytes(packed.AsSpan()));
        return packed;
    }

    /// <summary>Leaves room for the header, which is written by <see cref="EndWrite"/>.</summary>
    public static ModelHeader BeginWrite(BinaryWriter writer)
    {
        writer.Write(new byte[Size]);
        return new ModelHeader { Signature = SignatureValue, VerWritten = CurrentVersion, VerReadable = CurrentVersion, FpModel = Size };
    }

    public void SetVersionInfo(VersionInfo version)
    {
        ModelSignature = version.ModelSignature;
        ModelVerWritten = version.VerWrittenCur;
        ModelVerReadable = version.VerReadableCur;
        LoaderSignature = new(version.LoaderSignature);
        LoaderSignatureAlt = new(version.LoaderSignatureAlt);
    }

    public void EndWrite(BinaryWriter writer, long start, IReadOnlyList<string> strings, string loaderAssemblyName)
    {
        writer.Flush();
        var stream = writer.BaseStream;
        CbModel = stream.Position - start - FpModel;
        if (strings.Count > 0)
        {
            FpStringTable = stream.Position - start;
            CbStringTable = strings.Count * sizeof(long);
            long end = 0;
            foreach (string s in strings)
                writer.Write(end += s.Length * sizeof(char));
            FpStringChars = FpStringTable + CbStringTable;
            CbStringChars = end;
            foreach (string s in strings)
                writer.Write(MemoryMarshal.AsBytes(s.AsSpan()));
        }

        if (!string.IsNullOrEmpty(loaderAssemblyName))
        {
            writer.Flush();
            FpAssemblyName = stream.Position - start;
            CbAssemblyName = (uint)loaderAssemblyName.Length * sizeof(char);
            writer.Write(MemoryMarshal.AsBytes(loaderAssemblyName.AsSpan()));
        }

        writer.Flush();
        FpTail = stream.Position - start;
        writer.Write(TailValue);
        FpLim = FpTail + sizeof(ulong);
        stream.Position = start;
        writer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<ModelHeader>(in this)));
        writer.Flush();
        stream.Position = start + FpLim;
    }

    /// <summary>Reads and checks the header, the strings and the assembly name, and leaves the reader at the entry's own data.</summary>
    public static ModelHeader BeginRead(BinaryReader reader, out long start, out string[] strings, out string loaderAssemblyName)
    {
        start = reader.BaseStream.Position;
        byte[] bytes = reader.ReadBytes(Size);
        Contracts.CheckDecode(bytes.Length == Size, "The model's header is truncated.");
        var header = MemoryMarshal.Read<ModelHeader>(bytes);
        header.Check(reader.BaseStream.Length - start);

        strings = header.ReadStrings(reader, start);
        loaderAssemblyName = header.FpAssemblyName == 0 ? null : ReadText(reader, start + header.FpAssemblyName, header.CbAssemblyName);
        reader.BaseStream.Position = start + header.FpTail;
        Contracts.CheckDecode(reader.ReadUInt64() == TailValue, "Corrupt model file tail");
        reader.BaseStream.Position = start + header.FpModel;
        return header;
    }

    /// <summary>Checks that all data was read, and leaves the reader behind the entry.</summary>
    public readonly void EndRead(BinaryReader reader, long start)
    {
        Contracts.CheckDecode(reader.BaseStream.Position == start + FpModel + CbModel,
            $"The model's data has {CbModel} bytes, but {reader.BaseStream.Position - start - FpModel} were read.");
        reader.BaseStream.Position = start + FpLim;
    }

    public readonly void CheckVersionInfo(VersionInfo version)
    {
        Contracts.CheckDecode(ModelSignature == version.ModelSignature, "Unknown file type");
        Contracts.CheckDecode(ModelVerReadable <= ModelVerWritten, "Corrupt file header");
        Contracts.CheckDecode(ModelVerReadable <= version.VerWrittenCur,
            $"'{version.LoaderSignature}' is too new: it asks for version {ModelVerReadable:x8}, and this code knows up to {version.VerWrittenCur:x8}.");
        Contracts.CheckDecode(ModelVerWritten >= version.VerWeCanReadBack,
            $"'{version.LoaderSignature}' is too old: it has version {ModelVerWritten:x8}, and this code reads from {version.VerWeCanReadBack:x8}.");
    }

    private readonly void Check(long available)
    {
        Contracts.CheckDecode(Signature == SignatureValue, "Wrong file type");
        Contracts.CheckDecode(VerReadable <= VerWritten, "Corrupt file header");
        Contracts.CheckDecode(VerReadable <= CurrentVersion, "File is too new");
        Contracts.CheckDecode(VerWritten >= OldestVersion, "File is too old");
        Contracts.CheckDecode(FpLim <= available && FpLim == FpTail + sizeof(ulong), "The model is truncated.");
        long at = Advance(FpModel, Size, CbModel);
        if (FpStringTable != 0)
        {
            Contracts.CheckDecode(CbStringTable > 0 && CbStringTable % sizeof(long) == 0, "Corrupt string table");
            at = Advance(FpStringTable, at, CbStringTable);
            at = Advance(FpStringChars, at, CbStringChars);
        }
        if (FpAssemblyName != 0)
            at = Advance(FpAssemblyName, at, CbAssemblyName);
        Contracts.CheckDecode(at == FpTail, "Corrupt file header");
    }

    // The blocks follow each other without gaps; none reaches beyond the tail.
    private readonly long Advance(long block, long expected, long size)
    {
        Contracts.CheckDecode(block == expected && size >= 0 && size <= FpTail - block, "Corrupt file header");
        return block + size;
    }

    private readonly string[] ReadStrings(BinaryReader reader, long start)
    {
        if (FpStringTable == 0)
            return [];
        reader.BaseStream.Position = start + FpStringTable;
        byte[] table = reader.ReadBytes(checked((int)CbStringTable));
        var ends = MemoryMarshal.Cast<byte, long>(table);
        var strings = new string[ends.Length];
        long at = 0;
        for (int i = 0; i < strings.Length; i++)
        {
            Contracts.CheckDecode(at <= ends[i] && ends[i] <= CbStringChars, "Corrupt string table");
            strings[i] = ReadText(reader, start + FpStringChars + at, ends[i] - at);
            at = ends[i];
        }
        Contracts.CheckDecode(at == CbStringChars, "Corrupt string table");
        return strings;
    }

    private static string ReadText(BinaryReader reader, long position, long size)
    {
        Contracts.CheckDecode(size % sizeof(char) == 0, "Corrupt text");
        reader.BaseStream.Position = position;
        return Encoding.Unicode.GetString(reader.ReadBytes(checked((int)size)));
    }
}
