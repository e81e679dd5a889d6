namespace Backbones.Engines.Torch;

/// <summary>PyTorch's channels-last layout, by the strides of a permuted copy: TorchSharp has no function that takes a memory format.</summary>
internal static class Layouts
{
    /// <summary>The same <c>[N, C, H, W]</c> tensor with channels next to each other in memory.</summary>
    public static Tensor ToChannelsLast(Tensor x, bool disposeSource)
    {
        using Tensor moved = x.permute(0, 2, 3, 1);
        using Tensor packed = moved.contiguous();
        if (disposeSource)
            x.Dispose();
        return packed.permute(0, 3, 1, 2);
    }
}
