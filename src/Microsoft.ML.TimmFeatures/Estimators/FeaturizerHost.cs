using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures;

/// <summary>
/// What the MLContext says: where messages go, which GPU, whether work was cancelled. ML.NET keeps most of it internal, so it is reached by
/// reflection; where a version of ML.NET has it otherwise, it counts as not said. Settings are read when they are used. Thread safe.
/// </summary>
internal sealed class FeaturizerHost(IHostEnvironment? environment)
{
    private const string Name = "TimmFeatures";

    private readonly PropertyInfo? _isCanceled = Property(environment, "ICancelable", "IsCanceled");

    /// <summary>The host behind a catalog.</summary>
    public static FeaturizerHost Of(TransformsCatalog catalog)
        => new(Property(catalog, "IInternalCatalog", "Environment")?.GetValue(catalog) as IHostEnvironment);

    /// <summary><see cref="MLContext.GpuDeviceId"/>.</summary>
    public int? GpuDeviceId => Property(environment, "IHostEnvironmentInternal", nameof(MLContext.GpuDeviceId))?.GetValue(environment) as int?;

    /// <summary><see cref="MLContext.FallbackToCpu"/>.</summary>
    public bool FallbackToCpu => Property(environment, "IHostEnvironmentInternal", nameof(MLContext.FallbackToCpu))?.GetValue(environment) is true;

    /// <summary>Whether the context's work was told to stop, as AutoML does when its time is over.</summary>
    public bool IsCanceled => _isCanceled?.GetValue(environment) is true;

    /// <summary>A channel for the messages of one pass over the data; null where nobody can listen.</summary>
    public IChannel? StartChannel() => environment?.Start(Name);

    /// <summary>Logs one warning.</summary>
    public void Warn(string message)
    {
        using IChannel? channel = StartChannel();
        channel?.Warning(MessageSensitivity.UserData, message);
    }

    private static PropertyInfo? Property(object? owner, string interfaceName, string name) => owner?.GetType()
        .GetInterfaces().FirstOrDefault(i => i.Name == interfaceName)?
        .GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
}
