namespace Backbones.Engines.Torch;

/// <summary>Where and how <see cref="TorchSharpEngine"/> computes.</summary>
public sealed record TorchSharpOptions
{
    /// <summary>
    /// <c>auto</c> (CUDA where it is there, else the CPU), <c>cpu</c>, <c>cuda</c> (the first GPU), <c>cuda:1</c> (one by number),
    /// <c>cuda:all</c> (a copy of the plan on every GPU; each run goes to the least busy one).
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>Lets float32 products on CUDA use TensorFloat-32 (10 bits of mantissa, several times faster). Holds for the whole process, as in PyTorch.</summary>
    public bool AllowTf32 { get; init; }

    /// <summary>Channels-last memory for maps; null chooses by the graph: for convolutional ones; on CUDA in half types only, and not for grouped convolutions.</summary>
    public bool? ChannelsLast { get; init; }
}
