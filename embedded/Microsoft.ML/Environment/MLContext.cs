using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>The way in: catalogs of everything that can be made, and what all of it shares (randomness, log, devices).</summary>
public sealed class MLContext : IHostEnvironmentInternal
{
    private readonly LocalEnvironment _env;

    /// <summary>Creates a context.</summary>
    /// <param name="seed">Makes everything that is random repeatable.</param>
    public MLContext(int? seed = null)
    {
        _env = new LocalEnvironment(seed);
        _env.AddListener((source, message) => Log?.Invoke(this, new LoggingEventArgs(message.Message, message.Kind, source.FullName)));
        MulticlassClassification = new MulticlassClassificationCatalog(_env);
        Clustering = new ClusteringCatalog(_env);
        Transforms = new TransformsCatalog(_env);
        Model = new ModelOperationsCatalog(_env);
        Data = new DataOperationsCatalog(_env);
    }

    /// <summary>Messages of all components.</summary>
    public event EventHandler<LoggingEventArgs> Log;

    /// <summary>Training and evaluation of classifiers with two or more classes.</summary>
    public MulticlassClassificationCatalog MulticlassClassification { get; }

    /// <summary>Training and evaluation of clusterings.</summary>
    public ClusteringCatalog Clustering { get; }

    /// <summary>Transformations of columns.</summary>
    public TransformsCatalog Transforms { get; }

    /// <summary>Saving, loading and use of trained models.</summary>
    public ModelOperationsCatalog Model { get; }

    /// <summary>Loading and rearranging of data.</summary>
    public DataOperationsCatalog Data { get; }

    /// <summary>The classes that can be created by name when a model is loaded.</summary>
    public ComponentCatalog ComponentCatalog => _env.ComponentCatalog;

    /// <summary>Folder for temporary files.</summary>
    public string TempFilePath
    {
        get => _env.TempFilePath;
        set => _env.TempFilePath = value;
    }

    /// <summary>Whether a component that can't use the GPU asked for runs on the CPU instead of failing.</summary>
    public bool FallbackToCpu
    {
        get => _env.FallbackToCpu;
        set => _env.FallbackToCpu = value;
    }

    /// <summary>The GPU for components that can use one, or null.</summary>
    public int? GpuDeviceId
    {
        get => _env.GpuDeviceId;
        set => _env.GpuDeviceId = value;
    }

    int? IHostEnvironmentInternal.Seed => _env.Seed;

    string IExceptionContext.ContextDescription => _env.ContextDescription;

    /// <summary>Adds an option unless there is one of that name.</summary>
    public bool TryAddOption<T>(string name, T value) => _env.TryAddOption(name, value);

    /// <summary>Sets an option.</summary>
    public void SetOption<T>(string name, T value) => _env.SetOption(name, value);

    /// <summary>Finds an option of that name and type.</summary>
    public bool TryGetOption<T>(string name, out T value) => _env.TryGetOption(name, out value);

    /// <summary>Finds an option, or sets it to its type's default.</summary>
    public T GetOptionOrDefault<T>(string name) => _env.GetOptionOrDefault<T>(name);

    /// <summary>Removes an option.</summary>
    public bool RemoveOption(string name) => _env.RemoveOption(name);

    TException IExceptionContext.Process<TException>(TException ex) => _env.Process(ex);

    IHost IHostEnvironment.Register(string name, int? seed, bool? verbose) => _env.Register(name, seed, verbose);

    IChannel IChannelProvider.Start(string name) => _env.Start(name);

    IPipe<TMessage> IChannelProvider.StartPipe<TMessage>(string name) => _env.StartPipe<TMessage>(name);

    IProgressChannel IProgressChannelProvider.StartProgressChannel(string name) => _env.StartProgressChannel(name);

    /// <summary>Tells everything that runs in this context to stop; internal in the real package too, where AutoML calls it.</summary>
    internal void CancelExecution() => _env.CancelExecution();
}
