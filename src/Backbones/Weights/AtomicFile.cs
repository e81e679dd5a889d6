namespace Backbones.Weights;

/// <summary>Writes files whole or not at all: into a temporary file beside, flushed to the disk, then renamed. What was there before stays until the new file is complete.</summary>
/// <remarks>A process that is killed leaves at most a file <c>NAME.XXXXXXXX.tmp</c>. A link is followed: its target is replaced. The file keeps its permissions.</remarks>
internal static class AtomicFile
{
    /// <summary>Writes a file, replacing an existing one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its content; whatever it throws leaves everything as it was.</param>
    /// <exception cref="DirectoryNotFoundException">The folder that it is to be in is not there.</exception>
    /// <exception cref="IOException">The disk is full or fails; or the file cannot be replaced, as on Windows while it is mapped.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        FileInfo file = new(path);
        string target = file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        if (Directory.Exists(target))
            throw new UnauthorizedAccessException($"'{path}' is a folder; expected the name of a file to write.");
        if (target.StartsWith("/dev/", StringComparison.Ordinal) && File.Exists(target))
        {
            // A device or a pipe is written to; a file in its place would be another thing.
            using FileStream device = new(target, FileMode.Open, FileAccess.Write);
            write(device);
            return;
        }
        if (Path.GetDirectoryName(target) is { } folder && !Directory.Exists(folder))
            throw new DirectoryNotFoundException($"'{path}' cannot be written: there is no folder '{folder}'.");
        string temporary = $"{target}.{Guid.NewGuid().ToString("N")[..8]}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            if (!OperatingSystem.IsWindows() && File.Exists(target))
                File.SetUnixFileMode(temporary, File.GetUnixFileMode(target));
            Replace(temporary, target);
        }
        catch (Exception e)
        {
            TryDelete(temporary);
            // What .NET makes of a file that is larger than the file system or the user's limit takes.
            if (e is ArgumentOutOfRangeException { ParamName: "value" })
                throw new IOException($"'{path}' would be larger than the file system or the limit of the process allows.", e);
            throw;
        }
    }

    /// <summary>Makes the folder that a file is to be in, and refuses names that no file can have: before the work that the file is for.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">A folder has that name, or a file that of a folder above it; or the folder cannot be made.</exception>
    public static void MakeFolderOf(string path)
    {
        if (Directory.Exists(path))
            throw new IOException($"'{path}' is a folder; expected the name of a file to write.");
        string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
        for (string? above = folder; above is not null && !Directory.Exists(above); above = Path.GetDirectoryName(above))
        {
            if (File.Exists(above))
                throw new IOException($"'{path}' cannot be written: '{above}' is a file, not a folder.");
        }
        if (folder is not null)
            Directory.CreateDirectory(folder);
    }

    private static void Replace(string temporary, string target)
    {
        try
        {
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception e) when (OperatingSystem.IsWindows() && e is IOException or UnauthorizedAccessException && File.Exists(target))
        {
            throw new IOException($"'{target}' cannot be replaced: it is in use, perhaps as the weights of an open model, which stay mapped until the last user of them is gone. Write to another name.", e);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What went wrong before is what the caller must hear of.
        }
    }
}
