using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Torch;

/// <summary>Whole backbones of several families, small images.</summary>
[TestClass]
public sealed class ModelTests
{
    private static readonly string[] Names = ["test_resnet", "resnet10t", "seresnet50", "resnest14d", "test_convnext", "convnext_atto", "test_vit", "deit_tiny_patch16_224"];

    public static IEnumerable<object[]> Models => Names.Where(ModelCatalog.Contains).Select(n => new object[] { n });

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void LogitsAndFeaturesMatchTheManagedEngine(string name)
    {
        Graph graph = Build(name);
        float[][] inputs = TorchComparison.Inputs(graph, 2), expected = TorchComparison.Run(new ManagedEngine(), graph, 2, inputs);
        float[][] actual = TorchComparison.Run(TorchComparison.Engine(), graph, 2, inputs);
        for (int i = 0; i < expected.Length; i++)
            Assert.IsLessThanOrEqualTo(1e-4, TorchComparison.RelativeError(expected[i], actual[i]), $"{graph.Outputs[i]}");
    }

    public static IEnumerable<object[]> TestModelsInHalfTypes =>
        from name in ModelCatalog.Names
        where name.StartsWith("test_", StringComparison.Ordinal)
        from precision in (Precision[])[Precision.Float16, Precision.BFloat16]
        select new object[] { name, precision };

    [TestMethod]
    [DynamicData(nameof(TestModelsInHalfTypes))]
    public void HalfTypesStayWithinTwoPercent(string name, Precision precision)
    {
        Graph graph = Build(name);
        float[][] inputs = TorchComparison.Inputs(graph, 2), expected = TorchComparison.Run(new ManagedEngine(), graph, 2, inputs);
        float[][] actual = TorchComparison.Run(TorchComparison.Engine(), graph, 2, inputs, precision);
        for (int i = 0; i < expected.Length; i++)
        {
            double error = TorchComparison.RelativeError(expected[i], actual[i]);
            Assert.IsLessThanOrEqualTo(2e-2, error, $"{graph.Outputs[i]}");
            Assert.IsGreaterThan(1e-5, error, $"{graph.Outputs[i]}: that is float32");
            Assert.IsGreaterThan(0.999, TorchComparison.Cosine(expected[i], actual[i]), $"{graph.Outputs[i]}");
        }
    }

    [TestMethod]
    public void BackbonesExtractWithTheEngine()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true });
        using FeatureExtractor torch = backbone.Extract(FeatureSelection.Pyramid(), TorchComparison.Engine()), managed = backbone.Extract(FeatureSelection.Pyramid());
        var input = new float[2 * torch.InputShape.Length];
        for (int i = 0; i < input.Length; i++)
            input[i] = MathF.Sin(i);
        FeatureBatch actual = torch.Run(2, input), expected = managed.Run(2, input);
        foreach ((FeatureTensor a, FeatureTensor e) in actual.Tensors.Zip(expected.Tensors))
            Assert.IsLessThanOrEqualTo(1e-4, TorchComparison.RelativeError(e.Values.ToArray(), a.Values.ToArray()), a.Output.Name);
    }

    private static Graph Build(string name)
    {
        BackboneGraph backbone = ModelCatalog.Find(name).Build(BuildOptions.Default with { ImageSize = name.Contains("224") ? null : new Size2(96, 96) });
        return SelectedFeatures.Merge([SelectedFeatures.Choose(backbone, FeatureSelection.Logits), SelectedFeatures.Choose(backbone, FeatureSelection.Unpooled)]).Graph;
    }
}
