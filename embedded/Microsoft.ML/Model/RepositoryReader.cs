using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>A zip archive that is being read. Models seek, which a zip's entries can't, so each is unpacked into a temporary file first.</summary>
internal sealed class RepositoryReader : IDisposable
{
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];

    private RepositoryReader(Stream stream, IExceptionContext ectx)
    {
        ExceptionContext = ectx;
        try
        {
            _archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            foreach (var entry in _archive.Entries)
                _entries[entry.FullName.Replace('\\', '/')] = entry;
        }
        catch (Exception ex)
        {
            throw ectx.ExceptDecode(ex, "Failed to open a zip archive");
        }
    }

    public IExceptionContext ExceptionContext { get; }

    public static RepositoryReader Open(Stream stream, IExceptionContext ectx)
    {
        ectx.CheckValue(stream, nameof(stream));
        return new RepositoryReader(stream, ectx);
    }

    /// <summary>Opens an entry, or returns null where there is none.</summary>
    public Stream OpenEntryOrNull(string directory, string name)
    {
        if (!_entries.TryGetValue(RepositoryPath.Of(directory, name, ExceptionContext), out var entry))
            return null;
        var file = RepositoryPath.OpenTemporaryFile(ExceptionContext);
        try
        {
            using var source = entry.Open();
            source.CopyTo(file);
            file.Position = 0;
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _archive.Dispose();
}
