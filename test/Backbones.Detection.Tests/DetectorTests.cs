using System.Collections;
using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Detection.Tests;

[TestClass]
public sealed class DetectorTests
{
    private static readonly Backbone s_backbone = Tiny.Backbone();

    [TestMethod]
    public void Detections_are_in_the_pixels_of_the_given_image_by_falling_score()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        IReadOnlyList<Detections> found = detector.Detect(Tiny.Picture(150, 100), Tiny.Picture(60, 90));
        Assert.HasCount(2, found);
        Assert.AreEqual((150, 100), (found[0].ImageWidth, found[0].ImageHeight));
        Assert.AreEqual((60, 90), (found[1].ImageWidth, found[1].ImageHeight));
        foreach (Detections image in found)
        {
            Assert.IsNotEmpty(image);
            Assert.IsTrue(image.Zip(image.Skip(1)).All(p => p.First.Score >= p.Second.Score));
            foreach (Detection detection in image)
            {
                // The corners of the image are not hit to the last bit: sizes are scaled in float32.
                Assert.IsTrue(detection.Box is { X1: >= 0, Y1: >= 0 } && detection.Box.X2 <= image.ImageWidth + 1e-3f && detection.Box.Y2 <= image.ImageHeight + 1e-3f);
                Assert.IsTrue(detection.Label is > 0 and < Tiny.Classes);
                Assert.HasCount(image.ImageWidth * image.ImageHeight, detection.Mask!.ToImage());
            }
        }
    }

    [TestMethod]
    [DataRow("test_convnext")]
    [DataRow("test_vit")]
    [DataRow("test_efficientnet")]
    public void Any_timm_backbone_can_carry_a_detector(string name)
    {
        using Backbone backbone = Tiny.Backbone(name);
        using MaskRcnn detector = Tiny.MaskRcnn(backbone);
        Detections found = detector.Detect(Tiny.Picture(90, 64))[0];
        Assert.IsNotEmpty(found);
        Assert.IsTrue(detector.ParameterSpecs.Any(p => p.Name.StartsWith("backbone.body.", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_network_that_was_added_to_the_selection_is_used_as_it_is()
    {
        SelectedFeatures levels = s_backbone.Select(FeatureSelection.Pyramid(3)).Extend((b, maps) => maps.Select(m => (m.Name, b.Conv2d($"lateral.{m.Name}", m.Map, 8, 1))));
        using FasterRcnn detector = FasterRcnn.Create(levels, Tiny.Classes, Tiny.MaskOptions with { Pyramid = null, RpnAnchorGenerator = new AnchorGenerator([[8], [16], [32]], [[1]]) });
        Assert.IsNotEmpty(detector.Detect(Tiny.Picture(90, 64))[0]);
        Assert.IsTrue(detector.ParameterSpecs.Any(p => p.Name == "backbone.body.lateral.2.weight"));
    }

    [TestMethod]
    public void Other_sizes_are_compiled_when_they_come_and_give_way_to_others()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { PlanCacheSize = 1 });
        string wide = detector.Detect(Tiny.Picture(128, 64))[0].Text();
        string high = detector.Detect(Tiny.Picture(64, 128))[0].Text();
        Assert.AreEqual(wide, detector.Detect(Tiny.Picture(128, 64))[0].Text());
        Assert.AreEqual(high, detector.Detect(Tiny.Picture(64, 128))[0].Text());
    }

    [TestMethod]
    public void Many_threads_get_the_same_results()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { PlanCacheSize = 2 });
        (int W, int H)[] sizes = [(128, 64), (64, 128), (64, 64), (96, 64)];
        string[] alone = [.. sizes.Select(s => detector.Detect(Tiny.Picture(s.W, s.H))[0].Text())];
        string[] together = new string[32];
        Parallel.For(0, together.Length, i => together[i] = detector.Detect(Tiny.Picture(sizes[i % 4].W, sizes[i % 4].H))[0].Text());
        for (int i = 0; i < together.Length; i++)
            Assert.AreEqual(alone[i % 4], together[i]);
    }

    [TestMethod]
    public void Memory_is_used_again()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        var workspace = (RcnnWorkspace)detector.CreateWorkspace();
        var image = new ImageTensor(new float[3 * 64 * 96], 64, 96);
        detector.Detect(workspace, [image]);
        object[] before = [workspace.Batch.Array, workspace.Output(0), workspace.BoxFeatures.Array, workspace.ClassLogits.Array, workspace.MaskLogits.Array, workspace.Keys.Array];
        detector.Detect(workspace, [image]);
        object[] after = [workspace.Batch.Array, workspace.Output(0), workspace.BoxFeatures.Array, workspace.ClassLogits.Array, workspace.MaskLogits.Array, workspace.Keys.Array];
        for (int i = 0; i < before.Length; i++)
            Assert.AreSame(before[i], after[i]);
    }

    [TestMethod]
    public void Saved_weights_make_the_same_detector()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("detector").FullName, "weights.safetensors");
        string expected;
        using (MaskRcnn detector = Tiny.MaskRcnn(s_backbone))
        {
            expected = detector.Detect(Tiny.Picture(90, 64))[0].Text();
            detector.SaveWeights(path);
        }
        using (MaskRcnn loaded = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { RandomWeights = false, WeightsPath = path }))
            Assert.AreEqual(expected, loaded.Detect(Tiny.Picture(90, 64))[0].Text());
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [TestMethod]
    public void A_detector_without_proposals_finds_objects_over_any_backbone()
    {
        SelectedFeatures levels = s_backbone.Select(FeatureSelection.Pyramid(3));
        FeaturePyramid pyramid = new(32, Layers.ExtraBlocks.LastLevelP6P7);
        using RetinaNet retina = RetinaNet.Create(levels, Tiny.Classes, new RetinaNetOptions { RandomWeights = true, MinSize = 64, MaxSize = 128, Pyramid = pyramid, GroupNorm = true });
        using Fcos fcos = Fcos.Create(levels, Tiny.Classes, new FcosOptions { RandomWeights = true, MinSize = 64, MaxSize = 128, Pyramid = pyramid });
        foreach (Detector detector in new Detector[] { retina, fcos })
        {
            Detections found = detector.Detect(Tiny.Picture(90, 64))[0];
            Assert.IsNotEmpty(found);
            Assert.IsNull(found[0].Mask);
        }
    }

    [TestMethod]
    public void Categories_are_the_labels_names()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { Categories = ["none", "square", "circle", "triangle"] });
        Assert.IsTrue(detector.Detect(Tiny.Picture(90, 64))[0].All(d => d.Category == detector.Categories[d.Label]));
    }

    [TestMethod]
    public void An_image_of_one_pixel_is_an_image()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        Detections found = detector.Detect(Tiny.Picture(1, 1))[0];
        Assert.AreEqual((1, 1), (found.ImageWidth, found.ImageHeight));
        Assert.IsTrue(found.All(d => d.Mask!.ToImage().Length == 1));
    }

    [TestMethod]
    public void Without_detections_the_result_is_empty()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { BoxScoreThresh = 1 });
        using MaskRcnn noProposals = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { RpnScoreThresh = 2 });
        Assert.IsEmpty(detector.Detect(Tiny.Picture(90, 64))[0]);
        Assert.IsEmpty(noProposals.Detect(Tiny.Picture(90, 64))[0]);
    }

    [TestMethod]
    public void Images_of_NaN_have_no_detections_as_with_torchvision()
    {
        var values = new float[3 * 64 * 64];
        Array.Fill(values, float.NaN);
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        using RetinaNet retina = RetinaNet.Create(s_backbone.Select(FeatureSelection.Pyramid(3)), Tiny.Classes, new RetinaNetOptions { RandomWeights = true, MinSize = 64 });
        Assert.IsEmpty(detector.Detect(new ImageTensor(values, 64, 64))[0]);
        Assert.IsEmpty(retina.Detect(new ImageTensor(values, 64, 64))[0]);
    }

    [TestMethod]
    public void NaN_beside_an_image_does_not_reach_it()
    {
        var values = new float[3 * 64 * 64];
        Array.Fill(values, float.NaN);
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        IReadOnlyList<Detections> found = detector.Detect(new ImageTensor(values, 64, 64), new ImageTensor(new float[3 * 64 * 64], 64, 64));
        Assert.IsEmpty(found[0]);
        Assert.AreEqual(detector.Detect(new ImageTensor(new float[3 * 64 * 64], 64, 64))[0].Text(), found[1].Text());
    }

    [TestMethod]
    public void Images_that_cannot_be_used_are_named()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        Assert.Contains("one image or more", Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(new List<ImagePixels>())).Message);
        Assert.Contains("Image 1", Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(Tiny.Picture(9, 9), null!)).Message);
        Assert.Contains("Image 0", Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(new ImagePixels(new byte[5], 9, 9, PixelFormat.Rgb24))).Message);
        Assert.Contains("at least one pixel", Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(new ImagePixels(default, 0, 0, PixelFormat.Rgb24))).Message);
        Assert.Contains("at least one pixel", Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(new ImageTensor(default, 0, 0))).Message);
        Assert.Contains("needs 243 values", Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(new ImageTensor(new float[9], 9, 9))).Message);
        Assert.Contains("nothing is left", Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(Tiny.Picture(1000, 1))).Message);
        Assert.IsNotEmpty(detector.Detect(Tiny.Picture(90, 64))[0]);
    }

    /// <summary>A picture of few pixels may be very many after resizing: it is refused before any of them is there.</summary>
    [TestMethod]
    public void Batches_that_fit_no_array_are_refused()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { MinSize = 512, MaxSize = 512 });
        ImagePixels picture = Tiny.Picture(2, 2);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => detector.Detect(Enumerable.Repeat(picture, 5000).ToList())).Message, "more than one run can hold");
    }

    [TestMethod]
    public void A_disposed_detector_says_so()
    {
        MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        detector.Dispose();
        detector.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => detector.Detect(Tiny.Picture(9, 9)));
    }

    [TestMethod]
    public void A_run_that_has_begun_ends_well_when_the_detector_is_disposed()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("detector").FullName, "weights.safetensors");
        string expected;
        using (MaskRcnn detector = Tiny.MaskRcnn(s_backbone))
        {
            expected = detector.Detect(Tiny.Picture(90, 64))[0].Text();
            detector.SaveWeights(path);
        }
        // Neither plans nor the mapped file may go away meanwhile.
        MaskRcnn disposed = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { RandomWeights = false, WeightsPath = path });
        Assert.AreEqual(expected, disposed.Detect(new DisposingList(disposed, Tiny.Picture(90, 64)))[0].Text());
        Assert.ThrowsExactly<ObjectDisposedException>(() => disposed.Detect(Tiny.Picture(90, 64)));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [TestMethod]
    public void An_image_that_is_more_than_a_run_can_hold_is_told_of()
    {
        using MaskRcnn huge = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { MinSize = 40_000, MaxSize = 40_000 });
        Assert.Contains("smaller MinSize", Assert.ThrowsExactly<ArgumentException>(() => huge.Detect(Tiny.Picture(1, 1))).Message);
    }

    [TestMethod]
    public void Without_a_threshold_everything_is_a_detection()
    {
        SelectedFeatures levels = s_backbone.Select(FeatureSelection.Pyramid(3));
        FeaturePyramid pyramid = new(32, Layers.ExtraBlocks.LastLevelP6P7);
        foreach (double none in new[] { 0, -1.0 })
        {
            using RetinaNet retina = RetinaNet.Create(levels, Tiny.Classes, new RetinaNetOptions { RandomWeights = true, MinSize = 64, MaxSize = 128, Pyramid = pyramid, ScoreThresh = none, NmsThresh = 1 });
            using Fcos fcos = Fcos.Create(levels, Tiny.Classes, new FcosOptions { RandomWeights = true, MinSize = 64, MaxSize = 128, Pyramid = pyramid, ScoreThresh = none, NmsThresh = 1 });
            Assert.HasCount(300, retina.Detect(Tiny.Picture(90, 64))[0]);
            Assert.HasCount(100, fcos.Detect(Tiny.Picture(90, 64))[0]);
        }
    }

    [TestMethod]
    public void The_backbones_batch_normalisations_may_have_another_eps()
    {
        using MaskRcnn usual = Tiny.MaskRcnn(s_backbone), other = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { BatchNormEps = 0.5f });
        Assert.IsTrue(other.Body.Build(64).Graph.Nodes.Select(n => n.Operator).OfType<BatchNormOp>().All(n => n.Eps == 0.5f));
        Assert.AreNotEqual(usual.Detect(Tiny.Picture(90, 64))[0].Text(), other.Detect(Tiny.Picture(90, 64))[0].Text());
    }

    [TestMethod]
    public void A_selection_that_is_no_pyramid_is_refused()
    {
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => MaskRcnn.Create(s_backbone.Select(FeatureSelection.Pooled()), 2, Tiny.MaskOptions)).Message, "Select a pyramid");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => MaskRcnn.Create(s_backbone.Select(FeatureSelection.Pyramid(3)), 2, Tiny.MaskOptions with { Pyramid = null })).Message, "Set Pyramid");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => MaskRcnn.Create(s_backbone.Select(FeatureSelection.Pyramid(2)), 2, Tiny.MaskOptions)).Message, "anchors are for 4 maps");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => MaskRcnn.Create(s_backbone.Select(FeatureSelection.Pyramid(3)), 2, Tiny.MaskOptions with { MaskRoIPool = new(7) { FeatmapNames = ["8"] } })).Message, "FeatmapNames");
    }

    [TestMethod]
    public void Weights_for_other_classes_are_told_of()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        var e = Assert.ThrowsExactly<ParameterMismatchException>(() => MaskRcnn.Create(s_backbone.Select(FeatureSelection.Pyramid(3)), 7, Tiny.MaskOptions with { Weights = detector.Parameters }));
        StringAssert.Contains(e.Message, "roi_heads.box_predictor.cls_score.weight: the weights have [4, 1024], the model takes [7, 1024]");
    }

    [TestMethod]
    public void Heads_without_weights_are_told_of()
    {
        var e = Assert.ThrowsExactly<ParameterMismatchException>(() => Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { RandomWeights = false }));
        StringAssert.Contains(e.Message, "give WeightsPath, Weights or RandomWeights");
    }

    [TestMethod]
    public void Weights_of_NaN_are_told_of()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        ParameterStore broken = ParameterStore.FromTensors(detector.Parameters.Tensors.Select(t => t.Name == "rpn.head.cls_logits.bias" ? new MemoryTensor(t.Name, t.Shape, [float.NaN, 0, 0]) : t));
        var e = Assert.ThrowsExactly<ParameterMismatchException>(() => Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { Weights = broken }));
        StringAssert.Contains(e.Message, "rpn.head.cls_logits.bias");
    }

    [TestMethod]
    public void Scores_of_NaN_are_no_detections()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone);
        ParameterStore broken = ParameterStore.FromTensors(detector.Parameters.Tensors.Select(t => t.Name == "roi_heads.box_predictor.cls_score.bias" ? new MemoryTensor(t.Name, t.Shape, [0, float.NaN, 0, 0]) : t));
        using MaskRcnn nan = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { Weights = broken, CheckFinite = false });
        Assert.IsEmpty(nan.Detect(Tiny.Picture(90, 64))[0]);
    }

    [TestMethod]
    public void Options_that_make_no_sense_are_refused()
    {
        SelectedFeatures levels = s_backbone.Select(FeatureSelection.Pyramid(3));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => MaskRcnn.Create(levels, 0, Tiny.MaskOptions));
        foreach (MaskRcnnOptions bad in new[]
        {
            Tiny.MaskOptions with { MinSize = 0 }, Tiny.MaskOptions with { PlanCacheSize = 0 }, Tiny.MaskOptions with { RpnPreNmsTopN = 0 }, Tiny.MaskOptions with { SizeDivisible = 0 },
            Tiny.MaskOptions with { ImageMean = [1, 2] }, Tiny.MaskOptions with { ImageStd = [1, 0, 1] }, Tiny.MaskOptions with { MaskLayers = [] }, Tiny.MaskOptions with { BoxRoIPool = new(0) },
            Tiny.MaskOptions with { NumClasses = 9 }, Tiny.MaskOptions with { RpnAnchorGenerator = new AnchorGenerator([[8], [16], [32], [64, 80]], [[1]]) }, Tiny.MaskOptions with { FixedSize = 0 },
            Tiny.MaskOptions with { Categories = ["none", "square"] }, Tiny.MaskOptions with { BoxScoreThresh = double.NaN }, Tiny.MaskOptions with { RpnNmsThresh = double.NaN },
            Tiny.MaskOptions with { BatchNormEps = -1 }, Tiny.MaskOptions with { BoxRoIPool = null! }, Tiny.MaskOptions with { MaskRoIPool = null! }, Tiny.MaskOptions with { EngineOptions = null! },
            Tiny.MaskOptions with { BBoxRegWeights = new(10, 0, 5, 5) }, Tiny.MaskOptions with { BBoxRegWeights = new(10, 10, float.NaN, 5) }, Tiny.MaskOptions with { MaskRoIPool = new((4, 6)) },
        })
        {
            Exception? e = null;
            try
            {
                MaskRcnn.Create(levels, 4, bad).Dispose();
            }
            catch (ArgumentException thrown)
            {
                e = thrown;
            }
            Assert.IsNotNull(e, bad.ToString());
        }
    }

    /// <summary>Before anything is made of them: these would take all of a machine's memory, or an hour.</summary>
    [TestMethod]
    public void Numbers_beyond_all_reason_are_refused_with_what_is_valid()
    {
        SelectedFeatures levels = s_backbone.Select(FeatureSelection.Pyramid(3));
        const int absurd = 2_000_000_000;
        Refused("1 to 65536 classes", () => MaskRcnn.Create(levels, absurd, Tiny.MaskOptions));
        Refused("1 to 65536", () => Detector.Create("torchvision/retinanet_resnet50_fpn", new RetinaNetOptions { RandomWeights = true, NumClasses = absurd }));
        Refused("1 to 4096", () => KeypointRcnn.Create(levels, 2, new KeypointRcnnOptions { RandomWeights = true, NumKeypoints = absurd }));
        Refused("1 or more", () => Fcos.Create(levels, 2, new FcosOptions { RandomWeights = true, DetectionsPerImage = -1 }));
        foreach ((string valid, MaskRcnnOptions bad) in new (string, MaskRcnnOptions)[]
        {
            ("1 to 65536", Tiny.MaskOptions with { MinSize = absurd }), ("1 to 65536", Tiny.MaskOptions with { MaxSize = absurd }), ("1 to 65536", Tiny.MaskOptions with { FixedSize = (64, absurd) }),
            ("1 to 4096", Tiny.MaskOptions with { SizeDivisible = absurd }), ("1 to 4096", Tiny.MaskOptions with { Pyramid = new(absurd) }), ("1 to 4096", Tiny.MaskOptions with { MaskLayers = [absurd] }),
            ("1 to 100", Tiny.MaskOptions with { RpnConvDepth = absurd }), ("1 to 100", Tiny.MaskOptions with { BoxHeadConvs = int.MaxValue }), ("1 to 100", Tiny.MaskOptions with { BoxHeadConvs = -1 }),
            ("1 to 64", Tiny.MaskOptions with { BoxRoIPool = new(absurd) }), ("64 or less", Tiny.MaskOptions with { BoxRoIPool = new(3, absurd) }),
            ("1 or more", Tiny.MaskOptions with { BoxRoIPool = new(3) { CanonicalScale = 0 } }), ("0 (all cores) to 1024", Tiny.MaskOptions with { EngineOptions = new() { Threads = absurd } }),
            ("positive", Tiny.MaskOptions with { ImageMean = [0, float.NaN, 0] }), ("positive", Tiny.MaskOptions with { ImageStd = [1, float.PositiveInfinity, 1] }),
            ("three values", Tiny.MaskOptions with { ImageStd = default(ImmutableArray<float>) }), ("give names", Tiny.MaskOptions with { Categories = default(ImmutableArray<string>) }),
        })
        {
            Refused(valid, () => MaskRcnn.Create(levels, 2, bad));
        }

        static void Refused(string valid, Func<Detector> make) => Assert.Contains(valid, Assert.Throws<ArgumentException>(make).Message);
    }

    [TestMethod]
    public void The_largest_number_of_proposals_and_detections_is_all_of_them()
    {
        using MaskRcnn detector = Tiny.MaskRcnn(s_backbone, Tiny.MaskOptions with { RpnPreNmsTopN = int.MaxValue, RpnPostNmsTopN = int.MaxValue, BoxDetectionsPerImage = int.MaxValue, RpnNmsThresh = 1, BoxNmsThresh = 1, BoxScoreThresh = -1 });
        Assert.IsGreaterThan(Tiny.MaskOptions.BoxDetectionsPerImage, detector.Detect(Tiny.Picture(90, 64))[0].Count);
    }

    [TestMethod]
    public void A_detector_that_cannot_be_made_closes_its_weights()
    {
        SelectedFeatures levels = s_backbone.Select(FeatureSelection.Pyramid(3));
        using var file = new TemporaryFile();
        using (MaskRcnn detector = Tiny.MaskRcnn(s_backbone))
            detector.SaveWeights(file.Path);
        MaskRcnnOptions mask = Tiny.MaskOptions with { RandomWeights = false, WeightsPath = file.Path };
        using (MaskRcnn usual = Tiny.MaskRcnn(s_backbone, mask))
            Assert.IsTrue(file.IsOpen, "This machine does not tell which files are open.");
        Assert.IsFalse(file.IsOpen);
        // In the constructor, in what comes behind it, in the weights.
        Assert.ThrowsExactly<ArgumentException>(() => Fcos.Create(levels, 2, new FcosOptions { WeightsPath = file.Path, AnchorGenerator = new AnchorGenerator([[8, 16]], [[1]]) }));
        Assert.IsFalse(file.IsOpen);
        Assert.ThrowsExactly<ArgumentException>(() => Ssd.Create(levels, 2, new SsdOptions { WeightsPath = file.Path, FixedSize = 64, AnchorGenerator = new DefaultBoxGenerator([[2]]) }));
        Assert.IsFalse(file.IsOpen);
        Assert.ThrowsExactly<ArgumentException>(() => Tiny.MaskRcnn(s_backbone, mask with { Categories = ["one"] }));
        Assert.IsFalse(file.IsOpen);
        Assert.ThrowsExactly<ParameterMismatchException>(() => MaskRcnn.Create(levels, 7, mask));
        Assert.IsFalse(file.IsOpen);
    }

    /// <summary>Disposes a detector that has begun to read it.</summary>
    private sealed class DisposingList(Detector detector, ImagePixels image) : IReadOnlyList<ImagePixels>
    {
        public int Count => 1;

        public ImagePixels this[int index] => image;

        public IEnumerator<ImagePixels> GetEnumerator()
        {
            detector.Dispose();
            yield return image;
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
