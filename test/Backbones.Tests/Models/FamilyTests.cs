using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;

namespace Backbones.Tests.Models;

/// <summary>What holds for every family: it has exactly the architectures of timm's file, and each builds for its default input, has every mechanism and runs on kernels. Each graph is built once.</summary>
[TestClass]
public sealed class FamilyTests
{
    /// <summary>Maps that are not the input's size over timm's reduction: convolutions and pools without padding, and space-to-depth that timm does not count.</summary>
    private static readonly string[] s_unevenMaps = ["pit_", "inception_", "torchvision/inception_", "efficientnet_x_b", "efficientnet_h_b5"];

    /// <summary>The files of timm, and torchvision.</summary>
    public static IEnumerable<object[]> Families => ModelCatalog.Names.Select(ModelNames.ModuleOf).Distinct().Order(StringComparer.Ordinal).Select(family => new object[] { family });

    [TestMethod]
    public void EveryArchitectureOfTimmIsThere()
    {
        string[] timm = [.. ModelNames.List().Order(StringComparer.Ordinal)];
        Assert.HasCount(1302, timm);
        CollectionAssert.AllItemsAreUnique(ModelCatalog.Names.ToArray(), "two families have a model of the same name");
        CollectionAssert.AreEqual(timm, ModelCatalog.Names.Where(n => !n.Contains('/')).ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void EveryArchitectureOfTimmsFileIsBuiltAsTimmsIs(string family)
    {
        // Without ./test.sh --all the smallest of them.
        IEnumerable<string> names = ModelNames.List(module: [family]);
        if (Environment.GetEnvironmentVariable("TIMM_FEATURES_TESTS") != "all")
            names = names.OrderBy(n => LikelyModel.Sizes[n].Elements).Take(1);
        foreach (string name in names)
        {
            ModelEntry model = ModelCatalog.Find(name);
            BackboneGraph backbone = model.Build(BuildOptions.Default);
            try
            {
                Assert.AreEqual(ModelSize.Of(backbone.Graph.Parameters.Select(p => (p.Name, p.Shape))), LikelyModel.Sizes.GetValueOrDefault(name), "its size in Models/sizes.txt, which test/Conformance -- sizes writes");
                AssertRegistered(backbone, ModelNames.GetConfig(name));
                AssertMechanisms(model, backbone);
                AssertKernels(backbone.Graph);
            }
            catch (AssertFailedException e)
            {
                throw new AssertFailedException($"{name}: {e.Message}", e);
            }
        }
    }

    private static void AssertRegistered(BackboneGraph backbone, PretrainedConfig config)
    {
        Assert.AreEqual(config.InputSize, backbone.Graph.Inputs[0].Shape);
        Shape expected = config.NumClasses > 0 ? [config.NumClasses] : backbone.PreLogits.Shape;
        Assert.AreEqual(expected, backbone.Graph.Outputs[0].Shape);

        // What the registry says about parameters is so: the first convolution is adapted by it (behind space-to-depth it has the colours several times over).
        Dictionary<string, Shape> parameters = backbone.Graph.Parameters.ToDictionary(p => p.Name, p => p.Shape);
        Assert.AreEqual(ModelNames.ModuleOf(config.Architecture) == "csatv2", config.FirstConv.IsEmpty, "CSATv2 alone begins with no convolution");
        foreach (string module in config.FirstConv)
            Assert.AreEqual(0, parameters[$"{module}.weight"][1] % config.InputSize[0], module);
    }

    private static void AssertMechanisms(ModelEntry model, BackboneGraph backbone)
    {
        SelectedFeatures pooled = SelectedFeatures.Create(model, FeatureSelection.Pooled());
        Assert.AreEqual(pooled.Outputs[0].Shape.Length, backbone.PreLogits.Shape.Length, "pooled features are what the classifier gets");
        SelectedFeatures unpooled = SelectedFeatures.Choose(backbone, FeatureSelection.Unpooled);
        Assert.IsLessThanOrEqualTo(backbone.Graph.ParameterCount, unpooled.Graph.ParameterCount);

        Assert.ThrowsExactly<GraphException>(() => model.Build(BuildOptions.Default with { OutputStride = 7 }), "an output stride that nobody has");
        if (backbone.HasPyramid)
        {
            SelectedFeatures pyramid = SelectedFeatures.Choose(backbone, FeatureSelection.Pyramid());
            Shape input = backbone.Graph.Inputs[0].Shape;
            int heightAxis = backbone.LevelLayout == FeatureLayout.Nhwc ? 0 : 1;
            foreach (FeatureOutput output in pyramid.Outputs)
            {
                Assert.AreEqual(3, output.Shape.Rank, output.Name);
                if (!s_unevenMaps.Any(model.Name.StartsWith))
                    Assert.IsLessThanOrEqualTo(3, Math.Abs(input[1] / (double)output.Level!.Reduction - output.Shape[heightAxis]), $"level {output.Name}: {output.Shape} at reduction {output.Level.Reduction} of {input}");
            }
            SelectedFeatures last = SelectedFeatures.Choose(backbone, FeatureSelection.Pyramid([-1]));
            Assert.AreEqual(backbone.Levels.Length - 1, last.Outputs[0].Level!.Index);
            // The default levels of some models are not all of them.
            if (pyramid.Outputs[^1].Level!.Index == last.Outputs[0].Level!.Index)
                Assert.AreEqual(pyramid.Outputs[^1].Shape, last.Outputs[0].Shape);
        }
        if (backbone.Intermediates is { } blocks)
        {
            SelectedFeatures all = SelectedFeatures.Choose(backbone, FeatureSelection.Intermediates());
            Assert.HasCount(blocks.Length, all.Outputs);
            SelectedFeatures first = SelectedFeatures.Choose(backbone, FeatureSelection.Intermediates([0]));
            Assert.IsLessThan(backbone.Graph.ParameterCount, first.Graph.ParameterCount, "later blocks are pruned");
            Assert.IsNotEmpty(first.RemovedParameters);
        }
        // Every listed name can be chosen, and is the value that it names, but for what is no tensor (torchvision alone has such names).
        string[] withoutTensor = [.. backbone.Graph.WithoutTensor.Select(s => s.Name)];
        Assert.IsTrue(withoutTensor.Length == 0 || model.Name.StartsWith("torchvision/", StringComparison.Ordinal));
        foreach (string node in backbone.Graph.NodeNames.Except(withoutTensor))
            Assert.AreEqual(node, backbone.Graph.Find(node).Name);
    }

    /// <summary>A reference step allocates in every run, and copies everything out and back.</summary>
    private static void AssertKernels(Graph graph)
    {
        Node[] without = [.. ManagedEngine.Prepare(graph).Nodes.Where(n => n.IsBatched && ReferenceStep.IsNeeded(n))];
        Assert.AreEqual("", string.Join(", ", without.Select(n => $"{n.Operator.GetType().Name} '{n.Name}'")), "nodes without a kernel of their own");
    }
}
