using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Features;

/// <summary>Backbones made with arguments that weights bring in the <c>model_args</c> of their config.</summary>
[TestClass]
public sealed class ModelArgsTests
{
    private static PretrainedConfig Config { get; } = ModelNames.GetConfig("resnet18") with { InputSize = [3, 32, 32], Layers = [1, 1, 1, 2], MeanImage = true, NumClasses = 0 };

    [TestMethod]
    public void LayersAreTheBlocksOfTheStages()
    {
        using Backbone backbone = Backbone.FromParameters(Config, ParameterStore.FromTensors([]));
        string[] keys = [.. backbone.Graph.Parameters.Select(p => p.Name)];
        Assert.Contains("layer4.1.conv2.weight", keys);
        Assert.DoesNotContain("layer1.1.conv1.weight", keys);
        Assert.DoesNotContain("fc.weight", keys);
    }

    [TestMethod]
    public void LayersThatTheModelCannotHaveAreRefused()
    {
        StringAssert.Contains(Refusal(Config with { Layers = [1, 1, 1] }), "'layers' has 3 numbers of blocks, the model 4 stages");
        StringAssert.Contains(Refusal(ModelNames.GetConfig("vgg11") with { Layers = [1] }), "'layers' (1), which 'vgg11' does not take");
    }

    /// <summary>What is subtracted in the graph is as good as subtracted from the input.</summary>
    [TestMethod]
    public void TheMeanImageIsSubtractedFromTheInput()
    {
        using ParameterStore weights = RecipeFor(Config);
        float[] mean = weights["mean_image"].ToArray(), input = [.. Enumerable.Range(0, mean.Length).Select(i => MathF.Sin(i))];
        using Backbone with = Backbone.FromParameters(Config, weights), without = Backbone.FromParameters(Config with { MeanImage = false }, weights);
        float[] expected = Run(without, [.. input.Zip(mean, (x, m) => x - m)]), actual = Run(with, input);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 1e-5f);
        Assert.AreNotEqual(Run(without, input)[0], actual[0], 1e-3f);
    }

    /// <summary>A mean image of one colour is that colour at any size.</summary>
    [TestMethod]
    public void TheMeanImageIsResizedWithTheInput()
    {
        using ParameterStore weights = RecipeFor(Config), grey = weights.WithTensors(weights.Tensors.Select(t => t.Name == "mean_image" ? new MemoryTensor(t.Name, t.Shape, [.. Enumerable.Repeat(0.25f, t.Length)]) : t));
        var larger = new BackboneOptions { ImageSize = 48 };
        float[] input = [.. Enumerable.Range(0, 3 * 48 * 48).Select(i => MathF.Sin(i))];
        using Backbone with = Backbone.FromParameters(Config, grey, larger), without = Backbone.FromParameters(Config with { MeanImage = false }, grey, larger);
        float[] expected = Run(without, [.. input.Select(x => x - 0.25f)]), actual = Run(with, input);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 1e-5f);
        using Backbone monochrome = Backbone.FromParameters(Config, grey, new BackboneOptions { InChannels = 1 });
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => monochrome.Select(FeatureSelection.Pooled())).Message, "'mean_image' [3, 32, 32] is of 3 channels, the input of 1");
    }

    /// <summary>A folder that is written has the arguments, and its weights fit.</summary>
    [TestMethod]
    public void AFolderThatIsWrittenIsReadBack()
    {
        using TemporaryFolder folder = new();
        using ParameterStore weights = RecipeFor(Config);
        ModelFolder.Write(folder.File("model"), Config with { Tag = "here", License = "mit" }, 512, path => SafetensorsWriter.Write(path, weights.Tensors));
        using Backbone read = Backbone.Create($"local-dir:{folder.File("model")}");
        Assert.AreEqual("resnet18.here", read.Name);
        Assert.AreEqual("mit", read.Config.License);
        Assert.IsTrue(read.Config.Layers.SequenceEqual(Config.Layers));
        Assert.IsTrue(read.Config.MeanImage);
        Assert.HasCount(weights.Tensors.Length, read.Parameters.Tensors);
    }

    private static ParameterStore RecipeFor(PretrainedConfig config)
    {
        using Backbone backbone = Backbone.FromParameters(config, ParameterStore.FromTensors([]));
        return ParameterStore.FromRecipe(backbone.Graph.Parameters, 1);
    }

    private static float[] Run(Backbone backbone, float[] input)
    {
        using FeatureExtractor extractor = backbone.Extract(FeatureSelection.Pooled());
        float[] output = new float[512];
        extractor.Run(1, input, [output]);
        return output;
    }

    private static string Refusal(PretrainedConfig config) => Assert.ThrowsExactly<GraphException>(() => Backbone.Describe(config, FeatureSelection.Pooled())).Message;
}
