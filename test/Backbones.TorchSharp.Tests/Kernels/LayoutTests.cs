using Backbones.Graphs;

namespace Backbones.Tests.Torch.Kernels;

[TestClass]
public sealed class LayoutTests
{
    [TestMethod]
    public void ReshapePermuteSliceGatherRoll()
    {
        var b = new GraphBuilder([4, 6, 5]);
        Node permuted = b.Permute(b.Input, [2, 0, 1]);
        TorchComparison.Check(b.Build(
            b.Reshape(permuted, [10, 12]), permuted, b.Slice(b.Input, 1, 1, 2, 3), b.Slice(b.Input, -1, 2, 3),
            b.Gather(b.Input, 1, [5, 0, 0, 3]), b.Gather(b.Input, -1, [1]), b.Roll(b.Input, 1, 2), b.Roll(b.Input, 2, -3), b.Flatten(b.Input, 1)));
    }

    [TestMethod]
    public void ConcatRepeatsWhatHasNoBatch()
    {
        var b = new GraphBuilder([3, 4]);
        Node token = b.Parameter("cls_token", [1, 4]);
        TorchComparison.Check(b.Build(b.Concat(0, [token, b.Input]), b.Concat(-1, [b.Input, b.Input])), batch: 3);
    }

    [TestMethod]
    public void ExpandAddsDimensions()
    {
        var b = new GraphBuilder([4]);
        TorchComparison.Check(b.Build(b.Expand(b.Input, [3, 4]), b.Expand(b.Reshape(b.Input, [4, 1]), [4, 5])));
    }

    [TestMethod]
    public void AnOutputWithoutBatchIsRepeated()
    {
        var b = new GraphBuilder([4]);
        Node weight = b.Parameter("weight", [2, 3]);
        TorchComparison.Check(b.Build(b.Add(b.Input, b.Input), weight), batch: 3);
    }

    [TestMethod]
    [DataRow(PadMode.Constant)]
    [DataRow(PadMode.Reflect)]
    [DataRow(PadMode.Replicate)]
    public void BordersOfMapsAndOtherRanks(PadMode mode)
    {
        foreach (Shape shape in (Shape[])[[3, 5, 6], [5, 6], [2, 3, 5, 6]])
        {
            var b = new GraphBuilder(shape);
            TorchComparison.Check(b.Build(b.Pad2d(b.Input, new Padding(1, 2, 3, 0), mode, 0.5f)), what: $"{mode} {shape}");
        }
    }

    [TestMethod]
    public void ResizeInAllModes()
    {
        foreach (Shape shape in (Shape[])[[3, 7, 9], [7, 9]])
        {
            foreach ((int h, int w) in ((int, int)[])[(14, 11), (3, 4), (7, 9)])
            {
                var b = new GraphBuilder(shape);
                TorchComparison.Check(b.Build(
                    b.Resize(b.Input, h, w, ResizeMode.Nearest),
                    b.Resize(b.Input, h, w, ResizeMode.Bilinear), b.Resize(b.Input, h, w, ResizeMode.Bilinear, alignCorners: true), b.Resize(b.Input, h, w, ResizeMode.Bilinear, antialias: true),
                    b.Resize(b.Input, h, w, ResizeMode.Bicubic), b.Resize(b.Input, h, w, ResizeMode.Bicubic, alignCorners: true), b.Resize(b.Input, h, w, ResizeMode.Bicubic, antialias: true)), what: $"{shape} to {h}×{w}");
            }
        }
    }

    /// <summary>Sizes at which the rounded scale takes the pixel before the exact one.</summary>
    [TestMethod]
    public void NearestWhereItsScaleRounds()
    {
        var b = new GraphBuilder([1, 45, 2]);
        TorchComparison.Check(b.Build(b.Resize(b.Input, 87, 82, ResizeMode.Nearest)));
    }
}
