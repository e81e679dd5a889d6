using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// A zip archive that is being written. Several entries may be open at once (a component's and its parts'), which a zip doesn't allow,
/// so each goes to a temporary file first.
/// </summary>
internal sealed class RepositoryWriter : IDisposable
{
    private readonly ZipArchive _archive;
    private readonly HashSet<string> _names = [];

    private RepositoryWriter(Stream stream, IExceptionContext ectx)
    {
        ExceptionContext = ectx;
        _archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
    }

    public IExceptionContext ExceptionContext { get; }

    public static RepositoryWriter CreateNew(Stream stream, IExceptionContext ectx)
    {
        ectx.CheckValue(stream, nameof(stream));
        var repository = new RepositoryWriter(stream, ectx);
        using var writer = new StreamWriter(repository.CreateEntry("TrainingInfo", "Version.txt"));
        writer.WriteLine(typeof(RepositoryWriter).Assembly.GetName().Version);
        return repository;
    }

    /// <summary>Opens a new entry; it is added to the archive when it is disposed.</summary>
    public Stream CreateEntry(string directory, string name)
    {
        string path = RepositoryPath.Of(directory, name, ExceptionContext);
        if (!_names.Add(path))
            throw ExceptionContext.ExceptParam(nameof(name), $"Duplicate entry: '{path}'");
        return new Entry(this, path);
    }

    public void Dispose() => _archive.Dispose();

    private sealed class Entry(RepositoryWriter owner, string path) : DelegatingStream(RepositoryPath.OpenTemporaryFile(owner.ExceptionContext))
    {
        private bool _closed;

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_closed)
            {
                _closed = true;
                Inner.Position = 0;
                using (var target = owner._archive.CreateEntry(path).Open())
                    Inner.CopyTo(target);
                Inner.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
