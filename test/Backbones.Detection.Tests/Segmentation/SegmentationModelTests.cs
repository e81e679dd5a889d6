using Backbones.Detection.Tests;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Segmentation.Tests;

[TestClass]
public sealed class SegmentationModelTests
{
    private const string Backbone = "test_resnet";
    private const int Size = 64, Classes = 5;

    [TestMethod]
    public void Torchvisions_models_are_there()
    {
        CollectionAssert.AreEqual(
            new[]
            {
                "torchvision/deeplabv3_mobilenet_v3_large", "torchvision/deeplabv3_resnet101", "torchvision/deeplabv3_resnet50", "torchvision/fcn_resnet101", "torchvision/fcn_resnet50",
                "torchvision/lraspp_mobilenet_v3_large",
            },
            SegmentationModel.ModelNames.ToArray());
        foreach (string name in SegmentationModel.ModelNames)
        {
            (_, PretrainedConfig weights) = SegmentationVariant.Find(name);
            Assert.AreEqual(name + ".coco_with_voc_labels_v1", weights.Name);
            StringAssert.StartsWith(weights.Url, "https://download.pytorch.org/models/" + name["torchvision/".Length..]);
            Assert.AreEqual((21, "__background__", "tvmonitor"), (weights.NumClasses, weights.LabelNames[0], weights.LabelNames[^1]));
        }
    }

    [TestMethod]
    [DataRow("DeepLabV3_ResNet50_Weights.DEFAULT", "torchvision/deeplabv3_resnet50")]
    [DataRow("LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1", "torchvision/lraspp_mobilenet_v3_large")]
    public void A_model_may_be_named_as_torchvision_names_its_weights(string name, string model) => Assert.AreEqual(model, SegmentationVariant.Find(name).Weights.Architecture);

    [TestMethod]
    public void A_model_that_does_not_exist_is_told_with_the_nearest_one()
    {
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => SegmentationModel.Create("torchvision/fcn_resnet51")).Message, "Did you mean 'torchvision/fcn_resnet50'");
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => SegmentationModel.Create("torchvision/fcn_resnet50.imagenet")).Message, "Did you mean 'torchvision/fcn_resnet50.coco_with_voc_labels_v1'");
    }

    [TestMethod]
    public void Weights_that_are_not_here_are_told_with_their_address()
    {
        string message = Assert.ThrowsExactly<FileNotFoundException>(() => SegmentationModel.Create("torchvision/fcn_resnet50", new SegmentationOptions { Download = Weights.Hub.DownloadMode.Never })).Message;
        StringAssert.Contains(message, "https://download.pytorch.org/models/fcn_resnet50_coco-1167a1af.pth");
    }

    [TestMethod]
    public void No_model_has_a_node_without_a_kernel_of_its_own()
    {
        foreach (string name in SegmentationModel.ModelNames)
        {
            Graph graph = SegmentationVariant.Find(name).Variant.Build((97, 129), 21).Graph;
            Node[] without = [.. ManagedEngine.Prepare(graph).Nodes.Where(n => n.IsBatched && ReferenceStep.IsNeeded(n))];
            Assert.IsEmpty(without, $"{name}: {string.Join(", ", without.Select(n => n.Name))}");
        }
    }

    /// <summary>torchvision's Resize(520): the shorter side, and the longer one truncated.</summary>
    [TestMethod]
    [DataRow(640, 480, 693, 520)]
    [DataRow(480, 640, 520, 693)]
    [DataRow(500, 333, 780, 520)]
    [DataRow(520, 520, 520, 520)]
    [DataRow(1, 1, 520, 520)]
    [DataRow(1920, 1080, 924, 520)]
    public void A_picture_is_scaled_to_torchvisions_size(int width, int height, int expectedWidth, int expectedHeight)
    {
        using SegmentationModel model = SegmentationModel.Create("torchvision/fcn_resnet50", new SegmentationOptions { RandomWeights = true });
        Assert.AreEqual((Size2)(expectedHeight, expectedWidth), model.InputSizeOf(Picture(width, height), 0));
    }

    [TestMethod]
    [DataRow(SegmentationMethod.Fcn)]
    [DataRow(SegmentationMethod.DeepLabV3)]
    [DataRow(SegmentationMethod.Lraspp)]
    public void A_map_has_the_pictures_size(SegmentationMethod method)
    {
        using SegmentationModel model = Create(method);
        ImagePixels turned = Picture(50, 33) with { Orientation = ImageOrientation.Rotate90 };
        var maps = model.Segment(Picture(50, 33), turned, Picture(1, 1));
        CollectionAssert.AreEqual(new[] { (50, 33), (33, 50), (1, 1) }, maps.Select(m => (m.Width, m.Height)).ToArray());
        Assert.IsTrue(maps.All(m => m.Classes.Length == m.Width * m.Height && m.Scores.Length == m.Classes.Length));
        Assert.IsTrue(maps[0].Classes.ToArray().All(c => c is >= 0 and < Classes) && maps[0].Scores.ToArray().All(s => s is >= 1f / Classes and <= 1));
    }

    [TestMethod]
    public void Of_the_inputs_size_a_map_is_the_arg_max_of_the_graphs_output()
    {
        var transform = new ImageTransform(TestBackbone().TransformOptions with { Height = Size, Width = Size, CropPct = 1, CropMode = CropMode.Squash, Interpolation = Interpolation.Bilinear });
        var input = new float[transform.OutputLength];
        ImagePixels picture = Picture(90, 70);
        transform.Apply(new ImageBuffer(picture.Pixels.Span, picture.Width, picture.Height, picture.Format), input);

        using SegmentationModel random = Create(SegmentationMethod.Fcn);
        float[] scores = Scores(random, input);
        // Of random weights one class wins everywhere: the mean is taken off each.
        float[] bias = random.Parameters["classifier.4.bias"].AsFloats().ToArray();
        float[] balanced = [.. bias.Select((b, c) => b - scores.Skip(c * Size * Size).Take(Size * Size).Average())];
        using ParameterStore weights = ParameterStore.FromTensors(random.Parameters.Tensors.Select(t => t.Name == "classifier.4.bias" ? new MemoryTensor(t.Name, t.Shape, balanced) : t));
        using SegmentationModel model = SegmentationModel.Create(Levels(3, 4), Classes, SegmentationMethod.Fcn, new SegmentationOptions { Weights = weights, OriginalSize = false });
        SegmentedImage map = model.Segment(picture)[0];
        Assert.AreEqual((Size, Size), (map.Width, map.Height));
        scores = Scores(model, input);
        int[] expected = [.. Enumerable.Range(0, Size * Size).Select(p => Enumerable.Range(0, Classes).MaxBy(c => scores[c * Size * Size + p]))];
        CollectionAssert.AreEqual(expected, map.Classes.ToArray());
        Assert.IsTrue(map.CountPixels(Classes).All(n => n > 0));
    }

    [TestMethod]
    public void Pictures_of_a_batch_do_not_touch_each_other()
    {
        using SegmentationModel model = Create(SegmentationMethod.DeepLabV3);
        ImagePixels[] pictures = [.. Enumerable.Range(0, 6).Select(i => Picture(40 + i, 30, i))];
        var together = model.Segment(pictures);
        for (int i = 0; i < pictures.Length; i++)
            CollectionAssert.AreEqual(model.Segment(pictures[i])[0].Classes.ToArray(), together[i].Classes.ToArray());
    }

    [TestMethod]
    public void Weights_in_a_file_give_the_same_maps()
    {
        using SegmentationModel model = Create(SegmentationMethod.Fcn);
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        try
        {
            model.SaveWeights(file);
            using SegmentationModel loaded = SegmentationModel.Create(Levels(3, 4), Classes, SegmentationMethod.Fcn, new SegmentationOptions { WeightsPath = file });
            CollectionAssert.AreEqual(model.Segment(Picture(30, 40))[0].Classes.ToArray(), loaded.Segment(Picture(30, 40))[0].Classes.ToArray());

            string message = Assert.ThrowsExactly<ParameterMismatchException>(() => SegmentationModel.Create(Levels(3, 4), Classes + 1, SegmentationMethod.Fcn, new SegmentationOptions { WeightsPath = file })).Message;
            StringAssert.Contains(message, $"classifier.4.weight: the weights have [{Classes}, 24, 1, 1], the model takes [{Classes + 1}, 24, 1, 1]");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [TestMethod]
    public void A_file_with_the_heads_is_enough_over_a_backbone_with_weights()
    {
        using SegmentationModel model = Create(SegmentationMethod.Lraspp);
        using ParameterStore heads = ParameterStore.FromTensors(model.Parameters.Tensors.Where(t => t.Name.StartsWith("classifier.", StringComparison.Ordinal)));
        using SegmentationModel composed = SegmentationModel.Create(Levels(3, 4), Classes, SegmentationMethod.Lraspp, new SegmentationOptions { Weights = heads });
        CollectionAssert.AreEqual(model.Segment(Picture(30, 40))[0].Scores.ToArray(), composed.Segment(Picture(30, 40))[0].Scores.ToArray());
    }

    [TestMethod]
    public void A_selection_is_made_anew_for_pictures_of_other_shapes()
    {
        using SegmentationModel model = Create(SegmentationMethod.Fcn, new SegmentationOptions { RandomWeights = true, ResizeSize = 32, OriginalSize = false });
        var maps = model.Segment(Picture(80, 40), Picture(50, 100), Picture(32, 32), Picture(33, 99), Picture(80, 40));
        CollectionAssert.AreEqual(new[] { (64, 32), (32, 64), (32, 32), (32, 96), (64, 32) }, maps.Select(m => (m.Width, m.Height)).ToArray());
        CollectionAssert.AreEqual(maps[0].Scores.ToArray(), maps[4].Scores.ToArray());
    }

    [TestMethod]
    public void A_named_model_takes_a_file_for_other_classes_and_without_the_auxiliary_classifier()
    {
        const string name = "torchvision/deeplabv3_mobilenet_v3_large";
        using ParameterStore weights = ParameterStore.FromRecipe(SegmentationVariant.Find(name).Variant.Build(64, 7, withAux: false).Graph.Parameters, 1);
        using SegmentationModel model = SegmentationModel.Create(name, new SegmentationOptions { Weights = weights, ResizeSize = 64 });
        Assert.AreEqual(7, model.NumClasses);
        Assert.IsTrue(model.ClassNames.IsEmpty);
        Assert.AreEqual((100, 60), (model.Segment(Picture(100, 60))[0].Width, model.Segment(Picture(100, 60))[0].Height));

        using SegmentationModel voc = SegmentationModel.Create("torchvision/lraspp_mobilenet_v3_large", new SegmentationOptions { RandomWeights = true });
        Assert.AreEqual("aeroplane", voc.ClassNames[1]);
        StringAssert.Contains(Assert.ThrowsExactly<ParameterMismatchException>(() => SegmentationModel.Create("torchvision/lraspp_mobilenet_v3_large", new SegmentationOptions { Weights = weights })).Message, "classifier.cbr.0.weight");
    }

    [TestMethod]
    public void Two_nodes_are_told_apart_by_torchvisions_keys()
    {
        using Backbone backbone = TestBackbone();
        SegmentationGraph one = SegmentationGraph.Build(backbone.Select(FeatureSelection.Nodes([("layer4", "out"), ("layer3", "aux")])), SegmentationMethod.Fcn, Classes);
        SegmentationGraph other = SegmentationGraph.Build(backbone.Select(FeatureSelection.Nodes([("layer3", "aux"), ("layer4", "out")])), SegmentationMethod.Fcn, Classes);
        CollectionAssert.AreEqual(other.Graph.Parameters.ToArray(), one.Graph.Parameters.ToArray());
        Assert.AreEqual("backbone.layer4.0.act2", one.Features[1].Map.Name);
    }

    [TestMethod]
    public void A_selection_that_does_not_fit_is_told()
    {
        using Backbone backbone = TestBackbone(), tokens = Backbones.Backbone.Create("test_vit", new BackboneOptions { RandomWeights = true });
        StringAssert.Contains(Refusal(backbone.Select(FeatureSelection.Pyramid([1, 2, 3])), SegmentationMethod.Fcn), "Fcn takes a map, and before it one for the auxiliary classifier");
        StringAssert.Contains(Refusal(backbone.Select(FeatureSelection.Pyramid([4])), SegmentationMethod.Lraspp), "Lraspp takes two maps");
        StringAssert.Contains(Refusal(backbone.Select(FeatureSelection.Pooled()), SegmentationMethod.Fcn), "'features' [96]");
        StringAssert.Contains(Refusal(tokens.Select(FeatureSelection.Unpooled), SegmentationMethod.DeepLabV3), "Select one or two levels of a pyramid, or nodes.");
    }

    [TestMethod]
    public void Numbers_and_options_without_sense_are_refused()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SegmentationModel.Create(Levels(4), 0, SegmentationMethod.Fcn, new SegmentationOptions { RandomWeights = true }));
        StringAssert.Contains(Assert.ThrowsExactly<ParameterMismatchException>(() => SegmentationModel.Create(Levels(4), 2, SegmentationMethod.Fcn, new SegmentationOptions())).Message, "give WeightsPath, Weights or RandomWeights");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => SegmentationModel.Create(Levels(4), 2, SegmentationMethod.Fcn, new SegmentationOptions { RandomWeights = true, ClassNames = ["a"] })).Message, "2 classes, the background included; 1 names");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SegmentationModel.Create("torchvision/fcn_resnet50", new SegmentationOptions { RandomWeights = true, ResizeSize = 0 }));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => SegmentationModel.Create(Levels(4), 2, SegmentationMethod.Fcn, new SegmentationOptions { Weights = ParameterStore.FromTensors([]), WeightsPath = "a" })).Message, "both were given");
    }

    [TestMethod]
    public void A_model_that_cannot_be_made_closes_its_weights()
    {
        SelectedFeatures features = Levels(3, 4);
        using var file = new TemporaryFile();
        using (SegmentationModel model = SegmentationModel.Create(features, Classes, SegmentationMethod.Fcn, new SegmentationOptions { RandomWeights = true }))
            model.SaveWeights(file.Path);
        var options = new SegmentationOptions { WeightsPath = file.Path };
        using (SegmentationModel.Create(features, Classes, SegmentationMethod.Fcn, options))
            Assert.IsTrue(file.IsOpen);
        Assert.ThrowsExactly<ParameterMismatchException>(() => SegmentationModel.Create(features, Classes + 1, SegmentationMethod.Fcn, options));
        Assert.ThrowsExactly<ArgumentException>(() => SegmentationModel.Create(features, Classes, SegmentationMethod.Fcn, options with { ClassNames = ["one"] }));
        Assert.ThrowsExactly<ParameterMismatchException>(() => SegmentationModel.Create("torchvision/fcn_resnet50", options));
        Assert.IsFalse(file.IsOpen);
    }

    [TestMethod]
    public void Scores_that_no_array_holds_are_refused()
    {
        using SegmentationModel model = SegmentationModel.Create(Levels(4), 60_000, SegmentationMethod.Fcn, new SegmentationOptions { RandomWeights = true, ResizeSize = 512 });
        Assert.Contains("the scores of 60000 classes", Assert.ThrowsExactly<ArgumentException>(() => model.Segment(Picture(3, 3))).Message);
    }

    [TestMethod]
    public void Pictures_that_cannot_be_segmented_are_told_by_number()
    {
        using SegmentationModel model = Create(SegmentationMethod.Fcn);
        Assert.ThrowsExactly<ArgumentException>(() => model.Segment([]));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Segment(Picture(3, 3), null!)).Message, "Picture 1 is null");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Segment(Picture(3, 3), new ImagePixels(new byte[5], 2, 2, PixelFormat.Rgb24))).Message, "Picture 1 cannot be scaled");
        using SegmentationModel named = SegmentationModel.Create("torchvision/fcn_resnet50", new SegmentationOptions { RandomWeights = true });
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => named.Segment(new ImagePixels(default, 0, 2, PixelFormat.Rgb24))).Message, "Picture 0 has 0×2 pixels");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => named.Segment(new ImagePixels(default, 1, 1_000_000, PixelFormat.Rgb24))).Message, "becomes 520×520000000");
    }

    [TestMethod]
    public void Weights_with_NaN_are_refused_and_scores_of_NaN_are_NaN()
    {
        using SegmentationModel model = Create(SegmentationMethod.Fcn);
        var tensors = model.Parameters.Tensors.Select(t => t.Name == "classifier.4.bias" ? new MemoryTensor(t.Name, t.Shape, [float.NaN, .. new float[Classes - 1]]) : t).ToArray();
        using ParameterStore broken = ParameterStore.FromTensors(tensors);
        StringAssert.Contains(Assert.ThrowsExactly<ParameterMismatchException>(() => SegmentationModel.Create(Levels(3, 4), Classes, SegmentationMethod.Fcn, new SegmentationOptions { Weights = broken })).Message, "classifier.4.bias");
        using SegmentationModel unchecked_ = SegmentationModel.Create(Levels(3, 4), Classes, SegmentationMethod.Fcn, new SegmentationOptions { Weights = broken, CheckFinite = false });
        Assert.IsTrue(unchecked_.Segment(Picture(8, 8))[0].Scores.ToArray().All(float.IsNaN));
    }

    [TestMethod]
    public void A_disposed_model_says_so()
    {
        SegmentationModel model = Create(SegmentationMethod.Fcn);
        model.Dispose();
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => model.Segment(Picture(8, 8)));
    }

    private static float[] Scores(SegmentationModel model, float[] input)
    {
        Graph graph = model.GraphFor(Size);
        var scores = new float[graph.Outputs[0].Shape.Length];
        using IPlan plan = new ManagedEngine().Compile(graph.WithOutputs(graph.Outputs[0]), model.Parameters, EngineOptions.Default);
        plan.Run(1, [input], [scores]);
        return scores;
    }

    private static string Refusal(SelectedFeatures features, SegmentationMethod method)
        => Assert.ThrowsExactly<GraphException>(() => SegmentationModel.Create(features, Classes, method, new SegmentationOptions { RandomWeights = true })).Message;

    private static SegmentationModel Create(SegmentationMethod method, SegmentationOptions? options = null)
        => SegmentationModel.Create(Levels(3, 4), Classes, method, options ?? new SegmentationOptions { RandomWeights = true });

    // Its weights are made from names: there is nothing to dispose.
    private static SelectedFeatures Levels(params int[] levels) => TestBackbone().Select(FeatureSelection.Pyramid(levels, outputStride: 8));

    private static Backbone TestBackbone() => Backbones.Backbone.Create(Backbone, new BackboneOptions { RandomWeights = true, ImageSize = Size });

    private static ImagePixels Picture(int width, int height, int seed = 1)
    {
        var pixels = new byte[3 * width * height];
        new Random(seed).NextBytes(pixels);
        return new ImagePixels(pixels, width, height, PixelFormat.Rgb24);
    }
}
