using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.SelectiveKernel: two 3×3 convolutions of different dilation, each channel a mixture of both by attention.
/// Paper: Selective Kernel Networks, https://arxiv.org/abs/1903.06586
/// </summary>
internal static class SelectiveKernel
{
    private const int Paths = 2;

    /// <summary>x <c>[C, H, W]</c> → <c>[outChannels, H/stride, W/stride]</c>.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="name">Module name.</param>
    /// <param name="x">The map.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="attentionChannels">Width of the attention's hidden layer.</param>
    /// <param name="splitInput">Each path gets its half of the channels, not all of them.</param>
    /// <param name="stride">Stride.</param>
    /// <param name="dilation">Dilation of the first path; the second has twice that.</param>
    /// <param name="groups">Groups.</param>
    public static Node Build(GraphBuilder b, string name, Node x, int outChannels, int attentionChannels, bool splitInput = true, int stride = 1, int dilation = 1, int groups = 1)
    {
        int half = x.Shape[0] / Paths;
        using (b.Scope(name))
        {
            var paths = new Node[Paths];
            for (int i = 0; i < Paths; i++)
            {
                Node part = splitInput ? b.Slice(x, 0, i * half, half) : x;
                paths[i] = ConvNormAct.Build(b, $"paths.{i}", part, outChannels, 3, NormActs.BatchNorm, UnaryKind.Relu, stride, dilation * (i + 1), groups);
            }
            x = b.Reshape(b.Concat(0, paths, "#cat"), [Paths, .. paths[0].Shape], "stack");
            x = b.Multiply(x, Attention(b, x, attentionChannels));
            return b.Reduce(x, ReduceKind.Sum, [0]);
        }
    }

    /// <summary>timm.layers.SelectiveKernelAttn: the paths' shares <c>[paths, C, 1, 1]</c>.</summary>
    private static Node Attention(GraphBuilder b, Node x, int hidden)
    {
        int channels = x.Shape[1];
        using (b.Scope("attn"))
        {
            x = b.Reduce(b.Reduce(x, ReduceKind.Sum, [0]), ReduceKind.Mean, [1, 2], keepDims: true);
            x = b.Act("act", b.BatchNorm("bn", b.Conv2d("fc_reduce", x, hidden, 1)), UnaryKind.Relu);
            x = b.Conv2d("fc_select", x, channels * Paths, 1);
            return b.Softmax(b.Reshape(x, [Paths, channels, 1, 1], "view"), 0);
        }
    }
}
