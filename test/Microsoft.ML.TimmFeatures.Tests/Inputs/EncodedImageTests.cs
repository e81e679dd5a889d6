using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Inputs;

/// <summary>Files featurized by path and as bytes have the features of Pillow's pixels on every package stack; what these are is tested with the decoders.</summary>
[TestClass]
public sealed class EncodedImageTests
{
    private static readonly string s_pictures = Path.Combine(Samples.Root, "test", "data", "images");
    private static readonly bool s_isEmbedded = typeof(MLImage).Assembly.GetName().Name == "Microsoft.ML.Core";
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Files_of_every_kind_have_the_features_of_pillows_pixels(bool applyExifOrientation)
    {
        EncodedRow[] rows = [.. Directory.EnumerateFiles(s_pictures).Order(StringComparer.Ordinal).Select(p => new EncodedRow { Path = p, Bytes = File.ReadAllBytes(p) })];
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
    public void Formats_that_are_not_decoded_here_are_left_to_the_packages_decoder()
    {
        byte[] gif = Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7");
        IDataView data = _context.Data.LoadFromEnumerable(new[] { new EncodedRow { Bytes = gif } });
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Bytes", Samples.Options).Fit(data);
        IDataView features = transformer.Transform(data);
        if (s_isEmbedded)
            StringAssert.Contains(Assert.Throws<Exception>(() => features.GetColumn<float[]>("Features").ToArray()).ToString(), "This is a GIF image");
        else
            Assert.IsTrue(features.GetColumn<float[]>("Features").Single().All(float.IsFinite));
    }

    private static double Difference(float[] expected, float[] actual)
        => Math.Sqrt(expected.Zip(actual, (e, a) => Math.Pow(e - a, 2)).Sum() / expected.Sum(e => e * e));

    private sealed class EncodedRow
    {
        public string Path { get; set; } = "";

        public byte[] Bytes { get; set; } = [];
    }
}
