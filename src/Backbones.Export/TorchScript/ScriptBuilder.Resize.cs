using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <content>Interpolation.</content>
internal sealed partial class ScriptBuilder
{
    private string Resize(Node n, ResizeOp op)
    {
        string size = ScriptText.Integers(op.H, op.W), align = ScriptText.Truth(op.AlignCorners);
        return AsMaps(n, x => (op.Mode, op.Antialias) switch
        {
            (ResizeMode.Nearest, _) => Call("upsample_nearest2d", x, size),
            (ResizeMode.Bilinear, false) => Call("upsample_bilinear2d", x, size, align),
            (ResizeMode.Bilinear, true) => Call("_upsample_bilinear2d_aa", x, size, align),
            (ResizeMode.Bicubic, false) => Call("upsample_bicubic2d", x, size, align),
            (ResizeMode.Bicubic, true) => Call("_upsample_bicubic2d_aa", x, size, align),
            _ => throw new NotSupportedException($"The TorchScript exporter has no mapping for {op.Mode} interpolation (node '{n.Name}')."),
        });
    }
}
