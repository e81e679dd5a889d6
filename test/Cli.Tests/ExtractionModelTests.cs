using Backbones;
using Backbones.Engines;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Tests;

[TestClass]
public sealed class ExtractionModelTests
{
    [TestMethod]
    public void A_model_without_the_features_asked_for_closes_its_weights()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("Which files are mapped, Linux tells.");
        using var folder = new TemporaryFolder();
        string weights = folder["weights.safetensors"];
        using (Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true }))
            backbone.SaveWeights(weights);
        var request = new FeatureRequest("test_resnet", new BackboneOptions { WeightsPath = weights }, FeatureSelection.Pooled(), EngineProvider.For("cpu"), Threads: 1, Batch: null, Exif: false);
        using (new ExtractionModel(request))
            Assert.IsTrue(IsMapped());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ExtractionModel(request with { Selection = FeatureSelection.Pyramid([99]) }));
        Assert.IsFalse(IsMapped());

        bool IsMapped() => File.ReadLines("/proc/self/maps").Any(l => l.EndsWith(weights, StringComparison.Ordinal));
    }
}
