using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Registry;
using Backbones.Weights;

namespace Backbones.Tests.Features;

[TestClass]
public sealed class FeatureExtractorTests
{
    private static readonly Backbone s_backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, ImageSize = 32 });
    private static readonly FeatureExtractor s_extractor = s_backbone.Extract(FeatureSelection.Pooled());

    [TestMethod]
    public void A_bad_picture_is_an_ArgumentException_with_its_number()
    {
        var good = new ImagePixels(new byte[4 * 6], 2, 3, PixelFormat.Bgra32);
        var cut = new ImagePixels(new byte[4], 2, 2, PixelFormat.Bgra32);
        ArgumentException first = Assert.ThrowsExactly<ArgumentException>(() => s_extractor.Run(good, cut, good, cut));
        StringAssert.Contains(first.Message, "Image 1 of 4");
        Assert.AreEqual("images", first.ParamName);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => s_extractor.Run(good, null!)).Message, "Image 1 of 2 cannot be transformed: it is null");
    }

    [TestMethod]
    public void No_pictures_and_no_batch_are_told_in_words()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => s_extractor.Run([])).Message, "No images were given");
        Assert.ThrowsExactly<ArgumentNullException>(() => s_extractor.Run((IReadOnlyList<ImagePixels>)null!));
        foreach (int batch in new[] { 0, -1, int.MinValue })
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_extractor.Run(batch, new float[3 * 32 * 32])).Message, "one image or more");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => s_extractor.Run(2, new float[3 * 32 * 32])).Message, "received 3072");
    }

    /// <summary>What a classifier of one's own gets, also where the network has layers between pool and classifier.</summary>
    [TestMethod]
    [DataRow("test_resnet", 96)]
    [DataRow("mobilenetv3_small_050", 1024)]
    [DataRow("torchvision/vgg11", 4096)]
    public void Pooled_features_have_the_heads_hidden_size(string name, int length)
    {
        var options = new BackboneOptions { RandomWeights = true };
        using Backbone backbone = Backbone.FromParameters(ModelNames.GetConfig(name), ParameterStore.FromTensors([]));
        Assert.AreEqual((length, (long)length), (backbone.HeadHiddenSize, Backbone.Describe(name, FeatureSelection.Pooled(), options)[0].Shape.Length));
    }

    [TestMethod]
    public void A_batch_that_no_array_takes_is_refused_before_anything_is_made()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => s_extractor.Run(int.MaxValue, new float[3])).Message, "6597069763584 values; received 3");
        var pictures = new Copies(new ImagePixels(new byte[4], 1, 1, PixelFormat.Bgra32), 1_000_000);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_extractor.Run(pictures)).Message, "at most 699050 images");
    }

    [TestMethod]
    public void What_a_batch_does_not_have_is_told_with_what_it_has()
    {
        FeatureBatch features = s_extractor.Run(2, new float[2 * 3 * 32 * 32]);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => features[1]).Message, "There are 1 outputs: 'features'");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => features[0][2].Length).Message, "'features' has the values of 2 images; valid are 0 to 1");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => features[0][-1].Length);
        StringAssert.Contains(Assert.ThrowsExactly<KeyNotFoundException>(() => features["feature"]).Message, "Outputs are 'features'");

        // Levels and blocks have the same names.
        using FeatureExtractor both = s_backbone.Extract(s_backbone.Select([FeatureSelection.Pyramid([1]), FeatureSelection.Intermediates([1, 2])]));
        FeatureBatch several = both.Run(1, new float[3 * 32 * 32]);
        StringAssert.Contains(Assert.ThrowsExactly<KeyNotFoundException>(() => several["1"]).Message, "Several outputs are called '1'; take one by its number, from 0. Outputs are '1', '1', '2'.");
        Assert.AreEqual("2", several["2"].Output.Name);
    }

    [TestMethod]
    public void Nodes_are_outputs_with_names_of_their_own()
    {
        // torchvision's create_feature_extractor makes a dictionary of the names: one that is there twice is there once.
        CollectionAssert.AreEqual(new[] { "layer2", "layer1" }, Names(FeatureSelection.Nodes("layer2", "layer1", "layer2")));
        Refuse("Several nodes are to be the output 'o': 'layer1', 'layer2'.", [("layer1", "o"), ("layer2", "o")]);
        Refuse("'layer1' as ''", [("layer1", null!)]);
        Refuse("'' as 'o'", [(null!, "o")]);
        Assert.ThrowsExactly<ArgumentNullException>(() => FeatureSelection.Nodes((IEnumerable<string>)null!));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentNullException>(() => s_backbone.Select((FeatureSelection)null!)).Message, "No selection was given");
    }

    [TestMethod]
    public void More_last_levels_than_there_are_cost_nothing()
    {
        foreach (int last in new[] { 6, 4096, 4097, int.MaxValue })
        {
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_backbone.Select(FeatureSelection.Pyramid(last))).Message, "The model has 5 levels");
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_backbone.Select(FeatureSelection.Intermediates(last))).Message, "The model has 5 blocks");
        }
        Assert.AreEqual("lastLevels", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeatureSelection.Pyramid(0)).ParamName);
        Assert.AreEqual("lastBlocks", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeatureSelection.Intermediates(-1)).ParamName);
    }

    [TestMethod]
    [DataRow(new[] { 4, 3 })]
    [DataRow(new[] { 4, 3, 4, 3 })]
    public void Levels_and_blocks_come_in_the_models_order_each_once(int[] indices)
    {
        using Backbone vit = Backbone.Create("test_vit", new BackboneOptions { RandomWeights = true });
        foreach (FeatureSelection selection in new[] { FeatureSelection.Pyramid(indices), FeatureSelection.Intermediates(indices) })
        {
            string[] names = [.. vit.Select(selection).Outputs.Select(o => o.Name)];
            CollectionAssert.AreEqual(names.Order().Distinct().ToArray(), names, $"{selection}");
            Assert.HasCount(2, names);
        }
        CollectionAssert.AreEqual(new[] { "3", "4" }, s_backbone.Select(FeatureSelection.Pyramid(indices)).Outputs.Select(o => o.Name).ToArray());
    }

    [TestMethod]
    public void ShapesOfABatchBeginWithItsImages()
    {
        using FeatureExtractor extractor = s_backbone.Extract(FeatureSelection.Pyramid([-1]));
        FeatureTensor maps = extractor.Run(2, new float[2 * extractor.InputShape.Length]).Tensors[0];
        Assert.AreEqual<Shape>([2, .. maps.Output.Shape], maps.Shape);
        Assert.AreEqual(maps.Values.Length, maps.Shape.Length);
    }

    private static string[] Names(FeatureSelection selection) => [.. s_backbone.Select(selection).Outputs.Select(o => o.Name)];

    private static void Refuse(string message, (string Node, string Output)[] nodes)
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => s_backbone.Select(FeatureSelection.Nodes(nodes))).Message, message);

    /// <summary>One picture many times.</summary>
    private sealed class Copies(ImagePixels image, int count) : IReadOnlyList<ImagePixels>
    {
        public int Count => count;

        public ImagePixels this[int index] => image;

        public IEnumerator<ImagePixels> GetEnumerator() => Enumerable.Repeat(image, count).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
