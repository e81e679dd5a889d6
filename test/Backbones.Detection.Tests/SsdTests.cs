using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Detection.Tests;

[TestClass]
public sealed class SsdTests
{
    private static readonly Backbone s_backbone = Tiny.Backbone();

    private static SsdOptions Options => new() { RandomWeights = true, FixedSize = (64, 96), AnchorGenerator = new([[2], [2, 3], [1.5]]), ScoreThresh = 0.05 };

    [TestMethod]
    [DataRow("test_resnet", false)]
    [DataRow("test_convnext", true)]
    [DataRow("test_efficientnet", true)]
    public void Any_backbone_can_carry_it_and_boxes_are_in_the_pixels_of_the_given_image(string name, bool isLite)
    {
        using Backbone backbone = Tiny.Backbone(name);
        using Ssd detector = Create(Options with { LiteHead = isLite }, backbone);
        IReadOnlyList<Detections> found = detector.Detect(Tiny.Picture(150, 100), Tiny.Picture(60, 90));
        Assert.AreEqual((150, 100), (found[0].ImageWidth, found[0].ImageHeight));
        foreach (Detections image in found)
        {
            Assert.IsNotEmpty(image);
            Assert.IsTrue(image.Zip(image.Skip(1)).All(p => p.First.Score >= p.Second.Score));
            Assert.IsTrue(image.All(d => d.Box is { X1: >= 0, Y1: >= 0 } && d.Box.X2 <= image.ImageWidth + 1e-3f && d.Box.Y2 <= image.ImageHeight + 1e-3f && d.Label is > 0 and < Tiny.Classes));
        }
        Assert.AreEqual(isLite, detector.ParameterSpecs.Any(p => p.Name == "head.regression_head.module_list.2.0.1.running_var"));
    }

    [TestMethod]
    public void Images_of_other_shapes_have_the_same_results_together_as_alone()
    {
        using Ssd detector = Create(Options);
        IReadOnlyList<Detections> together = detector.Detect(Tiny.Picture(150, 100), Tiny.Picture(60, 90));
        Assert.AreEqual(detector.Detect(Tiny.Picture(150, 100))[0].Text(), together[0].Text());
        Assert.AreEqual(detector.Detect(Tiny.Picture(60, 90))[0].Text(), together[1].Text());
    }

    [TestMethod]
    public void The_best_boxes_of_each_class_are_candidates()
    {
        // Nothing suppresses anything here: what is left out, limits leave out.
        SsdOptions options = Options with { ScoreThresh = 0, NmsThresh = 1 };
        using Ssd one = Create(options with { TopKCandidates = 1 }), two = Create(options with { TopKCandidates = 2 }), few = Create(options with { DetectionsPerImage = 4 }), usual = Create(options);
        ImagePixels picture = Tiny.Picture(90, 64);
        Detections best = one.Detect(picture)[0], better = two.Detect(picture)[0], all = usual.Detect(picture)[0];
        CollectionAssert.AreEquivalent(new[] { 1, 2, 3 }, best.Select(d => d.Label).ToArray());
        Assert.HasCount(6, better);
        Assert.HasCount(200, all);
        foreach (IGrouping<int, Detection> label in better.GroupBy(d => d.Label))
            Assert.AreEqual(best.Single(d => d.Label == label.Key), label.First());
        CollectionAssert.AreEqual(all.Take(4).ToArray(), few.Detect(picture)[0].ToArray());
    }

    [TestMethod]
    public void A_threshold_above_all_scores_or_an_image_of_NaN_gives_no_detections()
    {
        var values = new float[3 * 64 * 64];
        Array.Fill(values, float.NaN);
        using Ssd detector = Create(Options with { ScoreThresh = -1 }), strict = Create(Options with { ScoreThresh = 1 });
        Assert.IsEmpty(detector.Detect(new ImageTensor(values, 64, 64))[0]);
        Assert.IsEmpty(strict.Detect(Tiny.Picture(90, 64))[0]);
    }

    [TestMethod]
    public void Images_are_resized_to_the_models_own_size_unless_another_is_given()
    {
        using Ssd own = Ssd.Create("torchvision/ssdlite320_mobilenet_v3_large", new SsdOptions { RandomWeights = true }), other = Ssd.Create("torchvision/ssdlite320_mobilenet_v3_large", new SsdOptions { RandomWeights = true, FixedSize = 100 });
        Assert.AreEqual(new Size2(320, 320), own.PaddedSizeOf(Tiny.Picture(90, 64), 0));
        Assert.AreEqual(new Size2(100, 100), other.PaddedSizeOf(Tiny.Picture(90, 64), 0));
        Assert.AreEqual(7 * 7 * 6, other.AnchorsOfLevels.Grids(100, other.BuildFeatures(100).LevelSizes)[0].Count);
        Assert.AreEqual(91, own.NumClasses);
        Assert.AreEqual("person", own.Categories[1]);
    }

    /// <summary>As made-up weights say of everything that it may be anything, the limit is reached.</summary>
    [TestMethod]
    public void SSDlite_gives_up_to_300_detections_unless_told_otherwise()
    {
        using Ssd own = Ssd.Create("torchvision/ssdlite320_mobilenet_v3_large", new SsdOptions { RandomWeights = true }), few = Ssd.Create("torchvision/ssdlite320_mobilenet_v3_large", new SsdOptions { RandomWeights = true, DetectionsPerImage = 7 });
        Detections found = own.Detect(Tiny.Picture(90, 64))[0];
        Assert.HasCount(300, found);
        CollectionAssert.AreEqual(found.Take(7).ToArray(), few.Detect(Tiny.Picture(90, 64))[0].ToArray());
    }

    [TestMethod]
    public void Weights_tell_the_number_of_classes()
    {
        using Ssd five = Ssd.Create("torchvision/ssdlite320_mobilenet_v3_large", new SsdOptions { RandomWeights = true, NumClasses = 5 });
        using Ssd again = Ssd.Create("torchvision/ssdlite320_mobilenet_v3_large", new SsdOptions { Weights = five.Parameters });
        Assert.AreEqual(5, again.NumClasses);
        ParameterStore other = ParameterStore.FromTensors(five.Parameters.Tensors.Where(t => t.Name != "backbone.extra.2.1.0.weight"));
        StringAssert.Contains(Assert.ThrowsExactly<ParameterMismatchException>(() => Ssd.Create("torchvision/ssdlite320_mobilenet_v3_large", new SsdOptions { Weights = other })).Message, "backbone.extra.2.1.0.weight");
    }

    [TestMethod]
    public void What_is_missing_or_makes_no_sense_is_told_of()
    {
        AssertRefused("AnchorGenerator is missing", Options with { AnchorGenerator = null });
        AssertRefused("FixedSize is missing", Options with { FixedSize = null });
        AssertRefused("MinSize", Options with { MinSize = 300 });
        AssertRefused("MaxSize", Options with { MaxSize = 300 });
        AssertRefused("are for 2 maps, the network has 3", Options with { AnchorGenerator = new([[2], [2]]) });
        AssertRefused("TopKCandidates", Options with { TopKCandidates = 0 });
        AssertRefused("DetectionsPerImage", Options with { DetectionsPerImage = 0 });
        AssertRefused("ScoreThresh", Options with { ScoreThresh = double.NaN });
        AssertRefused("NmsThresh", Options with { NmsThresh = double.NaN });
        AssertRefused("FixedSize", Options with { FixedSize = 0 });
        Assert.Contains("MinSize", Assert.ThrowsExactly<ArgumentException>(() => Ssd.Create("torchvision/ssd300_vgg16", new SsdOptions { MinSize = 300, RandomWeights = true })).Message);
        Assert.Contains("ssd300", Assert.ThrowsExactly<ArgumentException>(() => Detector.Create("torchvision/ssd300_vgg16", new FcosOptions())).Message);
    }

    [TestMethod]
    public void A_size_of_which_the_last_map_has_nothing_left_is_told_of()
    {
        var options = new SsdOptions { RandomWeights = true, CheckFinite = false };
        GraphException e = Assert.ThrowsExactly<GraphException>(() => Ssd.Create("torchvision/ssd300_vgg16", options with { FixedSize = (300, 267) }));
        Assert.Contains("300×267 in the last map", e.Message);
        Assert.Contains("268 or more", e.Message);
        using Ssd smallest = Ssd.Create("torchvision/ssd300_vgg16", options with { FixedSize = 268 });
        Assert.AreEqual(new Size2(1, 1), smallest.BuildFeatures(268).LevelSizes[^1]);
    }

    [TestMethod]
    public void Default_boxes_that_cannot_be_are_told_of()
    {
        Assert.Contains("aspect ratios for every map", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([])).Message);
        Assert.Contains("positive", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[0]])).Message);
        Assert.Contains("need 3 scales", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2], [2]], scales: [0.1, 0.2])).Message);
        Assert.Contains("received 0.1, -1", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2]], scales: [0.1, -1])).Message);
        Assert.Contains("need 3 scales", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2], [2]], minRatio: double.NaN)).Message);
        Assert.Contains("as many steps", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2]], steps: [8, 16])).Message);
        Assert.Contains("boxes of no width or height, or of infinite ones", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[1e300]])).Message);
        Assert.Contains("boxes of no width or height, or of infinite ones", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2]], scales: [1e200, 1], clip: false)).Message);
        Assert.Contains("1×1 or more; received an image of 64×0 and maps of 8×8", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2]]).Generate((64, 0), [8])).Message);
        Assert.Contains("A map of 100000×100000 with 4 anchors", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2]]).Generate(64, [100000])).Message);
        Assert.Contains("are for 1 maps, the network has 2", Assert.ThrowsExactly<ArgumentException>(() => new DefaultBoxGenerator([[2]]).Generate(64, [8, 4])).Message);
    }

    /// <summary>Three levels of strides 8, 16 and 32, of other channels each.</summary>
    private static Ssd Create(SsdOptions options, Backbone? backbone = null) => Ssd.Create((backbone ?? s_backbone).Select(FeatureSelection.Pyramid(3)), Tiny.Classes, options);

    private static void AssertRefused(string message, SsdOptions options)
    {
        Exception? e = null;
        try
        {
            Create(options).Dispose();
        }
        catch (ArgumentException thrown)
        {
            e = thrown;
        }
        Assert.Contains(message, e?.Message ?? "");
    }
}
