using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Estimators;

[TestClass]
public sealed class SchemaTests
{
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    public void Columns_are_named_and_shaped_as_asked()
    {
        TransformsCatalog t = _context.Transforms;
        AssertColumns(t.TimmFeatures("F", "Image", Tiny.Options), ("F", [96]));
        AssertColumns(t.TimmFeatures("F", "Image", Tiny.Options, PenultimateKind.Unpooled), ("F", [96, 1, 1]));
        AssertColumns(t.TimmFeatures("F", "Image", Tiny.Options, PenultimateKind.Logits), ("F", [1000]));
        AssertColumns(t.TimmFeatures("F", "Image", Tiny.Options, pool: "catavgmax"), ("F", [192]));
        AssertColumns(t.TimmPyramid("F", "Image", Tiny.Options, outIndices: [2, -1]), ("F_2", [48, 4, 4]), ("F_4", [96, 1, 1]));
        AssertColumns(t.TimmPyramid("F", "Image", Tiny.Options, outIndices: [2, 4], outputStride: 8, columnNames: ["Mid", "High"]), ("Mid", [48, 4, 4]), ("High", [96, 4, 4]));
        AssertColumns(t.TimmIntermediates("F", "Image", Tiny.Options, indices: [-1], intermediatesOnly: false), ("F_4", [96, 1, 1]), ("F_features", [96, 1, 1]));
        AssertColumns(t.TimmNodes([("layer1", "A"), ("layer4.0.conv2", "B")], "Image", Tiny.Options), ("A", [32, 8, 8]), ("B", [96, 1, 1]));
    }

    [TestMethod]
    public void Column_names_can_be_members_of_a_class()
    {
        var tokens = _context.Transforms.TimmIntermediates("T", "Image", Tiny.Options with { ModelName = "test_vit", ImageSize = null }, indices: [1], returnPrefixTokens: true, outputFormat: FeatureFormat.Nlc);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(2));
        using FeaturizerTransformer transformer = tokens.Fit(data);
        CollectionAssert.AreEqual(new[] { "1", "1.prefix" }, tokens.Outputs.Select(o => o.Name).ToArray());
        Tokens[] rows = [.. _context.Data.CreateEnumerable<Tokens>(transformer.Transform(data), reuseRowObject: false)];
        Assert.HasCount(2, rows);
        Assert.HasCount(64, rows[0].T_1_prefix);
    }

    [TestMethod]
    public void Names_without_options_mean_the_same()
    {
        TransformsCatalog t = _context.Transforms;
        Assert.AreEqual(Samples.Weights, t.TimmFeatures("F", "Image", Samples.Model, Samples.Weights).Options.WeightsPath);
        Assert.HasCount(2, t.TimmPyramid("F", "Image", Samples.Model, outIndices: [1, 2], weightsPath: Samples.Weights).Outputs);
        Assert.HasCount(1, t.TimmIntermediates("F", "Image", Samples.Model, indices: [1], weightsPath: Samples.Weights).Outputs);
        Assert.HasCount(1, t.TimmNodes([("layer1", "F")], "Image", Samples.Model, Samples.Weights).Outputs);
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer hiding = t.TimmFeatures("Image", null, Tiny.Options).Fit(data);
        Assert.AreEqual(96, ((VectorDataViewType)hiding.GetOutputSchema(data.Schema)["Image"].Type).Size);
    }

    [TestMethod]
    public void An_output_of_the_inputs_name_hides_it()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(2));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Tensor", "Tensor", Tiny.Options).Fit(data);
        IDataView view = transformer.Transform(data);
        DataViewSchema.Column hidden = view.Schema.First(c => c.Name == "Tensor");
        Assert.IsTrue(hidden.IsHidden);
        Assert.AreEqual(3072, ((VectorDataViewType)hidden.Type).Size);
        Assert.AreEqual(96, view.GetColumn<float[]>("Tensor").First().Length);
        // The hidden column is still there for those who know its index.
        Assert.AreEqual(3072, view.GetColumn<float[]>(hidden).First().Length);
    }

    [TestMethod]
    public void Annotations_say_what_a_column_is()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer pyramid = _context.Transforms.TimmPyramid("F", "Image", Tiny.Options, outIndices: [3]).Fit(data);
        DataViewSchema.Column level = pyramid.GetOutputSchema(data.Schema)["F_3"];
        Assert.AreEqual("test_resnet", Text(level, FeatureAnnotations.ModelName)[.."test_resnet".Length]);
        Assert.AreEqual("layer3", Text(level, FeatureAnnotations.Module));
        Assert.AreEqual(192, Number(level, FeatureAnnotations.Channels));
        Assert.AreEqual(16, Number(level, FeatureAnnotations.Reduction));

        using FeaturizerTransformer pooled = _context.Transforms.TimmFeatures("F", "Image", Tiny.Options).Fit(data);
        DataViewSchema.Column features = pooled.GetOutputSchema(data.Schema)["F"];
        Assert.AreEqual(96, Number(features, FeatureAnnotations.Channels));
        Assert.IsNull(features.Annotations.Schema.GetColumnOrNull(FeatureAnnotations.Module));

        static string Text(DataViewSchema.Column column, string kind)
        {
            ReadOnlyMemory<char> value = default;
            column.Annotations.GetValue(kind, ref value);
            return value.ToString();
        }

        static int Number(DataViewSchema.Column column, string kind)
        {
            int value = 0;
            column.Annotations.GetValue(kind, ref value);
            return value;
        }
    }

    [TestMethod]
    public void Logits_have_the_names_of_their_classes()
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        // Published weights of 1000 classes know ImageNet's; a folder's config.json has its own; others have none.
        string[] imageNet = SlotNames(Tiny.Options);
        Assert.HasCount(1000, imageNet);
        Assert.AreEqual(("tench, Tinca tinca", "toilet tissue, toilet paper, bathroom tissue"), (imageNet[0], imageNet[999]));
        string folder = Directory.CreateTempSubdirectory("timm-labels").FullName;
        try
        {
            using (Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true }))
                backbone.SaveWeights(Path.Combine(folder, "model.safetensors"));
            File.WriteAllText(Path.Combine(folder, "config.json"), """
                { "architecture": "test_resnet", "num_classes": 1000, "pretrained_cfg": { "tag": "mine", "label_names": ["LABELS"] } }
                """.Replace("\"LABELS\"", string.Join(",", Enumerable.Range(0, 1000).Select(i => $"\"class {i}\""))));
            CollectionAssert.AreEqual(Enumerable.Range(0, 1000).Select(i => $"class {i}").ToArray(),
                SlotNames(new FeaturizerOptions { ModelName = $"local-dir:{folder}", ImageSize = TinyRow.Size }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        string[] SlotNames(FeaturizerOptions options)
        {
            using FeaturizerTransformer logits = _context.Transforms.TimmFeatures("Scores", "Image", options, PenultimateKind.Logits).Fit(data);
            VBuffer<ReadOnlyMemory<char>> names = default;
            logits.GetOutputSchema(data.Schema)["Scores"].GetSlotNames(ref names);
            return [.. names.DenseValues().Select(n => n.ToString())];
        }
    }

    [TestMethod]
    [DataRow("Image")]
    [DataRow("Tensor")]
    [DataRow("Text")]
    [DataRow("Varying")]
    public void What_an_estimator_promises_is_what_its_transformer_gives(string input)
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        foreach (FeaturizerEstimator estimator in new FeaturizerEstimator[]
        {
            _context.Transforms.TimmFeatures("F", input, Tiny.Options),
            _context.Transforms.TimmFeatures(input, input, Tiny.Options),
            _context.Transforms.TimmPyramid("F", input, Tiny.Options),
        })
        {
            SchemaShape promised = estimator.GetOutputSchema(SchemaShapes.Of(data.Schema));
            using FeaturizerTransformer transformer = estimator.Fit(data);
            CollectionAssert.AreEqual(SchemaShapes.Describe(SchemaShapes.Of(transformer.GetOutputSchema(data.Schema))), SchemaShapes.Describe(promised));
        }
    }

    [TestMethod]
    public void Encoded_bytes_of_any_length_promise_features_of_known_size()
    {
        IDataView data = _context.Data.LoadFromEnumerable(new[] { new BytesRow() });
        SchemaShape promised = _context.Transforms.TimmFeatures("F", "Image", Tiny.Options).GetOutputSchema(SchemaShapes.Of(data.Schema));
        Assert.AreEqual(SchemaShape.Column.VectorKind.Vector, promised.First(c => c.Name == "F").Kind);
        Assert.AreEqual(SchemaShape.Column.VectorKind.VariableVector, promised.First(c => c.Name == "Image").Kind);
    }

    [TestMethod]
    public void Column_names_are_checked()
    {
        TransformsCatalog t = _context.Transforms;
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => t.TimmPyramid("F", "Image", Tiny.Options, outIndices: [1, 2], columnNames: ["A", "A"])).Message, "'A'");
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => t.TimmPyramid("F", "Image", Tiny.Options, outIndices: [1, 2], columnNames: ["One"])).Message, "2 outputs");
        Assert.Throws<ArgumentException>(() => t.TimmFeatures("F", " ", Tiny.Options));
        Assert.Throws<ArgumentException>(() => t.TimmNodes([("layer1", "")], "Image", Tiny.Options));
        Assert.Throws<ArgumentException>(() => t.TimmNodes([], "Image", Tiny.Options));
        Assert.Throws<ArgumentException>(() => t.TimmNodes([("layer1", "A"), ("layer2", "A")], "Image", Tiny.Options));
    }

    private void AssertColumns(FeaturizerEstimator estimator, params (string Name, int[] Dimensions)[] expected)
    {
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1));
        using FeaturizerTransformer transformer = estimator.Fit(data);
        DataViewSchema schema = transformer.GetOutputSchema(data.Schema);
        Assert.AreEqual(data.Schema.Count + expected.Length, schema.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            DataViewSchema.Column column = schema[data.Schema.Count + i];
            Assert.AreEqual(expected[i].Name, column.Name);
            CollectionAssert.AreEqual(expected[i].Dimensions, ((VectorDataViewType)column.Type).Dimensions.ToArray(), column.Name);
        }
    }

    private sealed class Tokens
    {
        public float[] T_1 { get; set; } = [];

        public float[] T_1_prefix { get; set; } = [];
    }

    private sealed class BytesRow
    {
        public byte[] Image { get; set; } = [];
    }
}
