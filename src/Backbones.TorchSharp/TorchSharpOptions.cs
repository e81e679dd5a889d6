namespace Backbones.Engines.Torch;

/// <summary>Number format of weights and activations on the device. Inputs and outputs are float32 always.</summary>
public enum TorchPrecision
{
    /// <summary>32-bit float.</summary>
    Float32,

    /// <summary>16-bit IEEE float: half the memory, tensor cores; the relative error against float32 stays within 2e-2.</summary>
    Float16,

    /// <summary>16-bit float with float32's range and 8 bits of precision.</summary>
    BFloat16,
}

/// <summary>Where and how <see cref="TorchSharpEngine"/> computes.</summary>
public sealed record TorchSharpOptions
{
    /// <summary>
    /// <c>auto</c> (CUDA where it is there, else the CPU), <c>cpu</c>, <c>cuda</c> (the first GPU), <c>cuda:1</c> (one by number),
    /// <c>cuda:all</c> (a copy of the plan on every GPU; each run goes to the least busy one).
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>Number format on the device.</summary>
    public TorchPrecision Precision { get; init; }

    /// <summary>Lets float32 products on CUDA use TensorFloat-32 (10 bits of mantissa, several times faster). Holds for the whole process, as in PyTorch.</summary>
    public bool AllowTf32 { get; init; }

    /// <summary>Channels-last memory for maps; null chooses by the graph: for convolutional ones; on CUDA in half types only, and not for grouped convolutions.</summary>
    public bool? ChannelsLast { get; init; }

    /// <summary>Whether another engine or device may do the work when the one asked for is not there (ML.NET's <c>FallbackToCpu</c>). Off: an error says what is missing.</summary>
    public bool FallbackToCpu { get; init; }
}
