using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TorchvisionSwinTests
{
    // num_params of torchvision's weights tables.
    [TestMethod]
    [DataRow("swin_t", 28288354)]
    [DataRow("swin_s", 49606258)]
    [DataRow("swin_b", 87768224)]
    [DataRow("swin_v2_t", 28351570)]
    [DataRow("swin_v2_s", 49737442)]
    [DataRow("swin_v2_b", 87930848)]
    public void ParametersAreAsManyAsTorchvisions(string name, long count) => Assert.AreEqual(count, ModelCatalog.Find($"torchvision/{name}").Build(BuildOptions.Default).Graph.ParameterCount);

    // Windows keep their size, so that the same weights fit any image: maps are filled up to whole windows.
    [TestMethod]
    [DataRow("swin_t", 200, 264, new[] { 50, 66, 25, 33, 13, 17, 7, 9 })]
    [DataRow("swin_v2_t", 64, 96, new[] { 16, 24, 8, 12, 4, 6, 2, 3 })]
    public void AnyImageSizeHasTheSameParameters(string name, int height, int width, int[] sides)
    {
        ModelEntry model = ModelCatalog.Find($"torchvision/{name}");
        SelectedFeatures pyramid = SelectedFeatures.Create(model, FeatureSelection.Pyramid(), new() { ImageSize = (height, width) });
        CollectionAssert.AreEqual(sides, pyramid.Outputs.SelectMany(o => new[] { o.Shape[0], o.Shape[1] }).ToArray());
        Assert.IsTrue(pyramid.Outputs.All(o => o.Level!.Format == FeatureFormat.Nhwc));
        BackboneGraph own = model.Build(BuildOptions.Default);
        CollectionAssert.AreEqual(own.Graph.Parameters, model.Build(new() { ImageSize = (height, width) }).Graph.Parameters);
        CollectionAssert.AreEqual(own.Graph.NodeNames, model.Build(new() { ImageSize = (height, width) }).Graph.NodeNames);
    }

    [TestMethod]
    public void UnpooledFeaturesAreNormedMapsWithChannelsFirst()
        => Assert.AreEqual<Shape>([768, 7, 7], SelectedFeatures.Create(ModelCatalog.Find("torchvision/swin_t"), FeatureSelection.Unpooled).Outputs.Single().Shape);
}
