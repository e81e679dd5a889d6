namespace Backbones.Engines;

/// <summary>The number format that an engine computes in. Inputs and outputs are float32 in any case.</summary>
public enum Precision
{
    /// <summary>What suits the device; float32 on a CPU.</summary>
    Auto,

    /// <summary>32-bit floating point: timm's numbers.</summary>
    Float32,

    /// <summary>16-bit floating point, for engines that have it.</summary>
    Float16,

    /// <summary>16-bit floating point with float32's range, for engines that have it.</summary>
    BFloat16,
}
