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
}
