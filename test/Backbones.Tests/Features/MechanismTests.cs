using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Tests.Graphs;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Features;

/// <summary>What holds of a mechanism whatever the model. <see cref="Models.FamilyTests"/> has each of them over every registered model, the conformance runner their numbers.</summary>
[TestClass]
public sealed class MechanismTests
{
    [TestMethod]
    public void A_graph_is_built_once_as_long_as_anybody_has_it()
    {
        var options = new BackboneOptions { RandomWeights = true };
        SelectedFeatures outline = Backbone.Outline("test_resnet", Backbone.FindConfig("test_resnet", options), FeatureSelection.Pooled(), options);
        using Backbone one = Backbone.Create("test_resnet", options), other = Backbone.Create("test_resnet", options);
        Assert.AreSame(one.Graph, other.Graph);
        Assert.AreSame(outline.Backbone, one.Select(FeatureSelection.Pooled()).Backbone);
        using Backbone larger = Backbone.Create("test_resnet", options with { ImageSize = 96 });
        Assert.AreNotSame(one.Graph, larger.Graph);
        GC.KeepAlive(outline);
    }

    [TestMethod]
    [DataRow("resnet18", 1)]
    [DataRow("resnet18", 5)]
    public void Other_channels_read_the_default_models_weights(string name, int channels)
    {
        using Backbone backbone = Backbone.Create(name, new BackboneOptions { RandomWeights = true, InChannels = channels, ImageSize = 64 });
        SelectedFeatures selected = backbone.Select(FeatureSelection.Pooled());
        Assert.AreEqual(Shape.Create([64, 3, 7, 7]), selected.Graph.Parameters[0].Shape);
        Assert.AreEqual(Shape.Create([channels, 64, 64]), selected.Graph.Inputs[0].Shape);
    }

    [TestMethod]
    [DataRow("hiera_tiny_224")]
    [DataRow("hieradet_small")]
    public void A_norm_that_timm_refuses_on_hidden_states_is_refused(string name)
    {
        var options = new BackboneOptions { RandomWeights = true };
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => Backbone.Describe(name, FeatureSelection.Intermediates(1, norm: true), options)).Message, "without it");
        Assert.HasCount(1, Backbone.Describe(name, FeatureSelection.Intermediates(1), options));
    }

    [TestMethod]
    public void A_selection_of_nothing_is_refused()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true });
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => backbone.Select(FeatureSelection.Nodes())).Message, "No node asked for");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => backbone.Select([])).Message, "No selection");
    }

    [TestMethod]
    public void A_format_that_does_not_exist_is_refused()
    {
        foreach (string name in new[] { "test_resnet", "test_vit" })
        {
            string message = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.Describe(name, FeatureSelection.Intermediates(outputFormat: (FeatureFormat)7), new() { RandomWeights = true })).Message;
            StringAssert.Contains(message, "Nchw, Nlc, Nhwc");
        }
    }

    [TestMethod]
    public void A_number_of_classes_below_zero_is_refused()
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.Describe(ModelNames.GetConfig("crossvit_tiny_240") with { NumClasses = -1 }, FeatureSelection.Logits)).Message, "0 or more");

    [TestMethod]
    [DataRow("dla46x_c", 97, 97)]      // maps that are to be added
    [DataRow("mvitv2_tiny", 1, 1)]     // a table of no rows
    [DataRow("nasnetalarge", 7, 300)]
    public void An_image_that_a_node_does_not_take_is_refused_with_both_sizes(string name, int height, int width)
    {
        string message = Assert.ThrowsExactly<GraphException>(() => Backbone.Describe(name, FeatureSelection.Unpooled, new() { RandomWeights = true, ImageSize = (height, width) })).Message;
        Shape own = ModelNames.GetConfig(name).InputSize;
        StringAssert.StartsWith(message, $"An image of {height}×{width} does not fit '{name}', whose own size is {own[1]}×{own[2]}. ");
    }

    [TestMethod]
    public void Weights_that_cannot_be_resized_are_refused_with_both_sizes()
    {
        using TemporaryFolder folder = new();
        var options = new BackboneOptions { RandomWeights = true };
        using (Backbone native = Backbone.Create("efficientvit_m0", options))
            native.SaveWeights(folder.File("m0.safetensors"));
        foreach (Action create in new Action[]
        {
            () => Backbone.Create("efficientvit_m0", options with { ImageSize = 64 }).Extract(FeatureSelection.Pooled()),
            () => Backbone.Describe("efficientvit_m0", FeatureSelection.Pooled(), options with { ImageSize = 64 }),
            () => Backbone.Create("efficientvit_m0", new() { WeightsPath = folder.File("m0.safetensors"), ImageSize = 64 }),
        })
            StringAssert.Contains(Assert.ThrowsExactly<GraphException>(create).Message, "An image of 64×64 does not fit the weights of 'efficientvit_m0");
    }

    /// <summary>A pool type that a message calls valid is one.</summary>
    [TestMethod]
    [DataRow("test_vit")]
    [DataRow("vit_srelpos_small_patch16_224")]
    [DataRow("vitamin_small_224")]
    [DataRow("test_convnext")]
    [DataRow("poolformerv2_s12")]
    [DataRow("efficientvit_b0")]
    public void Pool_types_that_are_called_valid_are(string name)
    {
        var options = new BackboneOptions { RandomWeights = true };
        string message = Assert.ThrowsExactly<GraphException>(() => Backbone.Describe(name, FeatureSelection.Pooled("none at all"), options)).Message;
        string list = message[message.IndexOf("alid types", StringComparison.Ordinal)..].Split(", and '")[0];
        string[] valid = [.. list.Split('\'').Where((_, i) => i % 2 == 1)];
        Assert.IsGreaterThan(1, valid.Length, message);
        foreach (string pool in valid)
            Assert.HasCount(1, Backbone.Describe(name, FeatureSelection.Pooled(pool), options));
    }

    [TestMethod]
    public void A_model_of_five_channels_takes_tensors_and_says_so_of_pictures()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, InChannels = 5, ImageSize = 64 });
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled());
        Assert.AreEqual(96, extractor.Run(1, TestGraphs.Input(1, extractor.InputShape))[0].Values.Length);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => extractor.Transform).Message, "tensors");
    }

    [TestMethod]
    public void Pruned_weights_are_saved_and_load_again()
    {
        string file = Path.Combine(Path.GetTempPath(), $"pruned-{Guid.NewGuid():N}.safetensors");
        try
        {
            var selection = FeatureSelection.Pyramid([1]);
            float[] expected;
            PretrainedConfig config;
            using (Backbone backbone = Backbone.Create("resnet18", new BackboneOptions { RandomWeights = true, ImageSize = 64 }))
            {
                config = backbone.Config;
                backbone.SaveWeights(file, selection);
                expected = Run(backbone, selection);
            }
            using ParameterStore store = ParameterStore.Open(file);
            Assert.IsFalse(store.TryGet("layer2.0.conv1.weight", out _), "a pruned weight was saved");
            using Backbone pruned = Backbone.FromParameters(config, store, new BackboneOptions { ImageSize = 64 });
            CollectionAssert.AreEqual(expected, Run(pruned, selection));
            Assert.ThrowsExactly<ParameterMismatchException>(() => pruned.Extract(FeatureSelection.Pooled()));
        }
        finally
        {
            File.Delete(file);
        }

        static float[] Run(Backbone backbone, FeatureSelection selection)
        {
            using FeatureExtractor extractor = backbone.Extract(selection);
            return extractor.Run(1, TestGraphs.Input(1, extractor.InputShape))[0].Values.ToArray();
        }
    }

    [TestMethod]
    public void Selections_survive_json()
    {
        FeatureSelection[] selections =
        [
            FeatureSelection.Unpooled, FeatureSelection.Logits, FeatureSelection.Pooled(), FeatureSelection.Pooled("avgmax"), FeatureSelection.Pyramid([2, -1], 8), FeatureSelection.Pyramid(),
            FeatureSelection.Intermediates([-2], norm: true, returnPrefixTokens: true, FeatureFormat.Nlc, stopEarly: true, intermediatesOnly: false), FeatureSelection.Nodes("layer1", "layer2.0.act1"),
        ];
        foreach (FeatureSelection selection in selections)
            Assert.AreEqual(selection, System.Text.Json.JsonSerializer.Deserialize<FeatureSelection>(System.Text.Json.JsonSerializer.Serialize(selection)));
    }

    [TestMethod]
    public void What_a_model_does_not_have_is_refused_with_what_it_has()
    {
        ModelEntry model = ModelCatalog.Find("resnet18");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SelectedFeatures.Create(model, FeatureSelection.Pyramid([5]))).Message, "0 to 4");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pyramid(outputStride: 12))).Message, "8, 16 and 32");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pooled("avgmx"))).Message, "'avgmax'");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Nodes("layer4.1.cnv1"))).Message, "'layer4.1.conv1'");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Intermediates([-1], outputFormat: FeatureFormat.Nlc))).Message, "NLC");
    }

    [TestMethod]
    public void One_run_serves_several_selections()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, ImageSize = 64 });
        SelectedFeatures merged = backbone.Select([FeatureSelection.Unpooled, FeatureSelection.Pyramid([1, 2]), FeatureSelection.Logits]);
        using FeatureExtractor together = backbone.Extract(merged);
        float[] input = TestGraphs.Input(2, together.InputShape);
        FeatureBatch batch = together.Run(2, input);
        using FeatureExtractor alone = backbone.Extract(FeatureSelection.Logits);
        Assert.IsLessThan(1e-6, TestGraphs.Distance(alone.Run(2, input)[0].Values.Span, batch["logits"].Values.Span));
        Assert.AreEqual(4, batch.Tensors.Length);
    }
}
