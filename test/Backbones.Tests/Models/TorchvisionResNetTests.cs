using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TorchvisionResNetTests
{
    // num_params of torchvision's weights tables.
    [TestMethod]
    [DataRow("resnet18", 11689512)]
    [DataRow("resnet34", 21797672)]
    [DataRow("resnet50", 25557032)]
    [DataRow("resnet101", 44549160)]
    [DataRow("resnet152", 60192808)]
    [DataRow("resnext50_32x4d", 25028904)]
    [DataRow("resnext101_32x8d", 88791336)]
    [DataRow("resnext101_64x4d", 83455272)]
    [DataRow("wide_resnet50_2", 68883240)]
    [DataRow("wide_resnet101_2", 126886696)]
    public void ParametersAreThoseOfTimmsResNet(string name, long count)
    {
        Graph ours = ModelCatalog.Find($"torchvision/{name}").Build(BuildOptions.Default).Graph;
        Assert.AreEqual(count, ours.ParameterCount);
        CollectionAssert.AreEqual(ModelCatalog.Find(name).Build(BuildOptions.Default).Graph.Parameters, ours.Parameters);
    }

    [TestMethod]
    [DataRow(16, new[] { 112, 56, 28, 14, 14 })]
    [DataRow(8, new[] { 112, 56, 28, 28, 28 })]
    public void BottlenecksReplaceStrideWithDilation(int outputStride, int[] sizes)
        => CollectionAssert.AreEqual(
            sizes,
            SelectedFeatures.Create(ModelCatalog.Find("torchvision/resnet50"), FeatureSelection.Pyramid(outputStride: outputStride)).Outputs.Select(o => o.Shape[1]).ToArray());

    [TestMethod]
    public void BasicBlocksRefuseDilation()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("torchvision/resnet18").Build(new BuildOptions { OutputStride = 16 })).Message,
            "output_stride 16 is not supported");

    [TestMethod]
    public void OtherPoolsThanTorchvisionsAreRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("torchvision/resnet18").Build(new BuildOptions { GlobalPool = "max" })).Message,
            "valid types are 'avg' and ''");

    [TestMethod]
    public void AClassifierOverAnUnpooledMapIsRefused()
        => StringAssert.Contains(
            Assert.ThrowsExactly<GraphException>(() => ModelCatalog.Find("torchvision/resnet18").Build(new BuildOptions { GlobalPool = "" })).Message,
            "ask for no classes");
}
