using Backbones.Graphs;

namespace Backbones.Tests.Torch.Kernels;

[TestClass]
public sealed class NormalizationTests
{
    [TestMethod]
    public void BatchNormOfMapsVectorsAndTokens()
    {
        foreach ((Shape shape, int axis) in ((Shape, int)[])[([6, 4, 5], 0), ([6], 0), ([7, 6], -1), ([7, 6], 0)])
        {
            var b = new GraphBuilder(shape);
            TorchComparison.Check(b.Build(b.BatchNorm("bn", b.Input, axis: axis), b.BatchNorm("plain", b.Input, affine: false, axis: axis)), what: $"{shape}, axis {axis}");
        }
    }

    [TestMethod]
    public void LayerNormOfTokensAndMaps()
    {
        foreach ((Shape shape, int axis) in ((Shape, int)[])[([5, 8], -1), ([8, 3, 4], 0), ([2, 5, 8], 1), ([8], -1)])
        {
            var b = new GraphBuilder(shape);
            TorchComparison.Check(b.Build(b.LayerNorm("norm", b.Input, 1e-6f, axis), b.LayerNorm("plain", b.Input, axis: axis, affine: false)), what: $"{shape}, axis {axis}");
        }
    }

    [TestMethod]
    public void RmsNormWithAndWithoutCentre()
    {
        foreach (bool centered in (bool[])[false, true])
        {
            foreach ((Shape shape, int axis) in ((Shape, int)[])[([5, 8], -1), ([8, 3, 4], 0)])
            {
                var b = new GraphBuilder(shape);
                TorchComparison.Check(b.Build(b.RmsNorm("norm", b.Input, axis: axis, centered: centered), b.RmsNorm("plain", b.Input, axis: axis, affine: false, centered: centered)), what: $"{shape}, {centered}");
            }
        }
    }

    [TestMethod]
    public void GroupNormOfMapsAndVectors()
    {
        foreach (Shape shape in (Shape[])[[8, 5, 3], [8]])
        {
            var b = new GraphBuilder(shape);
            TorchComparison.Check(b.Build(b.GroupNorm("norm", b.Input, 2)));
        }
    }
}
