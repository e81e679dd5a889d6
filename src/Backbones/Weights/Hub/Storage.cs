namespace Backbones.Weights.Hub;

/// <summary>What can go wrong with the disk, said so that it helps.</summary>
internal static class Storage
{
    private const int NoSpaceOnUnix = 28, QuotaOnLinux = 122, QuotaOnMac = 69, NoSpaceOnWindows = unchecked((int)0x80070070), HandleFullOnWindows = unchecked((int)0x80070027);

    /// <summary>The HResult of a full disk.</summary>
    public static int FullDisk => OperatingSystem.IsWindows() ? NoSpaceOnWindows : NoSpaceOnUnix;

    /// <summary>Bytes that are free where a folder is, or will be; null where that is not known.</summary>
    public static long? FreeSpaceOf(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether an exception is the disk's, or the permission's to write to it.</summary>
    public static bool IsStorageError(Exception e) => e is UnauthorizedAccessException or IOException and not DownloadException;

    /// <param name="e">A storage error.</param>
    /// <param name="folder">Where was written to.</param>
    /// <param name="chooser">What chooses another folder.</param>
    public static DownloadException Explain(Exception e, string folder, string chooser) => new(DownloadFailure.Storage,
        (IsFull(e) ? $"The disk of '{folder}' is full" : $"'{folder}' cannot be written to") + $": {e.Message} {chooser} chooses another folder.", e);

    private static bool IsFull(Exception e) => e.HResult is NoSpaceOnWindows or HandleFullOnWindows
        || (!OperatingSystem.IsWindows() && (e.HResult == NoSpaceOnUnix || e.HResult == (OperatingSystem.IsMacOS() ? QuotaOnMac : QuotaOnLinux)));
}
