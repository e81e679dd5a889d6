using System.Runtime.InteropServices;
using Backbones.Engines;
using Backbones.Engines.Reference;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Weights;

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

    /// <summary>Maps whose mean is 25 times their deviation, in both layouts: what only rounds is off by a few 1e-6 there, and a variance from a difference of squares by 1e-3.</summary>
    [TestMethod]
    public void NormalisationsOfMapsFarFromZeroKeepTheirDigits()
    {
        var b = new GraphBuilder([8, 20, 20]);
        Node far = b.Affine(b.Input, 1, 30);
        TorchComparison.Check(b.Build(b.GroupNorm("group", far, 2)), tolerance: 2e-5, what: "group");
        TorchComparison.Check(b.Build(b.GroupNorm("one", far, 1)), tolerance: 2e-5, what: "one group");
        TorchComparison.Check(b.Build(b.LayerNorm("layer", far, axis: 0)), tolerance: 2e-5, what: "layer");
    }

    /// <summary>bfloat16 has 8 bits: a rounding is an error of 1.6e-3, and the operators of this normalisation would make nine of them.</summary>
    [TestMethod]
    public void ANormalisationMadeOfOperatorsIsRoundedOnceInHalfTypes()
    {
        var b = new GraphBuilder([8, 6, 6]);
        Graph norm = b.Build(NormActs.EvoNorm2dS0(4)(b, "norm", b.Input, UnaryKind.Silu));
        // Ones and zeros as weights, and an input that bfloat16 has: nothing is rounded but by the normalisation.
        using ParameterStore store = ParameterStore.FromTensors(norm.Parameters.Select(p => Constant(p, p.Name == "norm.bias" ? 0 : 1)), "ones");
        float[][] inputs = [[.. Enumerable.Range(0, 2 * 8 * 36).Select(i => (i * 37 % 128 - 64) / 32f)]];
        using IPlan exact = new ReferenceEngine().Compile(norm, store, EngineOptions.Default);
        using IPlan half = TorchComparison.Engine().Compile(norm, store, new EngineOptions { Precision = Precision.BFloat16 });
        double error = TorchComparison.RelativeError(TorchComparison.Run(exact, 2, inputs)[0], TorchComparison.Run(half, 2, inputs)[0]);
        Assert.IsLessThanOrEqualTo(1.9e-3, error);
        Assert.IsGreaterThan(1e-3, error, "that is float32");
    }

    private static MemoryTensor Constant(ParameterSpec spec, float value)
        => new(spec.Name, DType.Float32, spec.Shape, MemoryMarshal.AsBytes(Enumerable.Repeat(value, (int)spec.Shape.Length).ToArray().AsSpan()).ToArray());
}
