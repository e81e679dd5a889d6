using System.Runtime.InteropServices;

namespace Backbones.Engines.Managed;

/// <summary>Memory in pages of 2 MB, which Linux gives to programs that ask for it.</summary>
internal static unsafe partial class HugePages
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 2 << 20;

    private const int ReadWrite = 0x1 | 0x2;
    private const int PrivateAnonymous = 0x2 | 0x20;
    private const int AdviseHugePages = 14;
    private const nint Failed = -1;

    /// <summary>Whether this system can be asked. It may still answer with small pages.</summary>
    public static bool CanBeAskedFor { get; } = OperatingSystem.IsLinux();

    /// <summary>Zeroed memory that begins on a page.</summary>
    /// <param name="bytes">Whole pages.</param>
    /// <param name="mapping">What <see cref="Free"/> takes.</param>
    /// <exception cref="OutOfMemoryException">The memory cannot be had.</exception>
    public static byte* Allocate(nuint bytes, out nint mapping)
    {
        // What is never touched costs nothing: a page more, to begin on a page.
        mapping = Map(0, bytes + PageBytes, ReadWrite, PrivateAnonymous, -1, 0);
        if (mapping == Failed)
            throw new OutOfMemoryException($"The system has no {bytes} bytes of memory (error {Marshal.GetLastPInvokeError()}).");
        nuint start = ((nuint)mapping + PageBytes - 1) / PageBytes * PageBytes;
        // Advice, so its failure (a system built without huge pages) changes nothing but the speed.
        _ = Advise((nint)start, bytes, AdviseHugePages);
        return (byte*)start;
    }

    /// <summary>Gives back what <see cref="Allocate"/> got for so many bytes.</summary>
    public static void Free(nint mapping, nuint bytes) => _ = Unmap(mapping, bytes + PageBytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
