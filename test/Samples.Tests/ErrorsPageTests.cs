using Backbones;
using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures;

namespace Samples.Tests;

/// <summary>The messages that <c>docs/errors.md</c> shows are those that are thrown.</summary>
[TestClass]
public sealed class ErrorsPageTests
{
    private const string Model = "test_resnet.textures16";

    private static readonly string s_weights = Repository.In("samples", "weights", Model);

    private static readonly MLContext s_context = new();

    private static readonly IDataView s_data = s_context.Data.LoadFromEnumerable([new Row { Image = Repository.In("README.md") }]);

    [TestMethod]
    public void Making_a_featurizer()
    {
        using Backbone backbone = Backbone.Create(Model, new BackboneOptions { WeightsPath = s_weights });
        Check<UnknownModelException>("Unknown model 'resnet5'. Did you mean 'resnet50'", () => Backbone.Create("resnet5"));
        Check<UnknownModelException>("Unknown tag 'a9_in1k' of 'resnet50'.", () => Backbone.Create("resnet50.a9_in1k"));
        Check<FileNotFoundException>("No weights for 'resnet50' on this machine", () => Backbone.Create("resnet50"));
        Check<ParameterMismatchException>("The weights in", () => Backbone.Create("resnet18", new BackboneOptions { WeightsPath = Path.Combine(s_weights, "model.safetensors") }));
        Check<WeightsFormatException>(null, () => Backbone.Create("resnet18", new BackboneOptions { WeightsPath = Repository.In("README.md") }));
        Check<GraphException>("There is no node 'layer5'. Did you mean 'layer1'", () => backbone.Select(FeatureSelection.Nodes("layer5")));
        Check<ArgumentOutOfRangeException>("The model has 5 levels: valid indices are 0 to 4, or -5 to -1 from the end.", () => backbone.Select(FeatureSelection.Pyramid([7])));
        Check<NotSupportedException>("Cannot run on device 'cuda' in precision", () => s_context.Transforms.TimmFeatures("Features", "Image", Options with { Device = "cuda" }).Fit(s_data));
        Check<ArgumentException>("A pool type ('max') is for pooled features; Unpooled was asked for.",
            () => s_context.Transforms.TimmFeatures("Features", "Image", Model, s_weights, PenultimateKind.Unpooled, "max"));
    }

    [TestMethod]
    public void Binding_to_data()
    {
        Check<ArgumentOutOfRangeException>("There is no input column 'Imgae'.", () => Features("Imgae").Fit(s_data));
        Check<ArgumentOutOfRangeException>("takes normalised tensors", () => Features("Tensor").Fit(s_data).Transform(s_data));
        Check<ArgumentException>("Output columns named twice", () => s_context.Transforms.TimmPyramid("Map", "Image", Options, [1, 2], columnNames: ["A", "A"]).Fit(s_data));
    }

    [TestMethod]
    public void While_rows_are_read()
        => Check<InvalidOperationException>("cannot be featurized:", () => Features("Image").Fit(s_data).Transform(s_data).GetColumn<float[]>("Features").ToArray());

    private static FeaturizerOptions Options => new() { ModelName = Model, WeightsPath = s_weights };

    private static PenultimateFeaturizer Features(string column) => s_context.Transforms.TimmFeatures("Features", column, Options);

    /// <summary>Something throws what the page names, with the message that the page shows.</summary>
    private static void Check<TException>(string? shown, Action provoke) where TException : Exception
    {
        string page = File.ReadAllText(Repository.In("docs", "errors.md"));
        TException error = Assert.Throws<TException>(provoke);
        Assert.Contains(shown ?? typeof(TException).Name, page);
        if (shown is not null)
            Assert.Contains(shown, error.Message);
    }

    private sealed class Row
    {
        public string Image { get; set; } = "";

        [VectorType(3)]
        public float[] Tensor { get; set; } = [1, 2, 3];
    }
}
