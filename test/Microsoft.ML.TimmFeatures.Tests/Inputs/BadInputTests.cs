using System.Buffers.Binary;
using System.Text;
using Backbones;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Inputs;

/// <summary>Whatever is wrong is said in words: the row, file, key or column, and what would be right.</summary>
[TestClass]
public sealed class BadInputTests
{
    private static readonly string s_folder = Directory.CreateTempSubdirectory("timm-bad-input").FullName;
    private static readonly string s_good = Path.Combine(Samples.Pictures, Samples.Expected[0].Path);
    private readonly MLContext _context = new(seed: 1);
    private readonly List<string> _warnings = [];

    public BadInputTests()
    {
        _context.Log += (_, e) =>
        {
            if (e.Kind.ToString() == "Warning")
                _warnings.Add(e.Message);
        };
    }

    [ClassCleanup]
    public static void Clean() => Directory.Delete(s_folder, recursive: true);

    public static IEnumerable<object[]> BadFiles =>
    [
        ["missing.jpg", null!, "missing.jpg"],
        ["empty.jpg", Array.Empty<byte>(), "0 bytes"],
        ["text.jpg", Encoding.ASCII.GetBytes("this is certainly not a picture"), "is no PNG, JPEG, BMP, GIF or WebP file"],
        ["half.jpg", File.ReadAllBytes(s_good)[..2000], "cut off"],
        ["half.png", File.ReadAllBytes(Picture("rgb.png"))[..200], "cut off"],
        ["half.bmp", File.ReadAllBytes(Picture("rgb.bmp"))[..300], "cut off"],
        ["bomb.png", Bomb(50_000, 50_000), "50000×50000"],
        ["damaged.png", Damaged(File.ReadAllBytes(Picture("rgb.png"))), "cannot be decoded"],
    ];

    [TestMethod]
    [DynamicData(nameof(BadFiles))]
    public void A_bad_image_file_is_named_with_its_row(string name, byte[]? content, string problem)
    {
        if (content is not null)
            File.WriteAllBytes(Path.Combine(s_folder, name), content);
        AssertBad(s_folder, name, name, problem);
    }

    [TestMethod]
    public void A_folder_and_an_empty_path_are_no_images()
    {
        Directory.CreateDirectory(Path.Combine(s_folder, "folder.jpg"));
        AssertBad(s_folder, "folder.jpg", "folder.jpg", "folder");
        AssertBad(s_folder, "", "Row 1", "path is empty");
    }

    [TestMethod]
    public void An_unreadable_file_is_named()
    {
        string path = Path.Combine(s_folder, "locked.jpg");
        File.Copy(s_good, path, overwrite: true);
        using FileStream locked = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        AssertBad(s_folder, "locked.jpg", "locked.jpg", "");
    }

    [TestMethod]
    [DynamicData(nameof(BadFiles))]
    public void Bad_encoded_bytes_are_named_with_their_row(string name, byte[]? content, string problem)
    {
        if (content is null)
        {
            Assert.AreEqual("missing.jpg", name);
            return;
        }
        byte[] good = File.ReadAllBytes(s_good);
        EncodedRow[] rows = [.. new[] { good, content, good }.Select(b => new EncodedRow { Image = b })];
        AssertBad(_context.Data.LoadFromEnumerable(rows), "Image", problem);
    }

    [TestMethod]
    public void Null_and_disposed_images_are_said_to_be_so()
    {
        TinyRow[] rows = [.. TinyRow.Many(3)];
        rows[1].Image = null;
        AssertBad(_context.Data.LoadFromEnumerable(rows), "Image", "image is null");
        rows[1] = TinyRow.Create(1);
        rows[1].Image!.Dispose();
        AssertBad(_context.Data.LoadFromEnumerable(rows), "Image", "disposed");
    }

    [TestMethod]
    public void A_tensor_of_another_length_is_said_to_be_so()
    {
        VaryingTensorRow[] rows = [.. new[] { 3072, 17, 3072 }.Select(n => new VaryingTensorRow { Image = new float[n] })];
        AssertBad(_context.Data.LoadFromEnumerable(rows), "Image", "17 values", "3072");
    }

    [TestMethod]
    public void An_image_that_the_loader_cannot_read_is_missing_too()
    {
        Picture[] rows = [.. new[] { s_good, Path.Combine(s_folder, "nowhere.jpg"), s_good }.Select(p => new Picture { Path = p })];
        IDataView loaded = _context.Transforms.LoadImages("Image", "", "Path").Fit(_context.Data.LoadFromEnumerable(rows)).Transform(_context.Data.LoadFromEnumerable(rows));
        AssertBad(loaded, "Image", "nowhere.jpg");
    }

    [TestMethod]
    public void Images_of_mixed_sizes_are_fine()
    {
        string[] files = ["tiny_17x13.jpg", "wide_900x60.jpg", "one_pixel.png", "gray.png", "palette.png", "portrait_444.jpg"];
        IDataView data = _context.Data.LoadFromEnumerable(files.Select(f => new Picture { Path = Picture(f) }));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Path", Tiny.Options).Fit(data);
        foreach (RowValues row in Tiny.Read(transformer.Transform(data), null, "Features"))
            Assert.IsTrue(row.Floats("Features").All(float.IsFinite));
    }

    [TestMethod]
    public void A_prediction_engine_says_it_too()
    {
        IDataView data = _context.Data.LoadFromEnumerable(new[] { new Picture { Path = s_good } });
        using FeaturizerTransformer throwing = _context.Transforms.TimmFeatures("Features", "Path", Tiny.Options).Fit(data);
        using var engine = _context.Model.CreatePredictionEngine<Picture, Features>(throwing);
        StringAssert.Contains(Assert.Throws<Exception>(() => engine.Predict(new Picture { Path = "nowhere.png" })).ToString(), "nowhere.png");
        Assert.IsTrue(engine.Predict(new Picture { Path = s_good }).Values.All(float.IsFinite));

        using FeaturizerTransformer missing = _context.Transforms.TimmFeatures("Features", "Path", Tiny.Options with { OnImageError = ImageErrorMode.Missing }).Fit(data);
        using var tolerant = _context.Model.CreatePredictionEngine<Picture, Features>(missing);
        Assert.IsTrue(tolerant.Predict(new Picture { Path = "nowhere.png" }).Values.All(float.IsNaN));
        StringAssert.Contains(_warnings.Single(), "nowhere.png");
    }

    [TestMethod]
    public void Unknown_models_tags_pools_and_nodes_come_with_the_nearest_names()
    {
        TransformsCatalog t = _context.Transforms;
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => t.TimmFeatures("F", "Image", "resnet5")).Message, "'resnet50'");
        StringAssert.Contains(Assert.ThrowsExactly<UnknownModelException>(() => t.TimmFeatures("F", "Image", "resnet50.a1_in1")).Message, "a1_in1k");
        Assert.ThrowsExactly<ArgumentException>(() => t.TimmFeatures("F", "Image", ""));
        StringAssert.Contains(Assert.Throws<Exception>(() => t.TimmFeatures("F", "Image", Tiny.Options, pool: "avgg")).Message, "avgg");
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => t.TimmFeatures("F", "Image", Tiny.Options, PenultimateKind.Logits, "avg")).Message, "Logits");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => t.TimmNodes([("layer5", "F")], "Image", Tiny.Options)).Message, "'layer1'");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => t.TimmPyramid("F", "Image", Tiny.Options, outIndices: [7]));
        foreach (string? nothing in new[] { null, "", " " })
        {
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => t.TimmPyramid(nothing!, "Image", Tiny.Options)).Message, "the columns' names begin with is empty");
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => t.TimmIntermediates(nothing!, "Image", Tiny.Options)).Message, "the columns' names begin with is empty");
        }
    }

    [TestMethod]
    public void Settings_that_make_no_sense_are_refused()
    {
        TransformsCatalog t = _context.Transforms;
        Assert.ThrowsExactly<ArgumentNullException>(() => t.TimmFeatures("F", "Image", (FeaturizerOptions)null!));
        foreach (FeaturizerOptions options in new[]
        {
            Tiny.Options with { BatchSize = -1 }, Tiny.Options with { Threads = -1 }, Tiny.Options with { ImageSize = 0 }, Tiny.Options with { ImageSize = -224 },
            Tiny.Options with { BatchSize = int.MaxValue }, Tiny.Options with { Threads = 1000 }, Tiny.Options with { ImageSize = int.MaxValue }, Tiny.Options with { WeightsPath = s_good },
            Tiny.Options with { OnImageError = (ImageErrorMode)9 }, Tiny.Options with { WeightStorage = (WeightStorage)9 },
            Tiny.Options with { Precision = (Backbones.Engines.Precision)9 }, Tiny.Options with { Device = null! }, Tiny.Options with { Device = "gpu" }, Tiny.Options with { Device = "cuda:x" },
        })
        {
            Assert.Throws<ArgumentException>(() => t.TimmFeatures("F", "Image", options), options.ToString());
        }
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => t.TimmFeatures("F", "Tensor", Tiny.Options with { BatchSize = int.MaxValue })).Message, "batches can have at most");
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => t.TimmFeatures("F", "Tensor", Tiny.Options with { Threads = 1000 })).Message, "1 to 256");
        _context.FallbackToCpu = false;
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => t.TimmFeatures("F", "Tensor", Tiny.Options with { Device = "cuda:1" })).Message, "cuda:1");
    }

    [TestMethod]
    public void A_bad_picture_is_logged_at_once_and_found_in_whatever_ML_NET_wraps_around_it()
    {
        var errors = new List<string>();
        _context.Log += (_, e) =>
        {
            lock (errors)
            {
                if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Error)
                    errors.Add(e.Message);
            }
        };
        Picture[] pictures = [.. Samples.All.Take(6).Select(p => new Picture { Path = Path.Combine(Samples.Pictures, p.Path), Label = p.Label }), new Picture { Path = "nowhere.png", Label = "x" }];
        IDataView data = _context.Data.LoadFromEnumerable(pictures);
        var pipeline = _context.Transforms.TimmFeatures("Features", "Path", Tiny.Options)
            .AppendCacheCheckpoint(_context)
            .Append(_context.Transforms.Conversion.MapValueToKey("Label"))
            .Append(_context.MulticlassClassification.Trainers.SdcaMaximumEntropy());
        Exception wrapped = Assert.Throws<Exception>(() => pipeline.Fit(data));
        ImageRowException cause = Assert.IsInstanceOfType<ImageRowException>(FeaturizerErrors.CauseOf(wrapped));
        Assert.AreNotSame(wrapped, cause, "ML.NET wraps what a cached column throws");
        Assert.AreEqual((6, "Path", "nowhere.png"), (cause.Row, cause.Column, cause.Path));
        CollectionAssert.Contains(errors.Select(e => e.Contains("Row 6: the image in column 'Path' ('nowhere.png') cannot be featurized")).ToArray(), true, string.Join('\n', errors));

        var plain = new InvalidOperationException("outer", new AggregateException(new TimeoutException("inner")));
        Assert.AreEqual("inner", FeaturizerErrors.CauseOf(plain).Message);
        // What caused one of ours says less: it names neither model nor file.
        foreach (Exception own in (Exception[])[new WeightsFormatException("config.json", "no JSON", plain), new DownloadException(DownloadFailure.Unreachable, "No weights of 'resnet50'.", plain), new GraphException("No node.", plain)])
            Assert.AreSame(own, FeaturizerErrors.CauseOf(new AggregateException(new InvalidOperationException("outer", own))));
    }

    [TestMethod]
    public void Wrong_and_missing_columns_are_named()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        foreach ((string column, string problem) in new[] { ("Nowhere", "'Tensor'"), ("Number", "Int32"), ("Varying", "") })
        {
            PenultimateFeaturizer estimator = _context.Transforms.TimmFeatures("F", column, Tiny.Options);
            if (column == "Varying")
            {
                estimator.Fit(data).Dispose();
                continue;
            }
            foreach (Action action in new Action[] { () => estimator.Fit(data), () => estimator.GetOutputSchema(SchemaShapes.Of(data.Schema)) })
            {
                string message = Assert.ThrowsExactly<ArgumentOutOfRangeException>(action).Message;
                StringAssert.Contains(message, $"'{column}'");
                StringAssert.Contains(message, problem);
            }
        }
        using FeaturizerTransformer fitted = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options).Fit(data);
        IDataView other = _context.Data.LoadFromEnumerable(new[] { new VectorRow { Tensor = new float[5] } });
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => fitted.Transform(other)).Message, "3072");
    }

    [TestMethod]
    public void Bad_weights_are_named_with_their_keys()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        string file = Path.Combine(Samples.Weights, "model.safetensors");
        byte[] whole = File.ReadAllBytes(file);
        string path = Path.Combine(s_folder, "weights.safetensors");

        StringAssert.Contains(Fit<FileNotFoundException>("nowhere.safetensors"), "nowhere.safetensors");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => _context.Transforms.TimmFeatures("F", "Tensor", "resnet50.a1_in1k").Fit(data)).Message, "resnet50.a1_in1k");

        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        StringAssert.Contains(Fit<WeightsFormatException>(path), path);

        // The last four bytes of the data belong to the tensor that is written last.
        byte[] poisoned = [.. whole];
        BinaryPrimitives.WriteSingleLittleEndian(poisoned.AsSpan(poisoned.Length - 4), float.NaN);
        File.WriteAllBytes(path, poisoned);
        string message = Fit<ParameterMismatchException>(path);
        StringAssert.Contains(message, "NaN");
        using ParameterStore store = ParameterStore.Open(file);
        Assert.IsTrue(store.Tensors.Any(t => message.Contains(t.Name)), message);

        SafetensorsWriter.Write(path, store.Tensors.Where(t => t.Name != "conv1.0.weight"));
        StringAssert.Contains(Fit<ParameterMismatchException>(path), "conv1.0.weight");

        string Fit<TException>(string weights) where TException : Exception
            => Assert.ThrowsExactly<TException>(() => _context.Transforms.TimmFeatures("F", "Tensor", new FeaturizerOptions { ModelName = "test_resnet", WeightsPath = weights }).Fit(data)).Message;
    }

    /// <summary>A file that was saved for the pooled features, and one that was fine-tuned to 30 classes, have what these features need.</summary>
    [TestMethod]
    public void Weights_that_have_what_the_features_need_do()
    {
        string pruned = Path.Combine(s_folder, "pruned.safetensors"), thirty = Path.Combine(s_folder, "thirty.safetensors");
        using (Backbone whole = Backbone.Create("test_resnet", new() { WeightsPath = Samples.Weights }))
        {
            whole.SaveWeights(pruned, FeatureSelection.Pooled());
            SafetensorsWriter.Write(thirty, whole.Parameters.Tensors.Select(t => !t.Name.StartsWith("fc.", StringComparison.Ordinal) ? t
                : new MemoryTensor(t.Name, t.Shape.With(0, 30), new float[30 * (t.Shape.Length / t.Shape[0])])));
        }
        IDataView data = _context.Data.LoadFromEnumerable([new Picture { Path = s_good }]);
        float[] expected = Pooled(Samples.Weights);
        CollectionAssert.AreEqual(expected, Pooled(pruned));
        CollectionAssert.AreEqual(expected, Pooled(thirty));

        float[] Pooled(string weights)
        {
            using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("F", "Path", new FeaturizerOptions { ModelName = "test_resnet", WeightsPath = weights, ImageSize = 96 }).Fit(data);
            return transformer.Transform(data).GetColumn<float[]>("F").Single();
        }
    }

    /// <summary>The second of three rows is bad: by default its features throw and the others are there, and in the other mode they are NaN.</summary>
    private void AssertBad(string folder, string path, params string[] problems)
    {
        Picture[] rows = [.. new[] { s_good, path, s_good }.Select(p => new Picture { Path = p })];
        AssertBad(_context.Data.LoadFromEnumerable(rows), "Path", problems, Tiny.Options with { ImageFolder = folder });
    }

    private void AssertBad(IDataView data, string column, params string[] problems) => AssertBad(data, column, problems, Tiny.Options);

    private void AssertBad(IDataView data, string column, string[] problems, FeaturizerOptions options)
    {
        using FeaturizerTransformer throwing = _context.Transforms.TimmFeatures("Features", column, options).Fit(data);
        IDataView view = throwing.Transform(data);
        var found = new List<float[]>();
        using (DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Features"]]))
        {
            ValueGetter<VBuffer<float>> getter = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
            VBuffer<float> value = default;
            while (cursor.MoveNext())
            {
                if (cursor.Position == 1)
                {
                    string message = Assert.Throws<InvalidOperationException>(() => getter(ref value)).Message;
                    foreach (string part in problems.Append("Row 1:").Append($"'{column}'"))
                        StringAssert.Contains(message, part);
                }
                else
                {
                    getter(ref value);
                    found.Add([.. value.DenseValues()]);
                }
            }
        }
        Assert.HasCount(2, found);
        Assert.IsEmpty(_warnings);

        using FeaturizerTransformer tolerant = _context.Transforms.TimmFeatures("Features", column, options with { OnImageError = ImageErrorMode.Missing }).Fit(data);
        List<RowValues> rows = Tiny.Read(tolerant.Transform(data), null, "Features");
        CollectionAssert.AreEqual(found[0], rows[0].Floats("Features"));
        CollectionAssert.AreEqual(found[1], rows[2].Floats("Features"));
        Assert.IsTrue(found[0].All(float.IsFinite));
        Assert.IsTrue(rows[1].Floats("Features").All(float.IsNaN));
        StringAssert.Contains(_warnings.Single(), "Row 1:");
        _warnings.Clear();
    }

    private static string Picture(string name) => Path.Combine(Samples.Root, "test", "data", "images", name);

    private static byte[] Bomb(int width, int height)
    {
        byte[] png = File.ReadAllBytes(Picture("rgb.png"));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        return png;
    }

    /// <summary>Complete by its chunks, but the compressed data make no sense.</summary>
    private static byte[] Damaged(byte[] png)
    {
        int data = png.AsSpan().IndexOf("IDAT"u8) + 4;
        png.AsSpan(data, 40).Fill(0xEE);
        return png;
    }

    private sealed class EncodedRow
    {
        public byte[] Image { get; set; } = [];
    }

    private sealed class VaryingTensorRow
    {
        public float[] Image { get; set; } = [];
    }

    private sealed class VectorRow
    {
        [VectorType(5)]
        public float[] Tensor { get; set; } = [];
    }

    private sealed class Features
    {
        [ColumnName("Features")]
        public float[] Values { get; set; } = [];
    }
}
