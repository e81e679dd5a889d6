using System.IO.Compression;
using System.Text;
using Backbones;
using Backbones.Detection;
using Backbones.Registry;
using Backbones.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Detection.Models;
using Microsoft.ML.TimmFeatures.Detection.Serialization;
using Microsoft.ML.TimmFeatures.Sessions;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Detection.Tests;

[TestClass]
public sealed class DetectObjectsTests
{
    private const string Model = "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn";
    private const double AnyScore = 0.01;

    private static readonly FeaturizerOptions s_options = new() { ModelName = Model, RandomWeights = true, ImageSize = 64 };

    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    public void Columns_have_the_types_and_names_of_what_is_found()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
        ObjectDetector detector = _context.Transforms.DetectObjects("Objects", "Image", s_options);
        CollectionAssert.AreEqual(new[] { "Objects_Boxes", "Objects_Labels", "Objects_Scores", "Objects_Size" }, detector.OutputColumnNames.ToArray());
        using ImageModelTransformer transformer = detector.Fit(data);
        DataViewSchema schema = transformer.GetOutputSchema(data.Schema);
        Assert.AreEqual("Vector<Single, *, 4>", schema["Objects_Boxes"].Type.ToString());
        Assert.AreEqual("Vector<Key<UInt32, 0-89>>", schema["Objects_Labels"].Type.ToString());
        Assert.AreEqual("Vector<Single>", schema["Objects_Scores"].Type.ToString());
        Assert.AreEqual("Vector<Int32, 2>", schema["Objects_Size"].Type.ToString());
        string[] names = schema.KeyNames("Objects_Labels");
        Assert.AreEqual((90, "person", "toothbrush"), (names.Length, names[0], names[^1]));
        ReadOnlyMemory<char> model = default;
        schema["Objects_Boxes"].Annotations.GetValue(FeatureAnnotations.ModelName, ref model);
        Assert.AreEqual(Model + ".coco_v1", model.ToString());
        CollectionAssert.AreEqual(SchemaShapes.Describe(SchemaShapes.Of(schema)), SchemaShapes.Describe(detector.GetOutputSchema(SchemaShapes.Of(data.Schema))));
    }

    [TestMethod]
    public void Boxes_labels_and_scores_are_the_detectors_whatever_the_batch()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
        using Detector detector = Detector.Create(Model, new FasterRcnnOptions { RandomWeights = true, MinSize = 64, BoxScoreThresh = AnyScore });
        foreach (int batch in new[] { 1, 3 })
        {
            using ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", s_options with { BatchSize = batch }, AnyScore).Fit(data);
            IDataView view = transformer.Transform(data);
            (float[][] boxes, uint[][] labels, float[][] scores, int[][] sizes) = (view.Read<float>("Objects_Boxes"), view.Read<uint>("Objects_Labels"), view.Read<float>("Objects_Scores"), view.Read<int>("Objects_Size"));
            Detections[] expected = [.. Rows.Pictures.Select(p => detector.Detect(p)[0])];
            Assert.IsTrue(expected.Any(e => e.Count > 0), "nothing is found");
            for (int i = 0; i < expected.Length; i++)
            {
                CollectionAssert.AreEqual(expected[i].SelectMany(d => (float[])[d.Box.X1, d.Box.Y1, d.Box.X2, d.Box.Y2]).ToArray(), boxes[i]);
                CollectionAssert.AreEqual(expected[i].Select(d => (uint)d.Label).ToArray(), labels[i]);
                CollectionAssert.AreEqual(expected[i].Select(d => d.Score).ToArray(), scores[i]);
                CollectionAssert.AreEqual(new[] { Rows.Pictures[i].Height, Rows.Pictures[i].Width }, sizes[i]);
                for (int b = 0; b < boxes[i].Length; b++)
                    Assert.IsTrue(boxes[i][b] >= 0 && boxes[i][b] <= sizes[i][1 - b % 2], "boxes are inside the picture");
            }
        }
    }

    [TestMethod]
    public void Paths_and_encoded_images_are_found_in_as_their_pixels_are()
    {
        string[] paths = [.. Samples.All.Take(3).Select(p => p.Path)];
        IDataView files = _context.Data.LoadFromEnumerable(paths.Select(p => new PathRow { Path = p }));
        IDataView bytes = _context.Data.LoadFromEnumerable(paths.Select(p => new BytesRow { Bytes = File.ReadAllBytes(Path.Combine(Samples.Pictures, p)) }));
        FeaturizerOptions options = s_options with { ImageFolder = Samples.Pictures };
        using ImageModelTransformer ofFiles = _context.Transforms.DetectObjects("Objects", "Path", options, AnyScore).Fit(files);
        using ImageModelTransformer ofBytes = _context.Transforms.DetectObjects("Objects", "Bytes", options, AnyScore).Fit(bytes);
        float[][] fromFiles = ofFiles.Transform(files).Read<float>("Objects_Boxes"), fromBytes = ofBytes.Transform(bytes).Read<float>("Objects_Boxes");
        for (int i = 0; i < paths.Length; i++)
            CollectionAssert.AreEqual(fromFiles[i], fromBytes[i]);
        using Detector detector = Detector.Create(Model, new FasterRcnnOptions { RandomWeights = true, MinSize = 64, BoxScoreThresh = AnyScore });
        Detections first = detector.Detect(ImagePixels.Load(Path.Combine(Samples.Pictures, paths[0])))[0];
        CollectionAssert.AreEqual(first.SelectMany(d => (float[])[d.Box.X1, d.Box.Y1, d.Box.X2, d.Box.Y2]).ToArray(), fromFiles[0]);
    }

    [TestMethod]
    public void Masks_are_a_byte_for_each_pixel_of_each_object()
    {
        const string name = "torchvision/maskrcnn_resnet50_fpn";
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images.Take(2));
        FeaturizerOptions options = s_options with { ModelName = name };
        using ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", options, AnyScore, maxDetections: 3).Fit(data);
        IDataView view = transformer.Transform(data);
        Assert.AreEqual("Vector<Byte, *, *, *>", view.Schema["Objects_Masks"].Type.ToString());
        byte[][] masks = view.Read<byte>("Objects_Masks");
        using Detector detector = Detector.Create(name, new MaskRcnnOptions { RandomWeights = true, MinSize = 64, BoxScoreThresh = AnyScore, BoxDetectionsPerImage = 3 });
        Detections[] expected = [.. Rows.Pictures[..2].Select(p => detector.Detect(p)[0])];
        for (int i = 0; i < 2; i++)
            CollectionAssert.AreEqual(expected[i].SelectMany(d => d.Mask!.ToBitmap()).Select(m => m ? (byte)1 : (byte)0).ToArray(), masks[i]);
        Assert.IsTrue(masks.Any(m => m.Length > 0));
    }

    [TestMethod]
    public void More_bytes_of_masks_than_a_vector_has_are_told_of()
    {
        Assert.AreEqual(24_000_000 * 89, DetectionTask.MaskBytes(6000, 4000, 89));
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => DetectionTask.MaskBytes(6000, 4000, 100)).Message, "100 objects in a picture of 6000×4000 pixels take 2400000000 bytes");
    }

    [TestMethod]
    public void Every_detector_has_a_transform()
    {
        foreach (string name in Detector.Names)
        {
            ObjectDetector detector = _context.Transforms.DetectObjects("Objects", "Image", name, scoreThreshold: 0.5, maxDetections: 5);
            Assert.AreEqual(name.Contains("maskrcnn"), detector.OutputColumnNames.Contains("Objects_Masks"), name);
            Assert.AreEqual(name.Contains("keypointrcnn"), detector.OutputColumnNames.Contains("Objects_Keypoints"), name);
        }
    }

    [TestMethod]
    public void Keypoints_are_three_numbers_for_each_point_of_each_object()
    {
        const string name = "torchvision/keypointrcnn_resnet50_fpn";
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images.Take(2));
        using ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", s_options with { ModelName = name }, AnyScore, maxDetections: 3).Fit(data);
        float[][] points = transformer.Transform(data).Read<float>("Objects_Keypoints");
        Assert.AreEqual("person", transformer.GetOutputSchema(data.Schema).KeyNames("Objects_Labels").Single());
        using Detector detector = Detector.Create(name, new KeypointRcnnOptions { RandomWeights = true, MinSize = 64, BoxScoreThresh = AnyScore, BoxDetectionsPerImage = 3 });
        Detections[] expected = [.. Rows.Pictures[..2].Select(p => detector.Detect(p)[0])];
        for (int i = 0; i < 2; i++)
            CollectionAssert.AreEqual(expected[i].SelectMany(d => d.Keypoints).SelectMany(k => new[] { k.X, k.Y, k.Score }).ToArray(), points[i]);
        Assert.IsTrue(points.Any(p => p.Length > 0));
    }

    /// <summary>RetinaNet's and FCOS' first class is one like the others; a key of 0 would be "missing".</summary>
    [TestMethod]
    public void The_first_class_of_a_detector_without_background_is_a_key_as_well()
    {
        const string name = "torchvision/retinanet_resnet50_fpn";
        string path = Path.Combine(Directory.CreateTempSubdirectory("detector").FullName, "own.safetensors");
        using Detector detector = Detector.Create(name, new RetinaNetOptions { RandomWeights = true, NumClasses = 2, MinSize = 64, ScoreThresh = AnyScore });
        detector.SaveWeights(path);
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images.Take(1));
        using (ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", s_options with { ModelName = name, RandomWeights = false, WeightsPath = path }, AnyScore).Fit(data))
        {
            IDataView view = transformer.Transform(data);
            Assert.AreEqual("Vector<Key<UInt32, 0-1>>", view.Schema["Objects_Labels"].Type.ToString());
            Detections expected = detector.Detect(Rows.Pictures[0])[0];
            Assert.IsTrue(expected.Any(d => d.Label == 0));
            CollectionAssert.AreEqual(expected.Select(d => (uint)d.Label + 1).ToArray(), view.Read<uint>("Objects_Labels")[0]);
        }
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    /// <summary>SSD resizes to a square, and has a background among its classes.</summary>
    [TestMethod]
    public void Objects_of_SSD_are_the_detectors_of_that_size()
    {
        const string name = "torchvision/ssdlite320_mobilenet_v3_large";
        string path = Path.Combine(Directory.CreateTempSubdirectory("detector").FullName, "own.safetensors");
        using Detector detector = Detector.Create(name, new SsdOptions { RandomWeights = true, NumClasses = 3, FixedSize = 64, ScoreThresh = AnyScore, DetectionsPerImage = 5 });
        detector.SaveWeights(path);
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images.Take(2));
        using (ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", s_options with { ModelName = name, RandomWeights = false, WeightsPath = path }, AnyScore, maxDetections: 5).Fit(data))
        {
            IDataView view = transformer.Transform(data);
            Assert.AreEqual("Vector<Key<UInt32, 0-1>>", view.Schema["Objects_Labels"].Type.ToString());
            Detections[] expected = [.. Rows.Pictures[..2].Select(p => detector.Detect(p)[0])];
            Assert.IsTrue(expected.All(e => e.Count == 5));
            for (int i = 0; i < 2; i++)
            {
                CollectionAssert.AreEqual(expected[i].SelectMany(d => (float[])[d.Box.X1, d.Box.Y1, d.Box.X2, d.Box.Y2]).ToArray(), view.Read<float>("Objects_Boxes")[i]);
                CollectionAssert.AreEqual(expected[i].Select(d => (uint)d.Label).ToArray(), view.Read<uint>("Objects_Labels")[i]);
            }
        }
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [TestMethod]
    public void A_saved_model_finds_the_same()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
        using ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", s_options with { BatchSize = 3 }, AnyScore, 7).Fit(data);
        using var stream = new MemoryStream();
        _context.Model.Save(transformer, data.Schema, stream);
        stream.Position = 0;
        var loaded = (ImageModelTransformer)_context.Model.Load(stream, out _);
        Assert.AreEqual((3, 64, "Image", "Objects", Model + ".coco_v1"), (loaded.Options.BatchSize, loaded.Options.ImageSize, loaded.InputColumnName, loaded.OutputColumnName, loaded.ModelName));
        float[][] before = transformer.Transform(data).Read<float>("Objects_Boxes"), after = loaded.Transform(data).Read<float>("Objects_Boxes");
        for (int i = 0; i < before.Length; i++)
            CollectionAssert.AreEqual(before[i], after[i]);
        Assert.IsTrue(before.Max(b => b.Length) is > 0 and <= 7 * 4);
        loaded.Dispose();
        // It opens its model again.
        CollectionAssert.AreEqual(before[0], loaded.Transform(data).Read<float>("Objects_Boxes")[0]);
        ITransformer changed = _context.Model.Load(new MemoryStream(stream.ToArray()), out _).WithFeaturizerOptions(o => o with { BatchSize = 1 });
        Assert.AreEqual(1, ((ImageModelTransformer)changed).Options.BatchSize);
    }

    /// <summary>torchvision computes its first published weights with an eps of 0 in the batch normalisations; a saved model has to know whose its weights are.</summary>
    [TestMethod]
    public void Weights_under_the_published_name_are_computed_as_torchvision_does_it_also_when_they_were_saved()
    {
        const string name = "torchvision/retinanet_resnet50_fpn";
        string folder = Directory.CreateTempSubdirectory("timm-detect").FullName;
        try
        {
            string published = Path.Combine(folder, "retinanet_resnet50_fpn_coco-eeacb38b.pth"), other = Path.Combine(folder, "other.safetensors");
            using (Detector random = Detector.Create(name, new RetinaNetOptions { RandomWeights = true, NumClasses = 3 }))
                random.SaveWeights(other);
            File.Copy(other, published);
            FeaturizerOptions options = s_options with { ModelName = name, RandomWeights = false, WeightsPath = published };
            IDataView data = _context.Data.LoadFromEnumerable(Rows.Images.Take(2));
            using Detector expected = Detector.Create(name, new RetinaNetOptions { WeightsPath = published, MinSize = 64, ScoreThresh = AnyScore }), others = Detector.Create(name, new RetinaNetOptions { WeightsPath = other, MinSize = 64, ScoreThresh = AnyScore });
            float[] scores = [.. expected.Detect(Rows.Pictures[0])[0].Select(d => d.Score)];
            CollectionAssert.AreNotEqual(others.Detect(Rows.Pictures[0])[0].Select(d => d.Score).ToArray(), scores);
            using ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", options, AnyScore).Fit(data);
            CollectionAssert.AreEqual(scores, transformer.Transform(data).Read<float>("Objects_Scores")[0]);
            // A model that was saved: the task from its description, the weights from memory.
            ImageTask task = StoredTask.Of(new DetectionTask(AnyScore, null, ArePublished: true)).ToTask();
            using ParameterStore weights = ParameterStore.Open(other);
            using Lease<ImageModel> loaded = ImageModelSource.Embedded(task, weights).Open(options with { WeightsPath = null }, new FeaturizerHost(null));
            CollectionAssert.AreEqual(scores, ((Detections)loaded.Value.Run(Rows.Pictures[..2], [], CancellationToken.None)[0]).Select(d => d.Score).ToArray());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void A_damaged_model_is_refused()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
        using ImageModelTransformer transformer = _context.Transforms.SegmentImages("Classes", "Image", SegmentImagesTests.Options).Fit(data);
        using var stream = new MemoryStream();
        _context.Model.Save(transformer, data.Schema, stream);
        // The stored description with another word in it.
        byte[] model = stream.ToArray();
        Exception e = Assert.Throws<Exception>(() => _context.Model.Load(new MemoryStream(Rezipped(model, content => content.Replace("\"OriginalSize\"", "\"OriginalSiza\""))), out _));
        StringAssert.Contains(FeaturizerErrors.CauseOf(e).Message, "damaged");
    }

    [TestMethod]
    public void Prediction_engines_find_the_same()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images);
        using ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", s_options with { BatchSize = 1 }, AnyScore).Fit(data);
        using PredictionEngine<ImageRow, Found> engine = _context.Model.CreatePredictionEngine<ImageRow, Found>(transformer);
        float[][] expected = transformer.Transform(data).Read<float>("Objects_Boxes");
        foreach ((int i, ImageRow row) in Rows.Images.Index())
        {
            Found found = engine.Predict(row);
            CollectionAssert.AreEqual(expected[i], found.Boxes);
            Assert.AreEqual(found.Boxes.Length / 4, found.Labels.Length);
        }
    }

    [TestMethod]
    public void A_picture_that_cannot_be_read_or_taken_is_told_where_it_is_wanted()
    {
        // So narrow that nothing is left of it.
        ImageRow[] rows = [.. Rows.Images.Take(2), new() { Image = MLImage.CreateFromPixels(1, 3000, MLPixelFormat.Rgba32, new byte[12000]), Number = 2 }, new() { Number = 3 }, .. Rows.Images.Skip(2)];
        IDataView data = _context.Data.LoadFromEnumerable(rows);
        FeaturizerOptions options = s_options with { BatchSize = 4 };
        using (ImageModelTransformer transformer = _context.Transforms.DetectObjects("Objects", "Image", options).Fit(data))
        {
            var e = (ImageRowException)FeaturizerErrors.CauseOf(Assert.Throws<Exception>(() => transformer.Transform(data).Read<float>("Objects_Boxes")));
            Assert.AreEqual((2L, "Image"), (e.Row, e.Column));
            StringAssert.Contains(e.Message, "1×3000");
        }
        using ImageModelTransformer lenient = _context.Transforms.DetectObjects("Objects", "Image", options with { OnImageError = ImageErrorMode.Missing }, AnyScore).Fit(data);
        float[][] boxes = lenient.Transform(data).Read<float>("Objects_Boxes");
        int[][] sizes = lenient.Transform(data).Read<int>("Objects_Size");
        Assert.HasCount(7, boxes);
        Assert.IsTrue(boxes[2].Length == 0 && boxes[3].Length == 0 && boxes.Any(b => b.Length > 0));
        CollectionAssert.AreEqual(new[] { 0, 0 }, sizes[3]);
    }

    [TestMethod]
    public void What_cannot_be_is_refused_at_once()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows.Images), tensors = _context.Data.LoadFromEnumerable([new TensorRow()]);
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => _context.Transforms.DetectObjects("Objects", "Image", "torchvision/maskrcnn_resnet50_fpm")).Message, "'torchvision/maskrcnn_resnet50_fpn'");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => _context.Transforms.DetectObjects("Objects", "Image", s_options with { RandomWeights = false, KeyPrefix = "a." })).Message, "KeyPrefix");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _context.Transforms.DetectObjects("Objects", "Image", s_options, scoreThreshold: 1.5));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _context.Transforms.DetectObjects("Objects", "Image", s_options, maxDetections: 0));
        Assert.ThrowsExactly<ArgumentException>(() => _context.Transforms.DetectObjects(" ", "Image", s_options));
        ObjectDetector detector = _context.Transforms.DetectObjects("Objects", "Picture", s_options), ofTensor = _context.Transforms.DetectObjects("Objects", "Tensor", s_options);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => detector.Fit(data)).Message, "There is no input column 'Picture'. The data has 'Image', 'Number'.");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ofTensor.Fit(tensors)).Message, "Valid are images (MLImage), text (paths) and Vector<Byte>");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ofTensor.GetOutputSchema(SchemaShapes.Of(tensors.Schema)));
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => _context.Transforms.DetectObjects("Objects", "Image", Model).Fit(data)).Message, "https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth");
    }

    /// <summary>A saved model in whose entries a text was changed for another of the same length.</summary>
    private static byte[] Rezipped(byte[] model, Func<string, string> change)
    {
        using var result = new MemoryStream();
        using (var source = new ZipArchive(new MemoryStream(model)))
        using (var target = new ZipArchive(result, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (ZipArchiveEntry entry in source.Entries)
            {
                using Stream from = entry.Open(), to = target.CreateEntry(entry.FullName).Open();
                using var memory = new MemoryStream();
                from.CopyTo(memory);
                to.Write(Encoding.Latin1.GetBytes(change(Encoding.Latin1.GetString(memory.ToArray()))));
            }
        }
        return result.ToArray();
    }

    private sealed class Found
    {
        [ColumnName("Objects_Boxes")]
        public float[] Boxes { get; set; } = [];

        [ColumnName("Objects_Labels"), KeyType(90)]
        public uint[] Labels { get; set; } = [];
    }
}
