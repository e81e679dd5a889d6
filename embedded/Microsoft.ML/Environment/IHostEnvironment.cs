namespace Microsoft.ML.Runtime;

/// <summary>What a component gets from whoever runs it: a name, a source of randomness, channels for messages and progress.</summary>
public interface IHostEnvironment : IChannelProvider, IProgressChannelProvider
{
    /// <summary>The classes that can be created by name when a model is loaded.</summary>
    ComponentCatalog ComponentCatalog { get; }

    /// <summary>Makes the environment of a component.</summary>
    /// <param name="name">The component's name, put before its messages.</param>
    /// <param name="seed">Seed of its randomness; without one it is derived from the parent's.</param>
    /// <param name="verbose">Whether its messages are wanted in detail; without a value as the parent's.</param>
    IHost Register(string name, int? seed = null, bool? verbose = null);
}

/// <summary>The environment of one component.</summary>
public interface IHost : IHostEnvironment
{
    /// <summary>The component's own random generator. Not thread safe.</summary>
    Random Rand { get; }
}

/// <summary>What the environments of this library have beyond the public contract.</summary>
internal interface IHostEnvironmentInternal : IHostEnvironment
{
    int? Seed { get; }

    string TempFilePath { get; set; }

    bool FallbackToCpu { get; set; }

    int? GpuDeviceId { get; set; }

    bool TryAddOption<T>(string name, T value);

    void SetOption<T>(string name, T value);

    bool TryGetOption<T>(string name, out T value);

    T GetOptionOrDefault<T>(string name);

    bool RemoveOption(string name);
}

/// <summary>Work that can be told to stop.</summary>
internal interface ICancelable
{
    bool IsCanceled { get; }

    void CancelExecution();
}
