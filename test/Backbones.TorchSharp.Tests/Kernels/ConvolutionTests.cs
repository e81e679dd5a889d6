using Backbones.Graphs;

namespace Backbones.Tests.Torch.Kernels;

[TestClass]
public sealed class ConvolutionTests
{
    [TestMethod]
    [DataRow(3, 8, 3, 1, 1, 1, 1, DisplayName = "3×3")]
    [DataRow(3, 8, 7, 2, 3, 1, 1, DisplayName = "7×7 stride 2")]
    [DataRow(8, 8, 3, 1, 1, 1, 8, DisplayName = "depthwise")]
    [DataRow(8, 12, 3, 2, 1, 1, 4, DisplayName = "grouped")]
    [DataRow(4, 6, 3, 1, 2, 2, 1, DisplayName = "dilated")]
    [DataRow(6, 10, 1, 1, 0, 1, 1, DisplayName = "pointwise")]
    public void MatchesReference(int channels, int outChannels, int kernel, int stride, int padding, int dilation, int groups)
    {
        foreach (bool bias in (bool[])[false, true])
        {
            var b = new GraphBuilder([channels, 13, 12]);
            TorchComparison.Check(b.Build(b.Conv2d("conv", b.Input, outChannels, kernel, stride, padding, dilation, groups, bias)));
        }
    }

    [TestMethod]
    public void PaddingThatDiffersBySide()
    {
        var b = new GraphBuilder([3, 10, 11]);
        TorchComparison.Check(b.Build(b.Conv2d("conv", b.Input, 5, 3, 2, new Padding(0, 1, 1, 2))));
    }

    [TestMethod]
    public void BatchNormResidualAndActivationFollowEachConvolution()
    {
        foreach (UnaryKind kind in (UnaryKind[])[UnaryKind.Relu, UnaryKind.Gelu, UnaryKind.GeluTanh, UnaryKind.Mish, UnaryKind.HardMish, UnaryKind.QuickGelu])
        {
            var b = new GraphBuilder([3, 9, 9]);
            Node x = b.Act("act0", b.BatchNorm("bn0", b.Conv2d("conv0", b.Input, 6, 3, padding: 1)), kind);
            Node y = b.Act("act1", b.Add(b.BatchNorm("bn1", b.Conv2d("conv1", x, 6, 3, padding: 1)), x), kind);
            Node z = b.Add(b.Conv2d("conv2", y, 6, 1, bias: true), x);
            TorchComparison.Check(b.Build(z, y, x), what: $"{kind}");
        }
    }

    [TestMethod]
    public void LinearLayersOverVectorsAndTokens()
    {
        foreach (Shape shape in (Shape[])[[12], [5, 12], [2, 5, 12]])
        {
            var b = new GraphBuilder(shape);
            Node x = b.Act("act", b.Linear("fc1", b.Input, 12), UnaryKind.Gelu);
            TorchComparison.Check(b.Build(b.Add(b.Linear("fc2", x, 12, bias: false), b.Input), x));
        }
    }
}
