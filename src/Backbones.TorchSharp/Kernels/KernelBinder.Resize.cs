using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <content>Interpolation.</content>
internal sealed partial class KernelBinder
{
    private Kernel Resize(ResizeOp op, Node node)
    {
        long[] size = [op.H, op.W];
        torch.InterpolationMode mode = op.Mode switch
        {
            ResizeMode.Nearest => torch.InterpolationMode.Nearest,
            ResizeMode.Bilinear => torch.InterpolationMode.Bilinear,
            ResizeMode.Bicubic => torch.InterpolationMode.Bicubic,
            _ => throw new NotSupportedException($"The TorchSharp engine has no mapping for {op.Mode} interpolation (node '{node.Name}')."),
        };
        bool? alignCorners = op.Mode == ResizeMode.Nearest ? null : op.AlignCorners;
        // The antialiased kernels exist for float32 alone on some devices.
        return AsMaps(node, t => op.Antialias ? InFloat32(t, Interpolate) : Interpolate(t));

        Tensor Interpolate(Tensor t) => F.interpolate(t, size, null, mode, alignCorners, false, op.Antialias);
    }
}
