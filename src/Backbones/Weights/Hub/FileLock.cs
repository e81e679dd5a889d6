namespace Backbones.Weights.Hub;

/// <summary>A lock between processes, Python's too: a file that is held by one at a time (flock on Unix, exclusive sharing on Windows), as the package filelock does it.
/// It saves traffic. That files are right does not depend on it: some network drives grant every lock.</summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, when nobody else has it any more.</summary>
    /// <param name="path">The file. It stays when the lock is released.</param>
    /// <param name="clock">Waits between tries.</param>
    /// <param name="waiting">Called once if the lock is taken.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static async Task<FileLock> AcquireAsync(string path, TimeProvider clock, Action waiting, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode ReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
            options.UnixCreateMode = ReadWrite | UnixFileMode.OtherRead; // a group may share a cache
        }
        for (bool first = true; ; first = false)
        {
            if (TryOpen(path, options) is { } file)
            {
                // Who releases a lock may delete the file: then what is held here is no lock any more.
                if (File.Exists(path))
                {
                    return new FileLock(file);
                }
                file.Dispose();
                continue;
            }
            if (first)
            {
                waiting();
            }
            await Task.Delay(Interval, clock, cancellation).ConfigureAwait(false);
        }
    }

    public void Dispose() => _file.Dispose();

    private static FileStream? TryOpen(string path, FileStreamOptions options)
    {
        try
        {
            return new FileStream(path, options);
        }
        catch (IOException e) when (IsHeld(e))
        {
            return null;
        }
    }

    /// <summary>EWOULDBLOCK, or Windows' violations of sharing and of a locked region.</summary>
    private static bool IsHeld(IOException e)
        => OperatingSystem.IsWindows() ? (e.HResult & 0xFFFF) is 32 or 33 : e.HResult == (OperatingSystem.IsMacOS() ? 35 : 11);
}
