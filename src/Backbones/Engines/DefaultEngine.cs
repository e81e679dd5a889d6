namespace Backbones.Engines;

/// <summary>The engine that is used when none is asked for.</summary>
public static class DefaultEngine
{
    /// <summary>Runs on any CPU, without native libraries.</summary>
    public static IEngine Instance { get; } = new Managed.ManagedEngine();
}
