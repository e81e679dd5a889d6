using Backbones.Graphs;

namespace Backbones.Tests.Torch.Kernels;

[TestClass]
public sealed class PoolingTests
{
    private static readonly (Size2 Kernel, Size2 Stride, Padding Padding)[] Windows =
    [
        (2, 2, 0), (3, 2, 1), ((3, 2), (1, 2), (1, 0)), (3, 2, new Padding(0, 1, 1, 1)), (3, 3, new Padding(2, 0, 1, 2)), (2, 2, (1, 1)), (3, 2, new Padding(0, 0, 1, 1)),
    ];

    [TestMethod]
    public void MaxPoolOverEveryKindOfBorder()
    {
        foreach ((Size2 kernel, Size2 stride, Padding padding) in Windows)
        {
            foreach (bool ceil in (bool[])[false, true])
            {
                var b = new GraphBuilder([3, 8, 11]);
                TorchComparison.Check(b.Build(b.MaxPool2d("pool", b.Input, kernel, stride, padding, ceilMode: ceil)), what: $"{kernel} {stride} {padding} ceil {ceil}");
            }
        }
        var dilated = new GraphBuilder([3, 9, 9]);
        TorchComparison.Check(dilated.Build(dilated.MaxPool2d("pool", dilated.Input, 3, 1, 1, dilation: 2)));
    }

    [TestMethod]
    public void AveragePoolOverEveryKindOfBorder()
    {
        foreach ((Size2 kernel, Size2 stride, Padding padding) in Windows)
        {
            foreach ((bool ceil, bool count) in ((bool, bool)[])[(false, true), (true, true), (false, false), (true, false)])
            {
                var b = new GraphBuilder([3, 8, 11]);
                TorchComparison.Check(b.Build(b.AvgPool2d("pool", b.Input, kernel, stride, padding, ceil, count)), what: $"{kernel} {stride} {padding} ceil {ceil} count {count}");
            }
        }
    }

    [TestMethod]
    public void AdaptiveAveragePool()
    {
        foreach ((int h, int w) in ((int, int)[])[(1, 1), (3, 2), (7, 7), (12, 9)])
        {
            var b = new GraphBuilder([3, 8, 11]);
            TorchComparison.Check(b.Build(b.Module("pool", new AdaptiveAvgPool2dOp(h, w), b.Input)), what: $"{h}×{w}");
        }
    }

    [TestMethod]
    [DataRow(ReduceKind.Mean)]
    [DataRow(ReduceKind.Sum)]
    [DataRow(ReduceKind.Max)]
    [DataRow(ReduceKind.L2)]
    [DataRow(ReduceKind.Variance)]
    public void Reductions(ReduceKind kind)
    {
        foreach (bool keep in (bool[])[false, true])
        {
            var b = new GraphBuilder([3, 4, 5]);
            Node[] outputs = [.. ((int[][])[[0], [1, 2], [-1], [0, 1, 2]]).Select((axes, i) => b.Function($"reduce{i}", new ReduceOp(kind, [.. axes], keep), b.Input))];
            TorchComparison.Check(b.Build(outputs), what: $"{kind}, keep {keep}");
        }
    }
}
