using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Detection.Tests;

/// <summary>Parts of Keypoint R-CNN, for which there are no reference runs, against plain arithmetic.</summary>
[TestClass]
public sealed class KeypointTests
{
    [TestMethod]
    public void A_transposed_convolution_is_what_its_definition_says()
    {
        (int channels, int outChannels, int height, int width) = (5, 3, 4, 6);
        var b = new GraphBuilder([channels, height, width]);
        Graph graph = b.Build(RoIHead.TransposedConv4x4(b, "up", b.Input, outChannels));
        ParameterStore parameters = ParameterStore.FromRecipe(graph.Parameters, 1);
        float[] input = Random(channels * height * width, 1), weight = parameters["up.weight"].ToArray(), bias = parameters["up.bias"].ToArray();
        var expected = new double[outChannels, 2 * height, 2 * width];
        for (int o = 0; o < outChannels; o++)
        {
            for (int y = 0; y < 2 * height; y++)
            {
                for (int x = 0; x < 2 * width; x++)
                    expected[o, y, x] = bias[o];
            }
            for (int c = 0; c < channels; c++)
            {
                for (int i = 0; i < height * width * 16; i++)
                {
                    (int y, int x, int kernelY, int kernelX) = (i / 16 / width, i / 16 % width, i / 4 % 4, i % 4);
                    (int outY, int outX) = (2 * y - 1 + kernelY, 2 * x - 1 + kernelX);
                    if (outY >= 0 && outY < 2 * height && outX >= 0 && outX < 2 * width)
                        expected[o, outY, outX] += (double)input[(c * height + y) * width + x] * weight[((c * outChannels + o) * 4 + kernelY) * 4 + kernelX];
                }
            }
        }
        using IPlan plan = new ManagedEngine().Compile(graph, parameters, EngineOptions.Default);
        var output = new float[expected.Length];
        plan.Run(1, [input], [output]);
        int at = 0;
        foreach (double value in expected)
            Assert.AreEqual(value, output[at++], 1e-5);
    }

    [TestMethod]
    public void Points_are_the_peaks_of_the_resized_heatmaps()
    {
        const int Side = 12, Keypoints = 3;
        var boxes = new BoxList();
        foreach (Box box in new Box[] { new(3.5f, 2, 33, 41.25f), new(0, 0, 5, 70), new(7, 7, 7.2f, 7.1f) })
            boxes.Add(box, 1, 0);
        float[] heatmaps = Random(boxes.Count * Keypoints * Side * Side, 3);
        var points = new Grown<Keypoint>();
        new HeatmapPeaks(WorkerPool.Of(2)).Run(heatmaps, Side, Keypoints, boxes, points);
        for (int i = 0; i < boxes.Count * Keypoints; i++)
        {
            Box box = boxes[i / Keypoints];
            double boxWidth = Math.Max(box.Width, 1), boxHeight = Math.Max(box.Height, 1);
            (int width, int height) = ((int)Math.Ceiling(boxWidth), (int)Math.Ceiling(boxHeight));
            (double Value, int X, int Y) best = (double.NegativeInfinity, 0, 0);
            for (int pixel = 0; pixel < width * height; pixel++)
            {
                double value = 0;
                foreach ((int y, double yWeight) in Taps(pixel / width, height))
                {
                    foreach ((int x, double xWeight) in Taps(pixel % width, width))
                        value += yWeight * xWeight * heatmaps[(i * Side + y) * Side + x];
                }
                if (value > best.Value + 1e-6)
                    best = (value, pixel % width, pixel / width);
            }
            Assert.AreEqual(best.Value, points.Array[i].Score, 1e-5);
            Assert.AreEqual((best.X + 0.5) * boxWidth / width + box.X1, points.Array[i].X, 1e-4);
            Assert.AreEqual((best.Y + 0.5) * boxHeight / height + box.Y1, points.Array[i].Y, 1e-4);
        }

        static IEnumerable<(int Index, double Weight)> Taps(int position, int outSize)
        {
            double source = (double)Side / outSize * (position + 0.5) - 0.5, floor = Math.Floor(source);
            for (int i = -1; i <= 2; i++)
            {
                double d = Math.Abs(source - floor - i);
                yield return (Math.Clamp((int)floor + i, 0, Side - 1), d <= 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3);
            }
        }
    }

    [TestMethod]
    public void Points_lie_in_their_boxes_in_the_pixels_of_the_given_image()
    {
        using Backbone backbone = Tiny.Backbone();
        MaskRcnnOptions tiny = Tiny.MaskOptions;
        using KeypointRcnn detector = KeypointRcnn.Create(backbone.Select(FeatureSelection.Pyramid(3)), 2, new KeypointRcnnOptions
        {
            RandomWeights = true,
            MinSize = tiny.MinSize,
            MaxSize = tiny.MaxSize,
            Pyramid = tiny.Pyramid,
            RpnAnchorGenerator = tiny.RpnAnchorGenerator,
            RpnPostNmsTopN = 20,
            BoxDetectionsPerImage = 5,
            BoxScoreThresh = 0.01,
            BoxRoIPool = new(3),
            KeypointRoIPool = new(4),
            KeypointLayers = [8],
            NumKeypoints = 4,
        });
        IReadOnlyList<Detections> found = detector.Detect(Tiny.Picture(150, 100), Tiny.Picture(60, 90));
        foreach (Detection detection in found.SelectMany(f => f))
        {
            Assert.HasCount(4, detection.Keypoints);
            Assert.IsNull(detection.Mask);
            // Boxes narrower than a pixel of the resized image have points up to one of its pixels away.
            Assert.IsTrue(detection.Keypoints.All(p => p.X >= detection.Box.X1 && p.X <= detection.Box.X2 + 2 && p.Y >= detection.Box.Y1 && p.Y <= detection.Box.Y2 + 2));
        }
        Assert.IsNotEmpty(found[0]);
    }

    private static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
