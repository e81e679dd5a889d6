using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Inputs;

/// <summary>Files featurized by path and as bytes have the features of Pillow's pixels; what these are is tested with the decoders.</summary>
[TestClass]
public sealed class EncodedImageTests
{
    private static readonly string s_pictures = Path.Combine(Samples.Root, "test", "data", "images");
    private static readonly string s_formats = Path.Combine(Samples.Root, "test", "data", "formats");
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Files_of_every_kind_have_the_features_of_pillows_pixels(bool applyExifOrientation)
    {
        EncodedRow[] rows = [.. Directory.EnumerateFiles(s_pictures).Concat(Directory.EnumerateFiles(s_formats)).Order(StringComparer.Ordinal).Select(p => new EncodedRow { Path = p, Bytes = File.ReadAllBytes(p) })];
        FeaturizerOptions options = Samples.Options with { ApplyExifOrientation = applyExifOrientation, BatchSize = 5 };
        IDataView data = _context.Data.LoadFromEnumerable(rows);
        using FeaturizerTransformer byPath = _context.Transforms.TimmFeatures("Features", "Path", options).Fit(data);
        using FeaturizerTransformer asBytes = _context.Transforms.TimmFeatures("Features", "Bytes", options).Fit(data);
        float[][] fromPaths = [.. byPath.Transform(data).GetColumn<float[]>("Features")];
        float[][] fromBytes = [.. asBytes.Transform(data).GetColumn<float[]>("Features")];

        using Backbone backbone = Backbone.Create(options.ModelName, options.ToBackboneOptions());
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled());
        for (int i = 0; i < rows.Length; i++)
        {
            float[] expected = extractor.Run(ImagePixels.Load(rows[i].Path, applyExifOrientation))[0][0].ToArray();
            Assert.IsLessThan(1e-6, Difference(expected, fromPaths[i]), rows[i].Path);
            Assert.IsLessThan(1e-6, Difference(expected, fromBytes[i]), rows[i].Path);
        }
    }

    [TestMethod]
    public void A_pipe_is_an_error_of_its_row_and_hangs_neither_the_cursor_nor_its_disposal()
    {
        string device = OperatingSystem.IsWindows() ? "NUL" : "/dev/zero";
        EncodedRow[] rows = [new() { Path = Path.Combine(s_pictures, "rgb.png") }, new() { Path = device }];
        IDataView data = _context.Data.LoadFromEnumerable(rows);
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Path", Samples.Options with { OnImageError = ImageErrorMode.Missing }).Fit(data);
        float[][] features = [.. transformer.Transform(data).GetColumn<float[]>("Features")];
        Assert.IsTrue(features[0].All(float.IsFinite));
        Assert.IsTrue(features[1].All(float.IsNaN));
    }

    private static double Difference(float[] expected, float[] actual)
        => Math.Sqrt(expected.Zip(actual, (e, a) => Math.Pow(e - a, 2)).Sum() / expected.Sum(e => e * e));

    private sealed class EncodedRow
    {
        public string Path { get; set; } = "";

        public byte[] Bytes { get; set; } = [];
    }
}
