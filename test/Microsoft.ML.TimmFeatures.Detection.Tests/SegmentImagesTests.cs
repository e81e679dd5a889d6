using Backbones.Registry;
using Backbones.Segmentation;
using Backbones.Weights;
using Microsoft.ML.TimmFeatures.Detection.Models;
using Microsoft.ML.TimmFeatures.Sessions;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Detection.Tests;

[TestClass]
public sealed class SegmentImagesTests
{
    private const string Model = "torchvision/lraspp_mobilenet_v3_large";

    private readonly MLContext _context = new(seed: 1);

    internal static FeaturizerOptions Options { get; } = new() { ModelName = Model, RandomWeights = true, ImageSize = 64 };

    [TestMethod]
    public void Columns_have_the_classes_names()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
        ImageSegmenter segmenter = _context.Transforms.SegmentImages("Classes", "Image", Options);
        using ImageModelTransformer transformer = segmenter.Fit(data);
        DataViewSchema schema = transformer.GetOutputSchema(data.Schema);
        Assert.AreEqual("Vector<Key<UInt32, 0-20>, *, *>", schema["Classes"].Type.ToString());
        Assert.AreEqual("Vector<Single, *, *>", schema["Classes_Scores"].Type.ToString());
        string[] names = schema.KeyNames("Classes");
        Assert.AreEqual((21, "__background__", "tvmonitor"), (names.Length, names[0], names[^1]));
        CollectionAssert.AreEqual(SchemaShapes.Describe(SchemaShapes.Of(schema)), SchemaShapes.Describe(segmenter.GetOutputSchema(SchemaShapes.Of(data.Schema))));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Maps_are_the_models(bool originalSize)
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
        using ImageModelTransformer transformer = _context.Transforms.SegmentImages("Classes", "Image", Options with { BatchSize = 3 }, originalSize).Fit(data);
        IDataView view = transformer.Transform(data);
        (uint[][] classes, float[][] scores, int[][] sizes) = (view.Read<uint>("Classes"), view.Read<float>("Classes_Scores"), view.Read<int>("Classes_Size"));
        using SegmentationModel model = SegmentationModel.Create(Model, new SegmentationOptions { RandomWeights = true, ResizeSize = 64, OriginalSize = originalSize });
        foreach ((int i, SegmentedImage map) in model.Segment(Rows.Pictures).Index())
        {
            CollectionAssert.AreEqual(map.Classes.ToArray().Select(c => (uint)c + 1).ToArray(), classes[i]);
            CollectionAssert.AreEqual(map.Scores.ToArray(), scores[i]);
            CollectionAssert.AreEqual(new[] { map.Height, map.Width }, sizes[i]);
            Assert.IsTrue(!originalSize || (map.Width == Rows.Pictures[i].Width && map.Height == Rows.Pictures[i].Height));
        }
    }

    /// <summary>A file that stays open cannot be replaced on Windows.</summary>
    [TestMethod]
    public void A_disposed_transformer_has_closed_its_weights()
    {
        string folder = Directory.CreateTempSubdirectory("timm-segment").FullName, file = Path.Combine(folder, "weights.safetensors");
        SafetensorsWriter.Write(file, RecipeWeights.Tensors(SegmentationVariant.Find(Model).Variant.Build(64, 3).Graph.Parameters, 1));
        ParameterTensor tensor;
        using (ImageModelTransformer transformer = _context.Transforms.SegmentImages("Classes", "Image", Options with { RandomWeights = false, WeightsPath = file }).Fit(_context.Data.LoadFromEnumerable(Rows.Images)))
        using (Lease<ImageModel> model = transformer.TakeModel())
            tensor = model.Value.Parameters.Tensors[0];
        Assert.ThrowsExactly<ObjectDisposedException>(() => tensor.ToArray());
        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void A_file_for_other_classes_is_saved_by_reference_and_inside_the_model()
    {
        string folder = Directory.CreateTempSubdirectory("timm-segment").FullName, file = Path.Combine(folder, "weights.safetensors");
        try
        {
            SafetensorsWriter.Write(file, RecipeWeights.Tensors(SegmentationVariant.Find(Model).Variant.Build(64, 6).Graph.Parameters, 1));
            IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
            FeaturizerOptions options = Options with { RandomWeights = false, WeightsPath = file };
            using ImageModelTransformer transformer = _context.Transforms.SegmentImages("Classes", "Image", options).Fit(data);
            Assert.AreEqual("Vector<Key<UInt32, 0-5>, *, *>", transformer.GetOutputSchema(data.Schema)["Classes"].Type.ToString());
            uint[][] expected = transformer.Transform(data).Read<uint>("Classes");

            byte[] embedded = Save(transformer, data);
            CollectionAssert.AreEqual(expected[1], _context.Model.Load(new MemoryStream(embedded), out _).Transform(data).Read<uint>("Classes")[1]);

            using ImageModelTransformer referring = transformer.With(transformer.Options with { WeightStorage = WeightStorage.Referenced });
            byte[] reference = Save(referring, data);
            Assert.IsLessThan(embedded.Length / 10, reference.Length);
            // A model must not choose a path of this machine.
            Exception e = Assert.Throws<Exception>(() => _context.Model.Load(new MemoryStream(reference), out _));
            StringAssert.Contains(FeaturizerErrors.CauseOf(e).Message, "outside the folders of weights");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void A_picture_that_cannot_be_read_leaves_the_others()
    {
        string good = Path.Combine(Samples.Pictures, Samples.All.First().Path);
        IDataView data = _context.Data.LoadFromEnumerable([new PathRow { Path = "no/such.jpg" }, new PathRow { Path = good }, new PathRow()]);
        using (ImageModelTransformer strict = _context.Transforms.SegmentImages("Classes", "Path", Options).Fit(data))
        {
            var e = (ImageRowException)FeaturizerErrors.CauseOf(Assert.Throws<Exception>(() => strict.Transform(data).Read<uint>("Classes")));
            Assert.AreEqual((0L, "no/such.jpg"), (e.Row, e.Path));
        }
        using ImageModelTransformer lenient = _context.Transforms.SegmentImages("Classes", "Path", Options with { OnImageError = ImageErrorMode.Missing }).Fit(data);
        uint[][] classes = lenient.Transform(data).Read<uint>("Classes");
        Assert.IsTrue(classes[0].Length == 0 && classes[1].Length > 0 && classes[2].Length == 0);
    }

    [TestMethod]
    public void A_model_of_another_kind_is_not_taken()
        => StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => _context.Transforms.SegmentImages("Classes", "Image", "torchvision/fcn_resnet5")).Message, "Did you mean 'torchvision/fcn_resnet50'");

    private byte[] Save(ITransformer transformer, IDataView data)
    {
        using var stream = new MemoryStream();
        _context.Model.Save(transformer, data.Schema, stream);
        return stream.ToArray();
    }
}
