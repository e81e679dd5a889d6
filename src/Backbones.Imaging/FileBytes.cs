using System.Buffers;

namespace Backbones.Imaging;

/// <summary>A whole image file in rented memory.</summary>
internal sealed class FileBytes : IDisposable
{
    // Larger files are looked at before they are read.
    private const long SmallFile = 1 << 20;

    private readonly byte[] _bytes;
    private readonly int _length;

    private FileBytes(byte[] bytes, int length)
    {
        _bytes = bytes;
        _length = length;
    }

    /// <summary>The file.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, _length);

    /// <summary>Reads a file that may be an image; one that is none is not read to its end.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="fileName">What messages call the file.</param>
    /// <exception cref="InvalidDataException">The file is empty or not regular, or it is large and its beginning is not that of an image.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static FileBytes Read(string path, string? fileName)
    {
        using FileStream file = RegularFile.OpenRead(path, fileName);
        if (file.Length > SmallFile)
        {
            ImageHeader.Read(file, fileName: fileName);
        }

        if (file.Length > Array.MaxLength)
        {
            throw new InvalidDataException($"The file has {file.Length} bytes; at most {Array.MaxLength} can be read.");
        }

        int length = (int)file.Length;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            file.ReadExactly(bytes, 0, length);
            return new FileBytes(bytes, length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(bytes);
            throw;
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
}

/// <summary>Opens regular files and nothing else: opening a pipe or a device can wait for ever, and what waits cannot be cancelled.</summary>
internal static class RegularFile
{
    /// <summary>Opens a file that has contents.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="fileName">What messages call the file; null for no name.</param>
    /// <exception cref="InvalidDataException">It is a folder, has no contents, or is a pipe or a device.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static FileStream OpenRead(string path, string? fileName = null)
    {
        string name = fileName is null ? "The file" : $"The file '{fileName}'";
        if (Directory.Exists(path))
        {
            throw new InvalidDataException($"{name} is a folder.");
        }

        // Systems give pipes and devices no length; a link has that of its own text.
        var file = new FileInfo(path);
        FileSystemInfo target = file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
        if (((FileInfo)target).Length == 0)
        {
            throw new InvalidDataException($"{name} is empty (0 bytes), or it is a pipe or a device.");
        }

        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
    }
}
