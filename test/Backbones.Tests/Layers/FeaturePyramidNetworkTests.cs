using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Layers;

/// <summary>A feature pyramid network on top of a selection, and a segmentation head on top of that, with weights of their own.</summary>
[TestClass]
public sealed class FeaturePyramidNetworkTests
{
    private const int ImageSize = 64, Classes = 3;

    [TestMethod]
    public void APyramidNetworkHasTorchvisionsParameters()
    {
        using Backbone backbone = Create("test_resnet");
        SelectedFeatures neck = WithPyramidNetwork(backbone);
        CollectionAssert.AreEqual(
            new[]
            {
                "fpn.inner_blocks.0.0.weight [16, 48, 1, 1]", "fpn.inner_blocks.0.0.bias [16]", "fpn.inner_blocks.1.0.weight [16, 192, 1, 1]", "fpn.inner_blocks.1.0.bias [16]",
                "fpn.layer_blocks.0.0.weight [16, 16, 3, 3]", "fpn.layer_blocks.0.0.bias [16]", "fpn.layer_blocks.1.0.weight [16, 16, 3, 3]", "fpn.layer_blocks.1.0.bias [16]",
            },
            neck.Graph.Parameters.Where(p => p.Name.StartsWith("fpn.", StringComparison.Ordinal)).Select(p => $"{p.Name} {p.Shape}").ToArray());
    }

    [TestMethod]
    public void ThePoolOfAPyramidNetworkIsEverySecondPixel()
    {
        using Backbone backbone = Create("test_resnet");
        FeatureBatch batch = Run(backbone, WithPyramidNetwork(backbone));
        (FeatureTensor last, FeatureTensor pool) = (batch["3"], batch["pool"]);
        Assert.AreEqual([16, 4, 4], last.Output.Shape);
        Assert.AreEqual([16, 2, 2], pool.Output.Shape);
        for (int i = 0; i < pool.Values.Length; i++)
        {
            (int map, int y, int x) = (i / 4, i / 2 % 2, i % 2);
            Assert.AreEqual(last.Values.Span[map * 16 + y * 8 + x * 2], pool.Values.Span[i]);
        }
    }

    [TestMethod]
    public void ASegmentationHeadOnAPyramidNetworkScoresEveryPixel()
    {
        using Backbone backbone = Create("test_resnet");
        SelectedFeatures selected = WithPyramidNetwork(backbone).Extend((b, maps) =>
        {
            Node pixels = SegmentationHead.Build(b, "head", [maps[0].Map, maps[1].Map], Classes, ImageSize, ImageSize);
            return [("scores", pixels.Inputs[0]), ("pixels", pixels)];
        });
        FeatureBatch batch = Run(backbone, selected);
        Assert.AreEqual([Classes, ImageSize / 8, ImageSize / 8], batch["scores"].Output.Shape);
        Assert.AreEqual([Classes, ImageSize, ImageSize], batch["pixels"].Output.Shape);
        float[] expected = [.. Bilinear(batch["scores"].Values.ToArray(), ImageSize / 8, ImageSize)];
        Assert.IsLessThan(1e-6, TestGraphs.Distance(expected, batch["pixels"].Values.Span));
    }

    [TestMethod]
    public void WithoutLevelsThereIsNoPyramid()
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => FeaturePyramidNetwork.Build(new GraphBuilder([3, 8, 8]), "fpn", [], 16)).Message, "at least one level");

    private static Backbone Create(string name) => Backbone.Create(name, new BackboneOptions { RandomWeights = true, ImageSize = ImageSize });

    private static SelectedFeatures WithPyramidNetwork(Backbone backbone)
        => backbone.Select(FeatureSelection.Pyramid([2, 3])).Extend((b, maps) => FeaturePyramidNetwork.Build(b, "fpn", maps, 16, lastLevelMaxPool: true));

    /// <summary>Runs a selection that has parameters of its own beside the backbone's.</summary>
    private static FeatureBatch Run(Backbone backbone, SelectedFeatures selected)
    {
        ParameterStore own = ParameterStore.FromRecipe(selected.Graph.Parameters.Where(p => !backbone.Parameters.TryGet(p.Name, out _)), 1);
        ParameterStore all = ParameterStore.FromTensors([.. backbone.Parameters.Tensors, .. own.Tensors]);
        using Backbone whole = Backbone.FromParameters(backbone.Config, all, new BackboneOptions { ImageSize = ImageSize });
        using FeatureExtractor extractor = whole.Extract(selected);
        return extractor.Run(2, TestGraphs.Input(2, extractor.InputShape));
    }

    /// <summary>PyTorch's bilinear interpolation of square maps, pixel centres aligned.</summary>
    private static IEnumerable<float> Bilinear(float[] maps, int size, int target)
    {
        for (int map = 0; map < maps.Length / (size * size); map++)
        {
            for (int i = 0; i < target * target; i++)
            {
                (double y, double x) = (Source(i / target), Source(i % target));
                (int top, int left) = ((int)y, (int)x);
                double At(int row, int column) => maps[(map * size + Math.Min(row, size - 1)) * size + Math.Min(column, size - 1)];
                double upper = At(top, left) + (At(top, left + 1) - At(top, left)) * (x - left), lower = At(top + 1, left) + (At(top + 1, left + 1) - At(top + 1, left)) * (x - left);
                yield return (float)(upper + (lower - upper) * (y - top));
            }
        }

        double Source(int pixel) => Math.Max(0, (pixel + 0.5) * size / target - 0.5);
    }
}
