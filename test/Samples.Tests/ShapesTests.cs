using Backbones;
using Backbones.Detection;
using Backbones.Imaging;
using Backbones.Layers;
using Backbones.Segmentation;
using Samples.Shapes;

namespace Samples.Tests;

/// <summary>The heads that the sample learned find the shapes of pictures that were not among those they learned from.</summary>
[TestClass]
public sealed class ShapesTests
{
    private const double FoundOverlap = 0.5;

    private static readonly string s_weights = Repository.In("samples", "weights", "test_resnet.textures16");

    private static readonly ShapePicture[] s_pictures = [.. Enumerable.Range(1, 40).Select(ShapePicture.Draw)];

    private static readonly ImagePixels[] s_images = [.. s_pictures.Select(p => new ImagePixels(p.Pixels, ShapePicture.Size, ShapePicture.Size, PixelFormat.Rgb24))];

    [TestMethod]
    public void The_detector_finds_the_shapes_and_little_else()
    {
        using Backbone backbone = Open();
        using Fcos detector = Fcos.Create(backbone.Select(FeatureSelection.Pyramid([2, 3])), ShapePicture.ClassNames.Count, new FcosOptions
        {
            WeightsPath = Repository.In("samples", "Shapes", "fcos.safetensors"),
            Pyramid = new FeaturePyramid(OutChannels: 32, ExtraBlocks.None),
            AnchorGenerator = new AnchorGenerator([[8], [16]], [[1]]),
            MinSize = ShapePicture.Size,
            ScoreThresh = 0.4,
        });
        (int shapes, int found, int wrong) = (0, 0, 0);
        double overlaps = 0;
        foreach ((int i, Detections detections) in s_images.Chunk(8).SelectMany(b => detector.Detect(b)).Index())
        {
            foreach (KnownShape shape in s_pictures[i].Shapes)
            {
                double best = detections.Where(d => d.Label == shape.Label).Select(d => Overlap(d.Box, shape)).DefaultIfEmpty().Max();
                shapes++;
                overlaps += best;
                found += best >= FoundOverlap ? 1 : 0;
            }
            wrong += detections.Count(d => !s_pictures[i].Shapes.Any(s => s.Label == d.Label && Overlap(d.Box, s) >= FoundOverlap));
        }
        string result = $"{found} of {shapes} shapes with an IoU of {FoundOverlap} or more, mean IoU {overlaps / shapes:0.000}, {wrong} detections that are none";
        Assert.IsGreaterThan(60, shapes);
        Assert.IsGreaterThanOrEqualTo(0.95 * shapes, found, result);
        Assert.IsGreaterThan(0.7, overlaps / shapes, result);
        Assert.IsLessThanOrEqualTo(0.1 * shapes, wrong, result);
    }

    [TestMethod]
    public void The_segmenter_tells_which_pixels_are_whose()
    {
        using Backbone backbone = Open();
        using SegmentationModel segmenter = SegmentationModel.Create(backbone.Select(FeatureSelection.Pyramid([1, 3])), ShapePicture.ClassNames.Count, SegmentationMethod.Lraspp,
            new SegmentationOptions { WeightsPath = Repository.In("samples", "Shapes", "lraspp.safetensors") });
        var maps = segmenter.Segment(s_images);
        for (int label = 0; label < ShapePicture.ClassNames.Count; label++)
        {
            (long both, long either) = (0, 0);
            for (int i = 0; i < maps.Length; i++)
            {
                for (int p = 0; p < s_pictures[i].Classes.Length; p++)
                {
                    (bool said, bool shown) = (maps[i].Classes.Span[p] == label, s_pictures[i].Classes[p] == label);
                    both += said && shown ? 1 : 0;
                    either += said || shown ? 1 : 0;
                }
            }
            Assert.IsGreaterThanOrEqualTo(FoundOverlap, (double)both / either, $"IoU of {ShapePicture.ClassNames[label]}");
        }
    }

    private static Backbone Open() => Backbone.Create("test_resnet.textures16", new BackboneOptions { WeightsPath = s_weights, ImageSize = ShapePicture.Size });

    private static double Overlap(Box box, KnownShape shape)
    {
        double across = Math.Min(box.X2, shape.X2) - Math.Max(box.X1, shape.X1), down = Math.Min(box.Y2, shape.Y2) - Math.Max(box.Y1, shape.Y1);
        double shared = Math.Max(across, 0) * Math.Max(down, 0);
        return shared / (box.Area + (shape.X2 - shape.X1) * (shape.Y2 - shape.Y1) - shared);
    }
}
