using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>The downsampling behind a convolution that gives its stride up for it.</summary>
public delegate Node AaLayer(GraphBuilder b, string name, Node x, int stride);

/// <summary>The anti-aliasing layers of <c>timm.layers.create_aa</c>.</summary>
public static class AntiAlias
{
    /// <summary>'avg': mean of stride × stride pixels.</summary>
    public static AaLayer Average { get; } = (b, name, x, stride) => b.AvgPool2d(name, x, stride);

    /// <summary>'blurpc': binomial filter over a map with a border of zeros.</summary>
    public static AaLayer BlurConstant { get; } = (b, name, x, stride) => BlurPool2d.Build(b, name, x, stride: stride, mode: PadMode.Constant);
}
