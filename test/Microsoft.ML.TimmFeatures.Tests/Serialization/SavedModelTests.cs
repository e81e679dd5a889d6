using System.Globalization;
using System.IO.Compression;
using System.Text;
using Backbones;
using Backbones.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Serialization;
using Microsoft.ML.TimmFeatures.Sessions;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Serialization;

[TestClass]
public sealed class SavedModelTests
{
    private readonly MLContext _context = new(seed: 1);
    private string _path = "";

    [TestInitialize]
    public void CreateFile() => _path = Path.GetTempFileName();

    [TestCleanup]
    public void DeleteFile() => File.Delete(_path);

    [TestMethod]
    public void A_fresh_process_loads_a_model_with_nothing_registered()
    {
        string[] paths = [.. Samples.Expected.Take(3).Select(e => e.Path)];
        using (FeaturizerTransformer fitted = Fit(Samples.Options with { ImageFolder = Samples.Pictures }))
            Save(fitted);
        AssertExpected(Parse(FreshProcess.Run([_path, "Features", .. paths])));
    }

    /// <summary>
    /// Made with Microsoft.ML 5.0: <c>TimmFeatures("Features", "Path", test_resnet.textures16)</c> with its weights inside
    /// and without an input schema. They are never made anew: these files, and whatever users saved with those versions, have to load for ever.
    /// </summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void A_model_of_any_format_version_loads_for_ever(int version)
    {
        string stored = Path.Combine(Samples.Root, "test", "data", "models", $"featurizer-v{version}.zip");
        Picture[] pictures = [.. Samples.Expected.Take(3).Select(e => new Picture { Path = Path.Combine(Samples.Pictures, e.Path) })];
        ITransformer loaded = new MLContext().Model.Load(stored, out _);
        AssertExpected([.. loaded.Transform(_context.Data.LoadFromEnumerable(pictures)).GetColumn<float[]>("Features")]);
        ((IDisposable)loaded).Dispose();
    }

    [TestMethod]
    public void Embedded_weights_are_pruned_and_name_no_path()
    {
        using FeaturizerTransformer pyramid = _context.Transforms.TimmPyramid("Map", "Path", Samples.Options, outIndices: [1, 2]).Fit(Pictures());
        Save(pyramid);
        Assert.IsLessThan(new FileInfo(Path.Combine(Samples.Weights, "model.safetensors")).Length / 2, new FileInfo(_path).Length);
        Assert.IsTrue(pyramid.RemovedParameters.Any(p => p.StartsWith("layer4.")));
        using FeaturizerTransformer loaded = Load();
        Assert.IsNull(loaded.Options.WeightsPath);
        Assert.IsFalse(loaded.Session.Backbone.Parameters.TryGet("layer4.0.conv1.weight", out _));
        CollectionAssert.AreEqual(pyramid.Outputs, loaded.Outputs);
        using (ZipArchive archive = ZipFile.OpenRead(_path))
        {
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                using var reader = new StreamReader(entry.Open(), Encoding.Latin1);
                Assert.DoesNotContain(Samples.Root, reader.ReadToEnd());
            }
        }

        // And once more: a loaded model can be saved.
        Save(loaded);
        using FeaturizerTransformer again = Load();
        float[] expected = Values(pyramid, "Map_2"), actual = Values(again, "Map_2");
        CollectionAssert.AreEqual(expected, actual);
    }

    [TestMethod]
    public void All_settings_survive()
    {
        FeaturizerOptions options = Tiny.Options with
        {
            BatchSize = 3,
            Threads = 1,
            Device = "cpu",
            Precision = Backbones.Engines.Precision.Float32,
            OnImageError = ImageErrorMode.Missing,
            ImageFolder = "pictures",
            ApplyExifOrientation = true,
            CacheDir = "of this machine alone",
            Progress = new Progress<FeaturizationProgress>(),
            Cancellation = new CancellationTokenSource().Token,
        };
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer saved = _context.Transforms.TimmIntermediates("A", "Image", options, indices: [-1, 1], norm: true).Fit(data);
        _context.Model.Save(saved, data.Schema, _path);
        using FeaturizerTransformer loaded = Load();
        Assert.AreEqual(options with { CacheDir = null, Progress = null, Cancellation = default }, loaded.Options);
        CollectionAssert.AreEqual(saved.GetOutputSchema(data.Schema).Select(c => (c.Name, c.Type)).ToArray(), loaded.GetOutputSchema(data.Schema).Select(c => (c.Name, c.Type)).ToArray());
        CollectionAssert.AreEqual(saved.Outputs, loaded.Outputs);
    }

    [TestMethod]
    public void Referenced_weights_are_found_by_path_or_name_and_have_to_be_the_same()
    {
        string folder = Directory.CreateTempSubdirectory("timm-referenced").FullName;
        string? variable = Environment.GetEnvironmentVariable("TIMM_FEATURES_WEIGHTS");
        try
        {
            string weights = Path.Combine(folder, Samples.Model);
            Directory.CreateDirectory(weights);
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", folder);
            foreach (string file in Directory.EnumerateFiles(Samples.Weights))
                File.Copy(file, Path.Combine(weights, Path.GetFileName(file)));
            FeaturizerOptions options = new() { ModelName = Samples.Model, WeightsPath = weights, WeightStorage = WeightStorage.Referenced };
            float[] expected;
            using (FeaturizerTransformer saved = Fit(options))
            {
                expected = Values(saved);
                Save(saved);
            }
            Assert.IsLessThan(10_000L, new FileInfo(_path).Length);
            using (FeaturizerTransformer byPath = Load())
                CollectionAssert.AreEqual(expected, Values(byPath));

            string moved = Path.Combine(folder, "elsewhere");
            Directory.CreateDirectory(moved);
            Directory.Move(weights, Path.Combine(moved, Samples.Model));
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", moved);
            using (FeaturizerTransformer byName = Load())
                CollectionAssert.AreEqual(expected, Values(byName));

            string changed = Path.Combine(moved, Samples.Model, "model.safetensors");
            ParameterTensor[] tensors;
            using (ParameterStore store = ParameterStore.Open(changed))
                tensors = [.. store.Tensors.Where(t => t.DType == DType.Float32).Select(t => new MemoryTensor(t.Name, t.Shape, [.. t.ToArray().Select(v => v * 1.0001f)]))];
            SafetensorsWriter.Write(changed, tensors);
            StringAssert.Contains(Innermost(() => Load()).Message, "other weights of 'test_resnet.textures16'");

            Directory.Delete(moved, recursive: true);
            StringAssert.Contains(Assert.Throws<Exception>(() => Load()).ToString(), $"The model refers to weights of '{Samples.Model}' that are not on this machine");
        }
        finally
        {
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", variable);
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Weights_inside_a_larger_file_are_found_again_by_their_prefix()
    {
        string folder = Directory.CreateTempSubdirectory("timm-prefix").FullName, file = Path.Combine(folder, "detector.safetensors");
        string? variable = Environment.GetEnvironmentVariable("TIMM_FEATURES_WEIGHTS");
        try
        {
            using (Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true }))
                SafetensorsWriter.Write(file, backbone.Parameters.Tensors.Where(t => t.DType == DType.Float32).Select(t => new MemoryTensor($"body.{t.Name}", t.Shape, t.ToArray()))
                    .Append(new MemoryTensor("head.weight", [1], [1f])));
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", folder);
            var options = new FeaturizerOptions { ModelName = "test_resnet", WeightsPath = file, KeyPrefix = "body.", WeightStorage = WeightStorage.Referenced, ImageSize = TinyRow.Size };
            float[] expected;
            using (FeaturizerTransformer saved = Fit(options))
            {
                expected = Values(saved);
                Save(saved);
            }
            using (FeaturizerTransformer loaded = Load())
                CollectionAssert.AreEqual(expected, Values(loaded));
        }
        finally
        {
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", variable);
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void The_size_that_tests_best_is_saved()
    {
        using (FeaturizerTransformer saved = Fit(new FeaturizerOptions { ModelName = "mobilenetv3_small_050", RandomWeights = true, UseTestSize = true }))
            Save(saved);
        using FeaturizerTransformer loaded = Load();
        Assert.IsTrue(loaded.Options.UseTestSize);
    }

    /// <summary>What an overlay made of the config is saved, beside the weights or without them.</summary>
    [TestMethod]
    [DataRow(WeightStorage.Embedded)]
    [DataRow(WeightStorage.Referenced)]
    public void A_changed_config_is_saved(WeightStorage storage)
    {
        float[] plain, expected;
        using (FeaturizerTransformer unchanged = Fit(Samples.Options))
            plain = Values(unchanged);
        using (FeaturizerTransformer saved = Fit(Samples.Options with { WeightStorage = storage, ConfigOverlay = config => config with { CropPct = 0.5, CropMode = "squash" } }))
        {
            expected = Values(saved);
            Save(saved);
            Assert.ThrowsExactly<ArgumentException>(() => saved.With(saved.Options with { ConfigOverlay = null }));
        }
        CollectionAssert.AreNotEqual(plain, expected);
        string? variable = Environment.GetEnvironmentVariable("TIMM_FEATURES_WEIGHTS");
        Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", Path.GetDirectoryName(Samples.Weights));
        try
        {
            using FeaturizerTransformer loaded = Load();
            Assert.AreEqual(0.5, loaded.Session.Backbone.Config.CropPct);
            CollectionAssert.AreEqual(expected, Values(loaded));
        }
        finally
        {
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", variable);
        }
    }

    [TestMethod]
    public void A_model_of_a_later_version_says_so()
    {
        byte[] content = Content();
        content[0] = 5;
        string message = Assert.ThrowsExactly<FormatException>(() => Read(content)).Message;
        StringAssert.Contains(message, "format version 5");
        StringAssert.Contains(message, "Update the package");
    }

    [TestMethod]
    public void A_damaged_model_says_so()
    {
        byte[] content = Content();
        foreach (int length in new[] { 0, 2, 5, 100, content.Length / 2, content.Length - 1 })
            StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(content[..length]), $"{length} bytes").Message, "damaged");

        byte[] changed = [.. content];
        changed[^1] ^= 1;
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(changed)).Message, "content hash");

        string text = Encoding.Latin1.GetString(content);
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(Encoding.Latin1.GetBytes(text.Replace("\"Selection\"", "\"Selectiom\"")))).Message, "Selectiom");
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(Encoding.Latin1.GetBytes(text.Replace("[\"F\"]", "[\"\",0]")))).Message, "damaged");
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(Encoding.Latin1.GetBytes(text.Replace("{\"Options\"", "[\"Options\"")))).Message, "damaged");
    }

    [TestMethod]
    public void A_model_cannot_choose_a_path_outside_the_folders_of_weights()
    {
        string folder = Directory.CreateTempSubdirectory("timm-outside").FullName;
        string? variable = Environment.GetEnvironmentVariable("TIMM_FEATURES_WEIGHTS");
        try
        {
            foreach (string file in Directory.EnumerateFiles(Samples.Weights))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            using (FeaturizerTransformer saved = Fit(new FeaturizerOptions { ModelName = Samples.Model, WeightsPath = folder, WeightStorage = WeightStorage.Referenced }))
                Save(saved);
            Exception refused = FeaturizerErrors.CauseOf(Assert.Throws<Exception>(() => Load()));
            StringAssert.Contains(Assert.IsInstanceOfType<FileNotFoundException>(refused).Message, $"'{folder}', is outside the folders of weights");
            // Whoever runs the program may allow it.
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", Path.GetDirectoryName(folder));
            Load().Dispose();
        }
        finally
        {
            Environment.SetEnvironmentVariable("TIMM_FEATURES_WEIGHTS", variable);
            Directory.Delete(folder, recursive: true);
        }
        foreach (string name in new[] { "local-dir:/etc", "../../etc/model", "/etc/model", "..\\model" })
            Assert.ThrowsExactly<InvalidDataException>(() => ReferencedWeights.PathOf(new FeaturizerOptions { ModelName = name }), name);
        Assert.IsNull(ReferencedWeights.PathOf(new FeaturizerOptions { ModelName = "torchvision/resnet50" }));
    }

    [TestMethod]
    public void A_graph_of_ones_own_is_saved_with_the_model()
    {
        using Backbone made = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, ImageSize = (32, 48), InChannels = 1 });
        SelectedFeatures necked = made.Select(FeatureSelection.Pyramid([1, 2])).Extend((b, maps) =>
            [.. maps.Select(m => ($"{m.Name}.scaled", b.Multiply(m.Map, b.Parameter("gamma", [1])))), ("mean", b.Reduce(maps[1].Map, Backbones.Graphs.ReduceKind.Mean, [1, 2]))]);
        using ParameterStore all = ParameterStore.FromTensors([.. made.Parameters.Tensors, new MemoryTensor("gamma", [1], [3f])]);
        using Backbone backbone = Backbone.FromParameters(made.Config, all, new BackboneOptions { ImageSize = (32, 48), InChannels = 1 });
        TinyGrey[] rows = [.. Enumerable.Range(1, 3).Select(n => new TinyGrey { Grey = [.. Enumerable.Range(0, 32 * 48).Select(i => (i * n % 7) / 7f)] })];
        IDataView data = _context.Data.LoadFromEnumerable(rows);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => _context.Transforms.TimmFeatures("F", "Grey", made, necked)).Message, "gamma");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => _context.Transforms.TimmFeatures("F", "Grey", backbone, necked, new() { ImageSize = 32 })).Message, "leave them out");

        using FeaturizerTransformer fitted = _context.Transforms.TimmFeatures("F", "Grey", backbone, necked, new() { BatchSize = 2 }).Fit(data);
        CollectionAssert.AreEqual(new[] { "Grey", "F_1_scaled", "F_2_scaled", "F_mean" }, fitted.GetOutputSchema(data.Schema).Select(c => c.Name).ToArray());
        _context.Model.Save(fitted, data.Schema, _path);
        using FeaturizerTransformer loaded = Load();
        CollectionAssert.AreEqual(fitted.Outputs, loaded.Outputs);
        CollectionAssert.AreEqual(fitted.RemovedParameters.ToArray(), loaded.RemovedParameters.ToArray());
        using FeatureExtractor direct = backbone.Extract(necked);
        foreach (string column in new[] { "F_1_scaled", "F_2_scaled", "F_mean" })
        {
            float[][] expected = [.. fitted.Transform(data).GetColumn<float[]>(column)], actual = [.. loaded.Transform(data).GetColumn<float[]>(column)];
            for (int i = 0; i < 3; i++)
                CollectionAssert.AreEqual(expected[i], actual[i]);
        }
        CollectionAssert.AreEqual(direct.Run(1, rows[0].Grey)["mean"][0].ToArray(), loaded.Transform(data).GetColumn<float[]>("F_mean").First());
        // And once more: a loaded model can be saved.
        _context.Model.Save(loaded, data.Schema, _path);
        Load().Dispose();
    }

    /// <summary>Every operator and every argument survives: the graphs of all families, as they are and as they are saved.</summary>
    [TestMethod]
    [DataRow("test_vit", "pooled")]
    [DataRow("test_convnext", "pyramid")]
    [DataRow("test_efficientnet", "pooled")]
    [DataRow("resnest14d", "pyramid")]
    public void A_stored_graph_is_the_same_graph(string name, string kind)
    {
        using Backbone backbone = Backbone.Create(name, new BackboneOptions { RandomWeights = true });
        SelectedFeatures features = backbone.Select(kind == "pooled" ? FeatureSelection.Pooled() : FeatureSelection.Pyramid());
        SelectedFeatures read = StoredGraph.Of(features).ToFeatures(features.Backbone);
        CollectionAssert.AreEqual(features.Outputs, read.Outputs);
        CollectionAssert.AreEqual(features.Graph.Parameters, read.Graph.Parameters);
        CollectionAssert.AreEqual(features.Graph.Nodes.Select(Describe).ToArray(), read.Graph.Nodes.Select(Describe).ToArray());
        using FeatureExtractor before = backbone.Extract(features), after = backbone.Extract(read);
        float[] input = [.. Enumerable.Range(0, (int)before.InputShape.Length).Select(i => i % 11 / 11f)];
        CollectionAssert.AreEqual(before.Run(1, input)[0][0].ToArray(), after.Run(1, input)[0][0].ToArray());

        static string Describe(Backbones.Graphs.Node n) => $"{n.Name} {n.Shape} {(n.Operator is Backbones.Graphs.ConstantOp ? "constant" : n.Operator)} {string.Join(' ', n.Inputs.Select(i => i.Name))}";
    }

    [TestMethod]
    public void Whatever_is_damaged_in_a_model_gives_the_documented_exception()
    {
        byte[][] contents = [Content(), GraphContent()];
        var random = new Random(20261128);
        var seen = new HashSet<string>();
        foreach (byte[] content in contents)
        {
            int description = content.AsSpan().LastIndexOf("\"WeightsHash\""u8) + 100;
            for (int i = 0; i < 400; i++)
            {
                byte[] changed = [.. content];
                for (int n = random.Next(1, 4); n > 0; n--)
                {
                    int at = random.Next(random.Next(3) == 0 ? content.Length : description);
                    switch (random.Next(4))
                    {
                        case 0:
                            changed[at] ^= (byte)(1 << random.Next(8));
                            break;
                        case 1:
                            changed[at] = (byte)"0123456789{}[]\",:-nte"[random.Next(21)];
                            break;
                        case 2:
                            changed = [.. changed.AsSpan(0, at), .. changed.AsSpan(Math.Min(at + random.Next(1, 9), changed.Length))];
                            break;
                        default:
                            int from = random.Next(description), length = random.Next(1, 30);
                            changed.AsSpan(Math.Min(from, changed.Length - length), length).CopyTo(changed.AsSpan(Math.Min(at, changed.Length - length)));
                            break;
                    }
                    if (changed.Length < 40)
                        break;
                    description = Math.Min(description, changed.Length - 1);
                }
                try
                {
                    Read(changed);
                    seen.Add("read");
                }
                catch (Exception e) when (e is FormatException or FileNotFoundException or NotSupportedException)
                {
                    seen.Add(e.GetType().Name);
                }
            }
        }
        CollectionAssert.Contains(seen.ToArray(), nameof(FormatException));
    }

    [TestMethod]
    public void What_a_model_says_that_is_unknown_is_refused_and_not_ignored()
    {
        string text = Encoding.Latin1.GetString(Content());
        foreach ((string from, string to) in new[]
        {
            ("\"Threads\":", "\"Thread\":"), ("\"ApplyExifOrientation\":", "\"ApplyExifOrientatiom\":"), ("\"OnImageError\":\"Throw\"", "\"OnImageError\":\"Thrww\""),
            ("\"Choices\":", "\"Choicez\":"), ("\"kind\":\"nodes\"", "\"kind\":\"nodez\""), ("\"Input\":", "\"Inpur\":"), ("\"Precision\":\"Auto\"", "\"Precision\":\"Aute\""),
        })
        {
            Assert.IsTrue(text.Contains(from), from);
            StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(Encoding.Latin1.GetBytes(text.Replace(from, to))), from).Message, "damaged");
        }
    }

    /// <summary>The names in stored descriptions are what they were, whatever the public types are called now.</summary>
    [TestMethod]
    public void A_stored_description_has_the_names_of_its_version()
    {
        using var reader = new BinaryReader(new MemoryStream(Content()));
        Assert.AreEqual(2, reader.ReadInt32());
        string text = reader.ReadString();
        StringAssert.StartsWith(text, "{\"Options\":{\"ModelName\":\"test_resnet\",\"WeightsPath\":null,\"RandomWeights\":true,\"ImageSize\":32,\"BatchSize\":0,\"Threads\":0,\"Device\":\"auto\",\"Precision\":\"Auto\","
            + "\"OnImageError\":\"Throw\",\"ImageFolder\":null,\"ApplyExifOrientation\":false,\"WeightStorage\":\"Embedded\"},\"Columns\":[{\"Input\":\"Tensor\",\"Outputs\":[\"F\"]}],"
            + "\"Selection\":{\"kind\":\"nodes\",\"Choices\":[{\"Node\":\"layer1\",\"Output\":\"F\"}]},\"Config\":{");
        foreach (FeatureSelection selection in new[]
        {
            FeatureSelection.Unpooled, FeatureSelection.Logits, FeatureSelection.Pooled("max"), FeatureSelection.Pyramid([1, 2], 16), FeatureSelection.Pyramid(),
            FeatureSelection.Intermediates([0, -1], norm: true, returnPrefixTokens: true, FeatureFormat.Nlc, stopEarly: true, intermediatesOnly: false), FeatureSelection.Nodes([("a", "b")]),
        })
        {
            Assert.AreEqual(selection, StoredSelection.Of(selection).ToSelection());
        }
        foreach (Backbones.Engines.Precision precision in Enum.GetValues<Backbones.Engines.Precision>())
            Assert.AreEqual(precision, StoredOptions.Of(Tiny.Options with { Precision = precision }).ToOptions().Precision);
    }

    [TestMethod]
    public void What_is_wrong_with_a_model_is_found_in_ML_NETs_wrappers_and_logged()
    {
        using (FeaturizerTransformer fitted = _context.Transforms.TimmFeatures("F", "Tensor", Tiny.Options).Fit(_context.Data.LoadFromEnumerable(TinyRow.Many(1))))
            Save(fitted);
        using (ZipArchive archive = ZipFile.Open(_path, ZipArchiveMode.Update))
        {
            ZipArchiveEntry entry = archive.Entries.Single(e => e.FullName.EndsWith("Model.key", StringComparison.Ordinal) && e.Length > 10_000);
            string name = entry.FullName;
            using var copy = new MemoryStream();
            using (Stream stream = entry.Open())
                stream.CopyTo(copy);
            byte[] bytes = copy.ToArray();
            bytes[bytes.AsSpan().IndexOf("\"kind\""u8) + 8] ^= 1;
            entry.Delete();
            using Stream changed = archive.CreateEntry(name).Open();
            changed.Write(bytes);
        }
        var context = new MLContext();
        var errors = new List<string>();
        context.Log += (_, e) =>
        {
            if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Error)
                errors.Add(e.Message);
        };
        Exception wrapped = Assert.Throws<Exception>(() => context.Model.Load(_path, out _));
        StringAssert.Contains(Assert.IsInstanceOfType<FormatException>(FeaturizerErrors.CauseOf(wrapped)).Message, "is damaged");
        StringAssert.Contains(errors.Single(), "is damaged");
    }

    private byte[] Content()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer fitted = _context.Transforms.TimmNodes([("layer1", "F")], "Tensor", Tiny.Options).Fit(data);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        TransformerFormat.Write(writer, fitted.Options, [new ColumnMapping("Tensor", ["F"])], FeatureSelection.Nodes([("layer1", "F")]), fitted.Session);
        return stream.ToArray();
    }

    private static byte[] GraphContent()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, ImageSize = 32 });
        using var session = new FeaturizerSession(new Lease<Backbone>(backbone, () => { }, () => { }), backbone.Select(FeatureSelection.Pyramid([1])),
            Backbones.Engines.DefaultEngine.Instance, Backbones.Engines.EngineOptions.Default);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        TransformerFormat.Write(writer, new FeaturizerOptions { ModelName = "test_resnet" }, [new ColumnMapping("Tensor", ["F"])], null, session);
        return stream.ToArray();
    }

    private sealed class TinyGrey
    {
        [VectorType(32 * 48)]
        public float[] Grey { get; set; } = [];
    }

    private static void Read(byte[] content) => TransformerFormat.Read(new BinaryReader(new MemoryStream(content)), new FeaturizerHost(null)).Dispose();

    private IDataView Pictures() => _context.Data.LoadFromEnumerable(Samples.Expected.Take(3).Select(e => new Picture { Path = Path.Combine(Samples.Pictures, e.Path) }));

    private FeaturizerTransformer Fit(FeaturizerOptions options) => _context.Transforms.TimmFeatures("Features", "Path", options).Fit(Pictures());

    private float[] Values(FeaturizerTransformer transformer, string column = "Features") => [.. transformer.Transform(Pictures()).GetColumn<float[]>(column).SelectMany(v => v)];

    private void Save(FeaturizerTransformer transformer) => _context.Model.Save(transformer, Pictures().Schema, _path);

    private FeaturizerTransformer Load()
    {
        ITransformer loaded = new MLContext().Model.Load(_path, out _);
        return (FeaturizerTransformer)(loaded is IEnumerable<ITransformer> chain ? chain.Single() : loaded);
    }

    private static Exception Innermost(Action action)
    {
        Exception e = Assert.Throws<Exception>(action);
        while (e.InnerException is { } inner)
            e = inner;
        return e;
    }

    private static void AssertExpected(float[][] actual)
    {
        Assert.HasCount(3, actual);
        for (int i = 0; i < 3; i++)
            RowValues.AssertNear(Samples.Expected[i].Features, actual[i], Samples.Expected[i].Path);
    }

    private static float[][] Parse(string lines) => [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(' ').Select(v => float.Parse(v, CultureInfo.InvariantCulture)).ToArray())];
}
