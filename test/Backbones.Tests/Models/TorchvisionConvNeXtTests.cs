using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TorchvisionConvNeXtTests
{
    // num_params of torchvision's weights tables.
    [TestMethod]
    [DataRow("convnext_tiny", 28589128)]
    [DataRow("convnext_small", 50223688)]
    [DataRow("convnext_base", 88591464)]
    [DataRow("convnext_large", 197767336)]
    public void ParametersAreAsManyAsTorchvisions(string name, long count) => Assert.AreEqual(count, ModelCatalog.Find($"torchvision/{name}").Build(BuildOptions.Default).Graph.ParameterCount);

    [TestMethod]
    public void LevelsAreTheStages()
        => Assert.AreEqual("96/4 features.1, 192/8 features.3, 384/16 features.5, 768/32 features.7", string.Join(", ",
            SelectedFeatures.Create(ModelCatalog.Find("torchvision/convnext_tiny"), FeatureSelection.Pyramid()).Outputs.Select(o => $"{o.Level!.Channels}/{o.Level.Reduction} {o.Level.Module}")));

    // The classifier's norm stands behind the pooling: without pooling it norms the map.
    [TestMethod]
    [DataRow(null, new[] { 768 })]
    [DataRow("", new[] { 768, 7, 7 })]
    public void PooledFeaturesAreNormed(string? pool, int[] shape)
    {
        SelectedFeatures pooled = SelectedFeatures.Create(ModelCatalog.Find("torchvision/convnext_tiny"), FeatureSelection.Pooled(pool));
        Assert.AreEqual(Shape.Create(shape), pooled.Outputs.Single().Shape);
        CollectionAssert.AreEqual(new[] { "classifier.0.weight", "classifier.0.bias" }, pooled.Graph.Parameters.Select(p => p.Name).Where(n => n.StartsWith("classifier", StringComparison.Ordinal)).ToArray());
    }
}
