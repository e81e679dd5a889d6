using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

/// <summary>The steps that FX sees inside timm's norms and activations lead to the operator that stands for them.</summary>
[TestClass]
public sealed class NormsTests
{
    [TestMethod]
    public void LayerNorm2dIsLayerNormOverTheLastAxisOfThePermutedMap() => AssertEqual(Norms.LayerNorm2d(), b =>
        b.Permute(Step(b, "norm.layer_norm"), [2, 0, 1]));

    [TestMethod]
    public void RmsNorm2dScalesByTheMeanSquare() => AssertEqual(Norms.RmsNorm2d(), b =>
        b.Multiply(Step(b, "norm.mul"), b.Reshape(b.Parameter("norm.weight", [5]), [5, 1, 1])));

    [TestMethod]
    public void SimpleNorm2dDividesByTheDeviationOfTheSample() => AssertEqual(Norms.SimpleNorm2d(), b =>
        b.Permute(b.Multiply(Step(b, "norm.mul"), b.Parameter("norm.weight", [5])), [2, 0, 1]));

    [TestMethod]
    public void SimpleNorm2dIsTheSameOverTheLastAxis() => AssertEqual(Norms.SimpleNorm2d(), b => b.Permute(Step(b, "norm.mul_1"), [2, 0, 1]));

    [TestMethod]
    public void QuickGeluIsASigmoidGate() => AssertEqual((b, name, x) => ActLayers.Timm(UnaryKind.QuickGelu)(b, name, x), b =>
        b.Multiply(b.Input, Step(b, "norm.sigmoid")));

    private static Node Step(GraphBuilder b, string name) => b.Build(b.Input).Find(name);

    private static void AssertEqual(NormLayer layer, Func<GraphBuilder, Node> fromSteps)
    {
        var b = new GraphBuilder([5, 3, 4]);
        Node result = layer(b, "norm", b.Input);
        float[][] values = TestGraphs.Run(b.Build(result, fromSteps(b)));
        Assert.IsLessThan(1e-6, TestGraphs.Distance(values[0], values[1]));
    }
}
