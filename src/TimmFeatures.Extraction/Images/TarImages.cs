using System.Formats.Tar;
using Backbones.Imaging;
using Microsoft.Win32.SafeHandles;

namespace TimmFeatures.Extraction.Images;

/// <summary>Images in a tar file, in its order. Entries are read where they lie, from several threads at once.</summary>
internal sealed class TarImages(string path) : IDisposable
{
    private readonly SafeFileHandle _file = File.OpenHandle(path);

    private string Path => path;

    /// <summary>All images. Links are the files that they lead to within the archive, as in a folder; one that leads nowhere is an image that cannot be read.</summary>
    /// <param name="name">The archive's name, which the entries' names follow.</param>
    public IEnumerable<ImageItem> Items(string name)
    {
        Member[] members = [.. Members()];
        var links = new TarLinks(members);
        foreach (Member member in members.Where(m => m.Type != TarEntryType.Directory && ImageNames.IsImage(m.Name)))
        {
            if (links.Follow(member) is { } file)
                yield return Item($"{name}/{member.Name}", file.Offset, file.Length);
            else
                yield return new UnreadableEntry($"{name}/{member.Name}", $"{path}/{member.Name}", member.IsLink ? $"It is a link to '{member.Target}', which leads to no file of the archive." : $"It is no file in the archive but an entry of the type {member.Type}.");
        }
    }

    /// <summary>One image.</summary>
    /// <param name="name">Its name in the output.</param>
    /// <param name="offset">Where it begins, in bytes.</param>
    /// <param name="length">Its length, in bytes.</param>
    public ImageItem Item(string name, long offset, long length) => new Entry(name, this, offset, length);

    public void Dispose() => _file.Dispose();

    private IEnumerable<Member> Members()
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        using var reader = new TarReader(stream);
        while (Next(reader) is { } entry)
        {
            var member = new Member(entry.Name, entry.EntryType, entry.LinkName, 0, 0);
            yield return member.IsFile ? member with { Offset = entry.DataOffset, Length = entry.Length } : member;
        }
    }

    /// <exception cref="InvalidDataException">The file is no tar archive, or is damaged.</exception>
    private TarEntry? Next(TarReader reader)
    {
        try
        {
            return reader.GetNextEntry();
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException or FormatException)
        {
            throw new InvalidDataException($"'{path}' is no tar archive, or is damaged: {e.Message}", e);
        }
    }

    /// <summary>An entry of the archive.</summary>
    /// <param name="Name">Its path.</param>
    /// <param name="Type">What it is.</param>
    /// <param name="Target">Where a link leads.</param>
    /// <param name="Offset">Where a file's bytes begin.</param>
    /// <param name="Length">How many they are.</param>
    internal readonly record struct Member(string Name, TarEntryType Type, string Target, long Offset, long Length)
    {
        public bool IsFile => Type is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile;

        public bool IsLink => Type is TarEntryType.HardLink or TarEntryType.SymbolicLink;
    }

    /// <summary>An entry with an image's name that has no bytes. Its path is one that no machine has, so that workers, too, find nothing there.</summary>
    private sealed class UnreadableEntry(string name, string file, string reason) : ImageItem(name)
    {
        public override ImageSource Source => new(file);

        public override void Apply(ImageTransform transform, Span<float> target, bool exif) => throw new InvalidDataException(reason);
    }

    private sealed class Entry(string name, TarImages tar, long offset, long length) : ImageItem(name)
    {
        public override ImageSource Source => new(tar.Path, Offset: offset, Length: length);

        public override void Apply(ImageTransform transform, Span<float> target, bool exif) => ArchiveEntry.Apply(length, Read, transform, target, exif);

        private void Read(Span<byte> bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                int read = RandomAccess.Read(tar._file, bytes[done..], offset + done);
                done += read > 0 ? read : throw new EndOfStreamException("The archive ends within the image.");
            }
        }
    }
}
