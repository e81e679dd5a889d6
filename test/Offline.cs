using System.Runtime.CompilerServices;

/// <summary>Tests are offline: a name without weights on this machine is an error at once, in the programs that a test starts too.</summary>
internal static class Offline
{
    [ModuleInitializer]
    internal static void Set() => Environment.SetEnvironmentVariable("TIMM_FEATURES_OFFLINE", "1");
}
