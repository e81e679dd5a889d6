using System.Collections.Immutable;
using System.Diagnostics;
using System.Reflection;
using Backbones.Engines;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures;

/// <summary>
/// What the MLContext says: where messages go, which GPU, whether work was cancelled. ML.NET keeps most of it internal, so it is reached by
/// reflection; where a version of ML.NET has it otherwise, it counts as not said, and <see cref="WarnOfMissing"/> says so. Settings are read when they are used. Thread safe.
/// </summary>
internal sealed class FeaturizerHost
{
    private const string Name = "TimmFeatures";

    private readonly IHostEnvironment? _environment;
    private readonly PropertyInfo? _gpuDeviceId, _fallbackToCpu, _isCanceled;

    /// <param name="environment">Null where there is none: nothing is logged, and nothing said.</param>
    public FeaturizerHost(IHostEnvironment? environment)
    {
        _environment = environment;
        var missing = ImmutableArray.CreateBuilder<string>();
        _gpuDeviceId = Find("IHostEnvironmentInternal", nameof(MLContext.GpuDeviceId));
        _fallbackToCpu = Find("IHostEnvironmentInternal", nameof(MLContext.FallbackToCpu));
        _isCanceled = Find("ICancelable", "IsCanceled");
        Missing = missing.ToImmutable();

        PropertyInfo? Find(string interfaceName, string name)
        {
            PropertyInfo? found = Property(environment, interfaceName, name);
            if (found is null)
                missing.Add($"{interfaceName}.{name}");
            return found;
        }
    }

    /// <summary>Which of ML.NET's internals were not found.</summary>
    public ImmutableArray<string> Missing { get; }

    /// <summary>The host behind a catalog.</summary>
    public static FeaturizerHost Of(TransformsCatalog catalog)
        => new(Property(catalog, "IInternalCatalog", "Environment")?.GetValue(catalog) as IHostEnvironment);

    /// <summary>Whether the context's work was told to stop, as AutoML does when its time is over.</summary>
    public bool IsCanceled => _isCanceled?.GetValue(_environment) is true;

    /// <summary>The engine for the device that the options ask for, or the context where they leave it open.</summary>
    /// <param name="options">Device and number format.</param>
    /// <param name="warn">Gets a sentence where it is the CPU in place of the device asked for.</param>
    /// <exception cref="NotSupportedException">The device or number format is not there.</exception>
    public DeviceEngine EngineFor(FeaturizerOptions options, Action<string>? warn)
    {
        bool isOpen = options.Device.Equals("auto", StringComparison.OrdinalIgnoreCase);
        string device = isOpen && _gpuDeviceId?.GetValue(_environment) is int gpu ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"cuda:{gpu}") : options.Device;
        return EngineProvider.For(device, options.Precision, _fallbackToCpu?.GetValue(_environment) is true, warn);
    }

    /// <summary>A channel for the messages of one pass over the data; null where nobody can listen.</summary>
    public IChannel? StartChannel() => _environment?.Start(Name);

    /// <summary>Logs one warning.</summary>
    public void Warn(string message)
    {
        using IChannel? channel = StartChannel();
        channel?.Warning(MessageSensitivity.UserData, message);
    }

    /// <summary>Logs one error.</summary>
    public void Error(string message)
    {
        using IChannel? channel = StartChannel();
        channel?.Error(MessageSensitivity.UserData, message);
    }

    /// <summary>Logs what this version of ML.NET does not let us know, if anything: the settings are then without effect.</summary>
    public void WarnOfMissing()
    {
        if (Missing.IsEmpty)
            return;
        string message = $"Microsoft.ML {typeof(MLContext).Assembly.GetName().Version} has no {string.Join(", ", Missing)}: these settings of the MLContext have no effect on TimmFeatures.";
        Warn(message);
        if (_environment is null)
            Trace.TraceWarning(message);
    }

    private static PropertyInfo? Property(object? owner, string interfaceName, string name) => owner?.GetType()
        .GetInterfaces().FirstOrDefault(i => i.Name == interfaceName)?
        .GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
}
