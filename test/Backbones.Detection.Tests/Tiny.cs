using Backbones.Engines;

namespace Backbones.Detection.Tests;

/// <summary>Detectors small enough for quick tests, with made-up weights, and pictures.</summary>
internal static class Tiny
{
    public const int Classes = 4;

    public static MaskRcnnOptions MaskOptions => new()
    {
        RandomWeights = true,
        MinSize = 64,
        MaxSize = 128,
        Pyramid = new(OutChannels: 16),
        RpnAnchorGenerator = new AnchorGenerator([[8], [16], [32], [64]], [[0.5f, 1, 2]]),
        RpnPreNmsTopN = 50,
        RpnPostNmsTopN = 20,
        BoxDetectionsPerImage = 10,
        BoxScoreThresh = 0.01,
        BoxRoIPool = new(3),
        MaskRoIPool = new(4),
        MaskLayers = [8],
        EngineOptions = new EngineOptions { Threads = 2 },
    };

    public static Backbone Backbone(string name = "test_resnet") => Backbones.Backbone.Create(name, new BackboneOptions { RandomWeights = true });

    /// <summary>Three levels of strides 8, 16 and 32.</summary>
    public static MaskRcnn MaskRcnn(Backbone backbone, MaskRcnnOptions? options = null)
        => Backbones.Detection.MaskRcnn.Create(backbone.Select(FeatureSelection.Pyramid(3)), Classes, options ?? MaskOptions);

    /// <summary>A picture of pseudo-random blocks.</summary>
    public static ImagePixels Picture(int width, int height, int seed = 1)
    {
        var pixels = new byte[width * height * 3];
        for (int i = 0; i < pixels.Length; i++)
        {
            uint block = (uint)(i / 3 % width / 8 * 31 + i / 3 / width / 8 * 17 + i % 3 * 7 + seed * 101);
            pixels[i] = (byte)(block * 2654435761 >> 24);
        }
        return new ImagePixels(pixels, width, height, Backbones.Imaging.PixelFormat.Rgb24);
    }

    /// <summary>All that was found, as text that can be compared.</summary>
    public static string Text(this Detections found)
        => string.Join('\n', found.Select(d => $"{d.Label} {d.Score:r} {d.Box} {d.Mask?.ToImage().Sum():r}"));
}
