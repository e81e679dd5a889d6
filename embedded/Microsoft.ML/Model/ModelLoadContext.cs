using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>The shape of what loads a component: a constructor or a static Create that takes (environment, context).</summary>
internal delegate void SignatureLoadModel(ModelLoadContext ctx);

/// <summary>An entry of a model that is being loaded: where a component reads itself.</summary>
internal sealed class ModelLoadContext : IDisposable
{
    public const string ModelStreamName = "Model.key";

    public readonly RepositoryReader Repository;
    public readonly string Directory;
    public readonly BinaryReader Reader;

    private readonly IExceptionContext _ectx;
    private readonly ModelHeader _header;
    private readonly long _start;
    private readonly string[] _strings;
    private readonly string _loaderAssemblyName;

    private ModelLoadContext(RepositoryReader repository, Stream entry, string directory)
    {
        Repository = repository;
        Directory = directory;
        _ectx = repository.ExceptionContext;
        Reader = new BinaryReader(entry, Encoding.UTF8, leaveOpen: true);
        _header = ModelHeader.BeginRead(Reader, out _start, out _strings, out _loaderAssemblyName);
    }

    /// <summary>Checks that nothing was read yet.</summary>
    public void CheckAtModel() => _ectx.Check(Reader.BaseStream.Position == _start + _header.FpModel, "The entry isn't at its start.");

    /// <summary>Checks that nothing was read yet, and that the format is known.</summary>
    public void CheckAtModel(VersionInfo ver)
    {
        CheckAtModel();
        CheckVersionInfo(ver);
    }

    public void CheckVersionInfo(VersionInfo ver) => _header.CheckVersionInfo(ver);

    public string LoadStringOrNull()
    {
        int id = Reader.ReadInt32();
        _ectx.CheckDecode(-1 <= id && id < _strings.Length, "There is no such string.");
        return id < 0 ? null : _strings[id];
    }

    public string LoadString()
    {
        string text = LoadStringOrNull();
        _ectx.CheckDecode(text is not null, "A string is missing.");
        return text;
    }

    public string LoadNonEmptyString()
    {
        string text = LoadString();
        _ectx.CheckDecode(text.Length > 0, "A string is empty.");
        return text;
    }

    /// <summary>Loads a part that was saved under a name.</summary>
    public void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra) where TRes : class
        => LoadModel<TRes, TSig>(env, out result, Repository, Path.Combine(Directory ?? "", name), extra);

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader repository, string directory, params object[] extra) where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out result, repository, directory, extra))
            throw env.ExceptDecode($"Corrupt model file: there is no '{directory}'");
    }

    public static bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader repository, string directory, params object[] extra) where TRes : class
    {
        env.CheckValue(repository, nameof(repository));
        result = null;
        using var entry = repository.OpenEntryOrNull(directory, ModelStreamName);
        if (entry is null)
            return false;
        using var ctx = new ModelLoadContext(repository, entry, directory);
        result = ctx.Create<TRes, TSig>(env, extra) ?? throw env.ExceptDecode(
            $"Couldn't load model: '{directory}'. No loadable class '{ctx._header.LoaderSignature}' that gives {typeof(TRes).Name} is registered by '{ctx._loaderAssemblyName}'.");
        return true;
    }

    public void Dispose() => Reader.Dispose();

    private TRes Create<TRes, TSig>(IHostEnvironment env, object[] extra) where TRes : class
    {
        if (!string.IsNullOrEmpty(_loaderAssemblyName))
            env.ComponentCatalog.RegisterAssembly(Assembly.Load(_loaderAssemblyName));
        object[] args = [this, .. extra];
        foreach (var name in new[] { _header.LoaderSignature.ToString(), _header.LoaderSignatureAlt.ToString() })
        {
            if (!string.IsNullOrWhiteSpace(name) && env.ComponentCatalog.TryCreateInstance(env, name, typeof(TSig), args) is TRes result)
            {
                _header.EndRead(Reader, _start);
                return result;
            }
        }
        return null;
    }
}
