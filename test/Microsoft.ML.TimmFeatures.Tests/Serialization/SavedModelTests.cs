using System.Globalization;
using System.IO.Compression;
using System.Text;
using Backbones.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Serialization;
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
            BatchSize = 3, Threads = 1, Device = "cpu", Precision = Backbones.Engines.Precision.Float32, OnImageError = ImageErrorMode.Missing, ImageFolder = "pictures",
            ApplyExifOrientation = true, Progress = new Progress<FeaturizationProgress>(), Cancellation = new CancellationTokenSource().Token,
        };
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer saved = _context.Transforms.TimmIntermediates([new("A", "Image"), new("B", "Tensor")], options, indices: [-1, 1], norm: true).Fit(data);
        _context.Model.Save(saved, data.Schema, _path);
        using FeaturizerTransformer loaded = Load();
        Assert.AreEqual(options with { Progress = null, Cancellation = default }, loaded.Options);
        CollectionAssert.AreEqual(saved.GetOutputSchema(data.Schema).Select(c => (c.Name, c.Type)).ToArray(), loaded.GetOutputSchema(data.Schema).Select(c => (c.Name, c.Type)).ToArray());
        Assert.AreEqual(saved.Session.Selection, loaded.Session.Selection);
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
    public void A_model_of_a_later_version_says_so()
    {
        byte[] content = Content();
        content[0] = 3;
        string message = Assert.ThrowsExactly<FormatException>(() => Read(content)).Message;
        StringAssert.Contains(message, "format version 3");
        StringAssert.Contains(message, "Update Microsoft.ML.TimmFeatures");
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
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(Encoding.Latin1.GetBytes(text.Replace("\"Selection\"", "\"Selectiom\"")))).Message, "missing");
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(Encoding.Latin1.GetBytes(text.Replace("[\"F\"]", "[\"\",0]")))).Message, "damaged");
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(Encoding.Latin1.GetBytes(text.Replace("{\"Options\"", "[\"Options\"")))).Message, "damaged");
    }

    private byte[] Content()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer fitted = _context.Transforms.TimmNodes([("layer1", "F")], "Tensor", Tiny.Options).Fit(data);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        TransformerFormat.Write(writer, fitted.Options, [new ColumnMapping("Tensor", ["F"])], fitted.Session);
        return stream.ToArray();
    }

    private static void Read(byte[] content) => TransformerFormat.Read(new BinaryReader(new MemoryStream(content)), new FeaturizerHost(null)).Session.Dispose();

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
