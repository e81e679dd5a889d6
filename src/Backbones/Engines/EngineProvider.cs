using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Backbones.Engines;

/// <summary>An engine, the device that it was made for, and the number format to use it with.</summary>
/// <param name="Engine">What runs graphs.</param>
/// <param name="Device"><c>cpu</c>, or kind and number such as <c>cuda:0</c>.</param>
/// <param name="Precision">One that the engine has.</param>
public sealed record DeviceEngine(IEngine Engine, string Device, Precision Precision);

/// <summary>
/// The one place where a device's name becomes an engine: <c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>. The CPU's engine is built in;
/// others come from assemblies of their own, which are loaded when a device is asked for that needs them. Thread safe.
/// </summary>
public static class EngineProvider
{
    private const string Auto = "auto", Cpu = "cpu", Cuda = "cuda";

    /// <summary>The assembly that registers the CUDA engine when it is loaded.</summary>
    private const string CudaAssembly = "Backbones.TorchSharp";

    private static readonly ConcurrentDictionary<string, IEngineFactory> s_factories = new(StringComparer.OrdinalIgnoreCase);
    private static readonly DeviceEngine s_cpu = new(DefaultEngine.Instance, Cpu, Precision.Auto);
    private static readonly Lazy<string?> s_cudaProblem = new(LoadCuda);

    /// <summary>Makes a kind of device known. An assembly with engines calls this from its module initializer.</summary>
    /// <exception cref="ArgumentException">The kind is <c>auto</c>, <c>cpu</c> or not a word.</exception>
    internal static void Register(IEngineFactory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        string kind = factory.DeviceKind;
        if (string.IsNullOrEmpty(kind) || !kind.All(char.IsAsciiLetter) || kind.ToLowerInvariant() is Auto or Cpu)
            throw new ArgumentException($"A kind of device is a word of letters other than '{Auto}' and '{Cpu}'; received '{kind}'.", nameof(factory));
        s_factories[kind] = factory;
    }

    /// <summary>The engine for a device.</summary>
    /// <param name="device"><c>auto</c> (CUDA where its engine and a device are there, otherwise the CPU), <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <param name="precision">The number format to compute in.</param>
    /// <param name="fallbackToCpu">Where the device asked for cannot be had, or has no such number format, use the CPU in place of an error.</param>
    /// <param name="warn">Gets a sentence when that happened.</param>
    /// <exception cref="ArgumentException">The name is not a device's.</exception>
    /// <exception cref="NotSupportedException">There is no such device, no engine for it, or the engine has no such number format; the message says which.</exception>
    public static DeviceEngine For(string device, Precision precision = Precision.Auto, bool fallbackToCpu = false, Action<string>? warn = null)
    {
        (string kind, int index) = Parse(device);
        if (TryGet(kind, index, out DeviceEngine? found, out string? problem))
        {
            if (found.Engine.Supports(precision))
                return found with { Precision = precision };
            problem = $"the {found.Engine.Name} engine does not compute in {precision}";
        }
        if (!fallbackToCpu)
            throw new NotSupportedException($"Cannot run on device '{device}' in precision {precision}: {problem}. Use '{Cpu}' or '{Auto}' with {Precision.Auto}, or allow falling back to the CPU.");
        warn?.Invoke($"Running on the CPU in {Precision.Float32} in place of device '{device}' in precision {precision}: {problem}.");
        return s_cpu;
    }

    /// <summary>Makes sure that a device's name is well formed, without looking for the device.</summary>
    /// <exception cref="ArgumentException">The name is not a device's.</exception>
    public static void Check(string device) => Parse(device);

    private static (string Kind, int Index) Parse(string device)
    {
        const string valid = "Valid are 'auto', 'cpu', 'cuda' and 'cuda:N' with the device's number.";
        if (device is null)
            throw new ArgumentNullException(nameof(device), $"No device was named. {valid}");
        string[] parts = device.Split(':');
        string kind = parts[0].ToLowerInvariant();
        int index = 0;
        bool wellFormed = parts.Length switch
        {
            1 => true,
            2 => kind is not (Auto or Cpu) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out index),
            _ => false,
        };
        return wellFormed && (kind is Auto or Cpu or Cuda || s_factories.ContainsKey(kind)) ? (kind, index)
            : throw new ArgumentException($"'{device}' is not a device. {valid}", nameof(device));
    }

    private static bool TryGet(string kind, int index, [NotNullWhen(true)] out DeviceEngine? found, out string? problem)
    {
        problem = null;
        if (kind is not Cpu && TryCreate(kind is Auto ? Cuda : kind, index, out IEngine? engine, out problem))
            found = new DeviceEngine(engine, $"{(kind is Auto ? Cuda : kind)}:{index}", Precision.Auto);
        else
            found = kind is Cpu or Auto ? s_cpu : null;
        return found is not null;
    }

    private static bool TryCreate(string kind, int index, [NotNullWhen(true)] out IEngine? engine, [NotNullWhen(false)] out string? problem)
    {
        engine = null;
        problem = s_factories.ContainsKey(kind) ? null : s_cudaProblem.Value;
        if (s_factories.TryGetValue(kind, out IEngineFactory? factory))
            return factory.TryCreate(index, out engine, out problem);
        problem ??= $"{CudaAssembly} registered no engine for it";
        return false;
    }

    private static string? LoadCuda()
    {
        try
        {
            RuntimeHelpers.RunModuleConstructor(Assembly.Load(CudaAssembly).ManifestModule.ModuleHandle);
            return null;
        }
        catch (FileNotFoundException)
        {
            return $"the program has no {CudaAssembly}, which brings the CUDA engine";
        }
        catch (Exception e) when (e is FileLoadException or BadImageFormatException or TypeInitializationException)
        {
            return $"{CudaAssembly} cannot be loaded ({(e.InnerException ?? e).Message})";
        }
    }
}

/// <summary>The engine that is used when none is asked for.</summary>
internal static class DefaultEngine
{
    /// <summary>Runs on any CPU, without native libraries.</summary>
    public static IEngine Instance { get; } = new Managed.ManagedEngine();
}

/// <summary>Makes the engines for one kind of device. An assembly that brings such engines registers its factory with <see cref="EngineProvider.Register"/>.</summary>
internal interface IEngineFactory
{
    /// <summary>What a device of this kind is called before the colon: <c>cuda</c> of <c>cuda:1</c>.</summary>
    string DeviceKind { get; }

    /// <summary>An engine for one device.</summary>
    /// <param name="index">Number of the device, from 0.</param>
    /// <param name="engine">The engine, if there is such a device.</param>
    /// <param name="problem">Otherwise why not, as a clause: <c>the machine has 1 CUDA device</c>.</param>
    bool TryCreate(int index, [NotNullWhen(true)] out IEngine? engine, [NotNullWhen(false)] out string? problem);
}
