namespace Backbones.Detection.Tests;

/// <summary>A file's name that is free, and the file's end.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");

    /// <summary>Whether this process has it mapped or open.</summary>
    public bool IsOpen => OperatingSystem.IsLinux() ? File.ReadLines("/proc/self/maps").Any(l => l.EndsWith(Path, StringComparison.Ordinal)) : !CanBeMoved();

    public void Dispose() => File.Delete(Path);

    private bool CanBeMoved()
    {
        try
        {
            File.Move(Path, Path + ".moved");
            File.Move(Path + ".moved", Path);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
