using System.Buffers;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Backbones.Tests.Engines;

/// <summary>
/// Floats between two pages that must not be touched: one access beyond either end ends the process. Where the system has no mmap as Linux has it,
/// plain memory.
/// </summary>
internal sealed unsafe class GuardedMemory : MemoryManager<float>
{
    private const int NoAccess = 0, ReadWrite = 3, Private = 2, Anonymous = 0x20;

    private readonly int _length;
    private readonly nuint _mapped;
    private readonly byte* _region;
    private readonly float* _first;

    /// <param name="length">Number of floats.</param>
    /// <param name="atEnd">Whether the last one lies right before the second guard page; otherwise the first lies right after the first.</param>
    public GuardedMemory(int length, bool atEnd)
    {
        _length = length;
        nuint page = (nuint)Environment.SystemPageSize, bytes = (nuint)length * sizeof(float), inner = (bytes + page - 1) / page * page;
        if (!OperatingSystem.IsLinux())
        {
            _region = (byte*)NativeMemory.AllocZeroed(bytes);
            _first = (float*)_region;
            return;
        }
        _mapped = inner + 2 * page;
        nint region = Map(0, _mapped, NoAccess, Private | Anonymous, -1, 0);
        if (region == -1 || Protect(region + (nint)page, inner, ReadWrite) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        _region = (byte*)region;
        _first = (float*)(_region + page + (atEnd ? inner - bytes : 0));
    }

    public override Span<float> GetSpan() => new(_first, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_first + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (_mapped == 0)
            NativeMemory.Free(_region);
        else
            _ = Unmap((nint)_region, _mapped);
    }

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static extern nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static extern int Protect(nint address, nuint length, int protection);

    [DllImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static extern int Unmap(nint address, nuint length);
}
