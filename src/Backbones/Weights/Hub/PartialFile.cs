using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;

namespace Backbones.Weights.Hub;

/// <summary>
/// A file on its way: <c>NAME.TAG.incomplete</c> beside its destination, renamed when it is whole and checked. The tag, 32 hexadecimal digits, says which
/// machine and process write it, so that a process that was killed leaves something to go on with, and nobody takes a living one's file. (Python's has 8 digits.)
/// </summary>
internal sealed class PartialFile : IDisposable
{
    private const string Extension = ".incomplete";
    private const int TagLength = 32;

    private static readonly string Machine = XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(Environment.MachineName)).ToString("x8", CultureInfo.InvariantCulture);

    private readonly string _path;
    private readonly FileStream _file;
    private readonly bool _resumable;

    private PartialFile(string path, bool resumable)
    {
        _path = path;
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        _file.Position = _file.Length;
        _resumable = resumable;
    }

    /// <summary>Bytes that are there.</summary>
    public long Length => _file.Length;

    /// <summary>Where it is.</summary>
    public string Folder => Path.GetDirectoryName(_path)!;

    /// <summary>Opens what a dead process of this machine left of a file, or an empty one.</summary>
    /// <param name="destination">The file that it will be.</param>
    /// <param name="resumable">Whether what was left can be gone on with: only a hash shows that it belongs to the same file.</param>
    public static PartialFile Open(string destination, bool resumable)
    {
        string path = NewPath(destination);
        FileInfo[] left = [.. new DirectoryInfo(Path.GetDirectoryName(destination)!).EnumerateFiles()
            .Where(f => IsLeftBehind(f, Path.GetFileName(destination))).OrderByDescending(f => f.Length)];
        for (int i = 0; i < left.Length; i++)
        {
            if (i == 0 && resumable)
            {
                left[i].MoveTo(path); // it is taken by renaming, which one process alone can do
            }
            else
            {
                left[i].Delete();
            }
        }
        return new PartialFile(path, resumable);
    }

    public void Write(ReadOnlySpan<byte> bytes) => _file.Write(bytes);

    /// <summary>Forgets what is there.</summary>
    public void Clear() => _file.SetLength(0);

    /// <summary>The hash of what is on the disk, not of what was meant to be written.</summary>
    public string HashOf(ContentHash hash) => hash.Of(_file);

    /// <summary>Puts the file, which is whole, in its place.</summary>
    public void MoveTo(string destination)
    {
        _file.Flush(flushToDisk: true); // a crash of the machine must not leave the name without the bytes
        _file.Dispose();
        try
        {
            File.Move(_path, destination, overwrite: true);
        }
        catch (Exception e) when (Storage.IsStorageError(e) && File.Exists(destination))
        {
            File.Delete(_path); // Windows: another process has put the same file there, and uses it
        }
    }

    /// <summary>Deletes the file where it was not moved, unless it can be gone on with later.</summary>
    public void Dispose()
    {
        bool isOpen = _file.CanRead, keep = isOpen && _resumable && _file.Length > 0;
        _file.Dispose();
        if (isOpen && !keep)
        {
            Delete();
        }
    }

    /// <summary>Gives the space back.</summary>
    public void Delete()
    {
        _file.Dispose();
        File.Delete(_path);
    }

    private static string NewPath(string destination) => $"{destination}.{Machine}{Environment.ProcessId:x8}{RandomNumberGenerator.GetHexString(16, lowercase: true)}{Extension}";

    private static bool IsLeftBehind(FileInfo file, string name)
    {
        if (file.Name.Length != name.Length + 1 + TagLength + Extension.Length || !file.Name.StartsWith(name + ".", StringComparison.Ordinal)
            || !file.Name.EndsWith(Extension, StringComparison.Ordinal))
        {
            return false;
        }
        ReadOnlySpan<char> tag = file.Name.AsSpan(name.Length + 1, TagLength);
        return tag.StartsWith(Machine, StringComparison.Ordinal)
            && int.TryParse(tag[8..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int process) && !IsAlive(process) && !IsInUse(file);
    }

    /// <summary>Whether another process of that number runs. In a container all have the same one: it is ours or a dead one's.</summary>
    private static bool IsAlive(int process)
    {
        if (process == Environment.ProcessId)
        {
            return false;
        }
        try
        {
            using Process other = Process.GetProcessById(process);
            return !other.HasExited;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return true; // another user's
        }
    }

    private static bool IsInUse(FileInfo file)
    {
        try
        {
            file.Open(FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            return false;
        }
        catch (Exception e) when (Storage.IsStorageError(e))
        {
            return true;
        }
    }
}
