using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>An entry of a model that is being saved: where a component writes itself.</summary>
public sealed class ModelSaveContext : IDisposable
{
    internal readonly RepositoryWriter Repository;
    internal readonly string Directory;
    internal readonly BinaryWriter Writer;

    private readonly IExceptionContext _ectx;
    private readonly Stream _entry;
    private readonly long _start;
    private readonly List<string> _strings = [];
    private readonly Dictionary<string, int> _stringIds = [];
    private ModelHeader _header;
    private string _loaderAssemblyName;
    private bool _disposed;

    internal ModelSaveContext(RepositoryWriter repository, string directory, string name)
    {
        Repository = repository;
        Directory = directory;
        _ectx = repository.ExceptionContext;
        _entry = repository.CreateEntry(directory, name);
        Writer = new BinaryWriter(_entry, Encoding.UTF8, leaveOpen: true);
        _start = _entry.Position;
        _header = ModelHeader.BeginWrite(Writer);
    }

    /// <summary>Names the format and the loader. Must be called once, by every component.</summary>
    internal void SetVersionInfo(VersionInfo ver)
    {
        _header.SetVersionInfo(ver);
        _loaderAssemblyName = ver.LoaderAssemblyName;
    }

    /// <summary>Checks that nothing was written yet.</summary>
    internal void CheckAtModel() => _ectx.Check(Writer.BaseStream.Position == _start + ModelHeader.Size, "The entry isn't at its start.");

    /// <summary>Writes a string's number; the string itself goes into the entry's string table, once.</summary>
    internal void SaveString(string str)
    {
        _ectx.CheckValue(str, nameof(str));
        if (!_stringIds.TryGetValue(str, out int id))
        {
            _stringIds[str] = id = _strings.Count;
            _strings.Add(str);
        }
        Writer.Write(id);
    }

    internal void SaveNonEmptyString(string str)
    {
        _ectx.CheckParam(!string.IsNullOrEmpty(str), nameof(str));
        SaveString(str);
    }

    internal void SaveStringOrNull(string str)
    {
        if (str is null)
            Writer.Write(-1);
        else
            SaveString(str);
    }

    /// <summary>Saves a part into a directory of its own below this entry's; nothing where it is null.</summary>
    internal void SaveModel<T>(T value, string name) where T : class, ICanSaveModel => SaveModel(Repository, value, Path.Combine(Directory ?? "", name));

    internal static void SaveModel<T>(RepositoryWriter repository, T value, string path) where T : class, ICanSaveModel
    {
        if (value is null)
            return;
        using var ctx = new ModelSaveContext(repository, path, ModelLoadContext.ModelStreamName);
        value.Save(ctx);
        ctx.Done();
    }

    internal void Done()
    {
        _ectx.Check(_header.ModelSignature != 0, "ModelSignature not specified!");
        _header.EndWrite(Writer, _start, _strings, _loaderAssemblyName);
        Dispose();
    }

    /// <summary>Closes the entry.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Writer.Dispose();
        _entry.Dispose();
    }
}
