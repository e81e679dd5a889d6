using System.Buffers;
using System.IO.Compression;
using Backbones.Imaging;

namespace TimmFeatures.Extraction.Images;

/// <summary>Images in a zip file, in the order of its directory. Entries are unpacked one at a time, which takes little beside decoding.</summary>
internal sealed class ZipImages : IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly ZipArchive _archive;

    /// <exception cref="InvalidDataException">The file is no zip archive, or is damaged.</exception>
    public ZipImages(string path)
    {
        _path = path;
        try
        {
            _archive = ZipFile.OpenRead(path);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{path}' is no zip archive, or is damaged: {e.Message}", e);
        }
    }

    /// <param name="name">The archive's name, which the entries' names follow.</param>
    public IEnumerable<ImageItem> Items(string name) => _archive.Entries.Select((e, i) => (Entry: e, Number: i)).Where(e => ImageNames.IsImage(e.Entry.FullName))
        .Select(e => Item($"{name}/{e.Entry.FullName}", e.Number));

    /// <summary>One image.</summary>
    /// <param name="name">Its name in the output.</param>
    /// <param name="entry">Its number in the archive's directory.</param>
    /// <exception cref="InvalidDataException">The archive has no such entry.</exception>
    public ImageItem Item(string name, int entry) => entry < _archive.Entries.Count ? new Entry(name, this, entry)
        : throw new InvalidDataException($"'{_path}' has {_archive.Entries.Count} entries; entry {entry} of it was asked for, so it is not the file that it was.");

    public void Dispose() => _archive.Dispose();

    private sealed class Entry(string name, ZipImages zip, int number) : ImageItem(name)
    {
        private readonly ZipArchiveEntry _entry = zip._archive.Entries[number];

        public override ImageSource Source => new(zip._path, Entry: number);

        public override void Apply(ImageTransform transform, Span<float> target, bool exif) => ArchiveEntry.Apply(_entry.Length, Read, transform, target, exif);

        private void Read(Span<byte> bytes)
        {
            lock (zip._gate)
            {
                using Stream stream = _entry.Open();
                stream.ReadExactly(bytes);
            }
        }
    }
}

/// <summary>What entries of all archives have in common.</summary>
internal static class ArchiveEntry
{
    /// <summary>No picture that is decoded has a larger file.</summary>
    private const long MaxLength = 1 << 30;

    public delegate void Reader(Span<byte> bytes);

    public static void Apply(long length, Reader read, ImageTransform transform, Span<float> target, bool exif)
    {
        if (length > MaxLength)
            throw new InvalidDataException($"The entry has {length} bytes; at most {MaxLength} are read.");
        byte[] bytes = ArrayPool<byte>.Shared.Rent((int)length);
        try
        {
            read(bytes.AsSpan(0, (int)length));
            transform.ApplyEncoded(bytes.AsMemory(0, (int)length), target, exif);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
