using System.Diagnostics.CodeAnalysis;

namespace Backbones.Engines;

/// <summary>Makes the engines for one kind of device. An assembly that brings such engines registers its factory with <see cref="EngineProvider.Register"/>.</summary>
public interface IEngineFactory
{
    /// <summary>What a device of this kind is called before the colon: <c>cuda</c> of <c>cuda:1</c>.</summary>
    string DeviceKind { get; }

    /// <summary>An engine for one device.</summary>
    /// <param name="index">Number of the device, from 0.</param>
    /// <param name="engine">The engine, if there is such a device.</param>
    /// <param name="problem">Otherwise why not, as a clause: <c>the machine has 1 CUDA device</c>.</param>
    bool TryCreate(int index, [NotNullWhen(true)] out IEngine? engine, [NotNullWhen(false)] out string? problem);
}
