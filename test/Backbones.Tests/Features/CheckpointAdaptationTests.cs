using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Features;

/// <summary>Checkpoints of other image sizes and channels than the architecture's: the entries' own shapes count, not the variant.</summary>
[TestClass]
public sealed class CheckpointAdaptationTests
{
    private const int Width = 64;

    // The architecture is for 160 pixels, 10×10 patches.
    private const string Vit = "test_vit";

    [TestMethod]
    [DataRow(320, 320, 160, 160)]
    [DataRow(160, 320, 160, 160)]
    [DataRow(160, 320, 320, 160)]
    public void PositionsAreResampledFromTheGridOfTheWeights(int trainedHeight, int trainedWidth, int height, int width)
    {
        using Backbone backbone = Over(Config((trainedHeight, trainedWidth)), (trainedHeight / 16, trainedWidth / 16), (height, width));
        AssertRamp(backbone, (trainedHeight / 16, trainedWidth / 16), (height / 16, width / 16));
    }

    [TestMethod]
    public void PositionsOfASquareGridAreFoundWhereTheConfigSaysAnotherSize()
    {
        using Backbone backbone = Over(Config((160, 160)), (20, 20), (160, 160));
        AssertRamp(backbone, (20, 20), (10, 10));
    }

    [TestMethod]
    public void PositionsAreResampledForAnotherGridOfAsManyPatches()
    {
        using Backbone backbone = Over(Config((160, 160)), (10, 10), (320, 80));
        AssertRamp(backbone, (10, 10), (20, 5));
    }

    [TestMethod]
    public void PositionsAtTheTrainedSizeAreTheWeights()
    {
        using Backbone backbone = Over(Config((320, 320)), (20, 20), null);
        CollectionAssert.AreEqual(Ramp((20, 20)), Positions(backbone));
    }

    [TestMethod]
    public void AFolderOfFineTunedWeightsIsTakenAtAnySize()
    {
        using TemporaryFolder folder = new();
        Save(folder, "[3,320,320]", (20, 20));
        foreach (int size in new[] { 160, 320 })
        {
            using Backbone backbone = Backbone.Create($"local-dir:{folder.Path}", new BackboneOptions { ImageSize = size });
            AssertRamp(backbone, (20, 20), (size / 16, size / 16));
        }
    }

    [TestMethod]
    public void PositionsOfNoKnownGridAreRefused()
    {
        using TemporaryFolder folder = new();
        Save(folder, "[3,160,160]", (10, 20));
        WeightsFormatException e = Assert.ThrowsExactly<WeightsFormatException>(() => Backbone.Create($"local-dir:{folder.Path}"));
        StringAssert.Contains(e.Message, "The 201 tokens of 'pos_embed'");
        StringAssert.Contains(e.Message, "none of 10×10");
    }

    [TestMethod]
    [DataRow(4, 3)]
    [DataRow(4, 5)]
    [DataRow(6, 2)]
    [DataRow(1, 3)]
    public void AFirstConvolutionThatIsNotOverRgbIsNotAdapted(int trained, int wanted)
    {
        Node source = new GraphBuilder((Shape)[]).Parameter("conv1.weight", [8, trained, 3, 3]);
        GraphException e = Assert.ThrowsExactly<GraphException>(() => ParameterAdapters.InputConv(wanted)(new GraphBuilder((Shape)[]), source, [8, wanted, 3, 3]));
        StringAssert.Contains(e.Message, $"'conv1.weight' [8, {trained}, 3, 3] cannot be adapted to [8, {wanted}, 3, 3]");
    }

    [TestMethod]
    [DataRow("[1,64,64]", 1)]
    [DataRow("[4,64,64]", 4)]
    public void WeightsOfOtherChannelsAreReadAsTheyAre(string inputSize, int channels)
    {
        using TemporaryFolder folder = new();
        BackboneGraph model = ModelCatalog.Find("test_resnet").Build(new BuildOptions { InChannels = channels, ImageSize = 64 });
        using ParameterStore weights = ParameterStore.FromRecipe(model.Graph.Parameters, 1);
        SafetensorsWriter.Write(folder.File("model.safetensors"), weights.Tensors);
        File.WriteAllText(folder.File("config.json"), $$"""{"architecture":"test_resnet","input_size":{{inputSize}},"num_classes":1000}""");
        using Backbone backbone = Backbone.Create($"local-dir:{folder.Path}");
        Assert.AreEqual(Shape.Create([channels, 64, 64]), backbone.Select(FeatureSelection.Pooled()).Graph.Inputs[0].Shape);
        WeightsFormatException? refused = channels == 1 ? null : Assert.ThrowsExactly<WeightsFormatException>(() => Backbone.Create($"local-dir:{folder.Path}", new BackboneOptions { InChannels = 3 }));
        Assert.AreEqual(channels != 1, refused?.Message.Contains("conv1.0.weight", StringComparison.Ordinal) ?? false);
    }

    [TestMethod]
    public void AModelIsMadeWithTheArgumentsOfItsConfig()
    {
        using TemporaryFolder folder = new();
        BackboneGraph model = ModelCatalog.Find("test_resnet").Build(BuildOptions.Default);
        using ParameterStore weights = ParameterStore.FromRecipe(model.Graph.Parameters, 1);
        SafetensorsWriter.Write(folder.File("model.safetensors"), weights.Tensors);
        File.WriteAllText(folder.File("config.json"), """{"architecture":"test_resnet","model_args":{"img_size":64,"global_pool":"catavgmax","num_classes":1000,"output_stride":8}}""");
        // The classifier of the weights is for half as many features.
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create($"local-dir:{folder.Path}"));
        StringAssert.Contains(e.Message, "fc.weight");

        File.WriteAllText(folder.File("config.json"), """{"architecture":"test_resnet","model_args":{"img_size":64,"global_pool":"max","output_stride":8}}""");
        using Backbone backbone = Backbone.Create($"local-dir:{folder.Path}");
        Assert.AreEqual(Shape.Create([96, 8, 8]), backbone.Select(FeatureSelection.Unpooled).Outputs[0].Shape);
        Assert.AreEqual(8, backbone.Select(FeatureSelection.Pyramid()).Outputs[^1].Level!.Reduction);
        Assert.AreEqual(16, backbone.Select(FeatureSelection.Pyramid(outputStride: 16)).Outputs[^1].Level!.Reduction);
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Unpooled);
        float[] map = extractor.Run(1, new float[3 * 64 * 64])[0].Values.ToArray();
        using FeatureExtractor pooled = backbone.Extract(FeatureSelection.Pooled());
        Assert.AreEqual(map.Take(64).Max(), pooled.Run(1, new float[3 * 64 * 64])[0].Values.Span[0]);
    }

    [TestMethod]
    public void TestSizeAndCropAreTakenOnRequest()
    {
        PretrainedConfig config = new() { Architecture = "test_resnet", InputSize = [3, 160, 160], TestInputSize = [3, 192, 192], CropPct = 0.875, TestCropPct = 0.95 };
        Assert.AreEqual((160, 0.875), Transform(new BackboneOptions()));
        Assert.AreEqual((192, 0.95), Transform(new BackboneOptions { UseTestSize = true }));
        Assert.AreEqual((96, 0.95), Transform(new BackboneOptions { UseTestSize = true, ImageSize = 96 }));
        config = config with { TestInputSize = null, TestCropPct = null };
        Assert.AreEqual((160, 0.875), Transform(new BackboneOptions { UseTestSize = true }));
        Assert.AreEqual(Shape.Create([512, 7, 7]), Backbone.Describe("resnet10t", FeatureSelection.Unpooled, new BackboneOptions { RandomWeights = true, UseTestSize = true })[0].Shape);

        (int, double) Transform(BackboneOptions options)
        {
            using Backbone backbone = Backbone.FromParameters(config, ParameterStore.FromTensors([]), options);
            Assert.AreEqual(backbone.TransformOptions.Width, backbone.Graph.Inputs[0].Shape[2]);
            return (backbone.TransformOptions.Height, backbone.TransformOptions.CropPct);
        }
    }

    private static PretrainedConfig Config(Size2 size) => new() { Architecture = Vit, InputSize = [3, size.H, size.W] };

    private static Backbone Over(PretrainedConfig config, Size2 grid, Size2? imageSize)
        => Backbone.FromParameters(config, ParameterStore.FromTensors(Tensors(grid)), new BackboneOptions { ImageSize = imageSize });

    /// <summary>Weights that are all zero, except that a patch's position embedding is its column, and 100 times its row in the last channel.</summary>
    private static IEnumerable<MemoryTensor> Tensors(Size2 grid)
        => ModelCatalog.Find(Vit).Build(new BuildOptions { ImageSize = (grid.H * 16, grid.W * 16) }).Graph.Parameters
            .Select(p => new MemoryTensor(p.Name, p.Shape, p.Name == "pos_embed" ? [.. new float[Width], .. Ramp(grid)] : new float[p.Shape.Length]));

    private static float[] Ramp(Size2 grid)
        => [.. Enumerable.Range(0, grid.H * grid.W * Width).Select(i => i % Width == Width - 1 ? 100f * (i / Width / grid.W) : i / Width % grid.W)];

    private static void Save(TemporaryFolder folder, string inputSize, Size2 grid)
    {
        SafetensorsWriter.Write(folder.File("model.safetensors"), Tensors(grid));
        File.WriteAllText(folder.File("config.json"), $$"""{"architecture":"{{Vit}}","num_classes":1000,"input_size":{{inputSize}}}""");
    }

    /// <summary>The position embeddings of the patches: with all other weights zero, they are what the blocks get.</summary>
    private static float[] Positions(Backbone backbone)
    {
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Nodes("pos_drop"));
        return extractor.Run(1, new float[extractor.InputShape.Length])[0].Values.ToArray()[Width..];
    }

    /// <summary>
    /// A ramp that is resampled is a ramp, except near the border where the filter is cut off: the centre of pixel i of n is at (i + ½) · m / n - ½ of the m that were.
    /// </summary>
    private static void AssertRamp(Backbone backbone, Size2 from, Size2 to)
    {
        float[] values = Positions(backbone);
        Assert.AreEqual(to.H * to.W * Width, values.Length);
        (int rows, int columns) = (0, 0);
        for (int y = 0; y < to.H; y++)
        {
            for (int x = 0; x < to.W; x++)
            {
                ReadOnlySpan<float> patch = values.AsSpan((y * to.W + x) * Width, Width);
                if (IsInside(x, from.W, to.W))
                {
                    Assert.AreEqual((x + 0.5) * from.W / to.W - 0.5, patch[0], 1e-4, $"column {x}");
                    columns++;
                }
                if (IsInside(y, from.H, to.H))
                {
                    Assert.AreEqual(100 * ((y + 0.5) * from.H / to.H - 0.5), patch[^1], 1e-2, $"row {y}");
                    rows++;
                }
            }
        }
        Assert.IsTrue(rows > 0 && columns > 0);

        // Bicubic reaches two pixels, of the coarser grid where it is antialiased.
        static bool IsInside(int i, int from, int to)
        {
            double scale = (double)from / to, centre = (i + 0.5) * scale, reach = 2 * Math.Max(scale, 1);
            return from == to || (centre - reach >= 0 && centre + reach <= from);
        }
    }
}
