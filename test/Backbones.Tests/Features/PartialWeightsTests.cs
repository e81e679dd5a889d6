using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Tests.Graphs;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Features;

/// <summary>Files that have not exactly the default model's weights: they serve what they have the weights for.</summary>
[TestClass]
public sealed class PartialWeightsTests
{
    private const string Model = "test_resnet";
    private static readonly BackboneOptions Random = new() { RandomWeights = true };

    [TestMethod]
    public void Weights_saved_for_a_selection_open_by_name()
    {
        using TemporaryFolder folder = new();
        using Backbone whole = Backbone.Create(Model, Random);
        foreach (FeatureSelection selection in new[] { FeatureSelection.Pooled(), FeatureSelection.Pyramid([1]), FeatureSelection.Nodes("layer2.0.act1") })
        {
            whole.SaveWeights(folder.File("some.safetensors"), selection);
            using Backbone some = Backbone.Create(Model, new() { WeightsPath = folder.File("some.safetensors") });
            CollectionAssert.AreEqual(Run(whole, selection), Run(some, selection));
            ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => some.Extract(FeatureSelection.Logits));
            CollectionAssert.Contains(e.Missing.ToArray(), "fc.weight");
        }
    }

    [TestMethod]
    public void A_classifier_of_other_classes_gives_their_number()
    {
        using TemporaryFolder folder = new();
        string file = Write(folder, whole => whole.Select(t => t.Name.StartsWith("fc.", StringComparison.Ordinal) ? new MemoryTensor(t.Name, t.Shape.With(0, 30), new float[30 * t.Length / 1000]) : t));
        using Backbone tuned = Backbone.Create(Model, new() { WeightsPath = file });
        Assert.AreEqual(30, tuned.Config.NumClasses);
        Assert.HasCount(30, Run(tuned, FeatureSelection.Logits));
        using Backbone whole = Backbone.Create(Model, Random);
        CollectionAssert.AreEqual(Run(whole, FeatureSelection.Pooled()), Run(tuned, FeatureSelection.Pooled()));
        Assert.AreEqual(30, Backbone.Describe(Model, FeatureSelection.Logits, new() { WeightsPath = file }).Single().Shape[0]);
        Assert.AreEqual(1000, Backbone.Describe(Model, FeatureSelection.Logits).Single().Shape[0]);
    }

    [TestMethod]
    public void A_file_without_a_classifier_serves_all_but_logits()
    {
        using TemporaryFolder folder = new();
        string file = Write(folder, whole => whole.Where(t => !t.Name.StartsWith("fc.", StringComparison.Ordinal)));
        using Backbone headless = Backbone.Create(Model, new() { WeightsPath = file });
        Assert.HasCount(96, Run(headless, FeatureSelection.Pooled()));
        Assert.ThrowsExactly<ParameterMismatchException>(() => headless.Extract(FeatureSelection.Logits));
        string saved = folder.File("logits.safetensors");
        CollectionAssert.Contains(Assert.ThrowsExactly<ParameterMismatchException>(() => headless.SaveWeights(saved, FeatureSelection.Logits)).Missing.ToArray(), "fc.weight");
        Assert.IsFalse(File.Exists(saved));
    }

    [TestMethod]
    [DataRow("test_resnet", "conv1.0.weight", 1)]
    [DataRow("test_vit", "patch_embed.proj.weight", 1)]
    public void A_file_of_other_channels_is_taken_as_it_is(string model, string first, int channels)
    {
        using TemporaryFolder folder = new();
        string file = folder.File("grey.safetensors");
        using (Backbone whole = Backbone.Create(model, Random))
        {
            Shape shape = whole.Parameters[first].Shape.With(1, channels);
            SafetensorsWriter.Write(file, whole.Parameters.Tensors.Select(t => t.Name == first ? RecipeOf(first, shape) : t));
        }
        using Backbone grey = Backbone.Create(model, new() { WeightsPath = file, InChannels = channels });
        SelectedFeatures selected = grey.Select(FeatureSelection.Pooled());
        Assert.AreEqual(channels, selected.Graph.Parameters.Single(p => p.Name == first).Shape[1], "not adapted from three");
        using FeatureExtractor extractor = grey.Extract(selected);
        Assert.AreEqual(channels, extractor.InputShape[0]);
        Assert.ThrowsExactly<WeightsFormatException>(() => Backbone.Create(model, new() { WeightsPath = file }));
    }

    [TestMethod]
    public void A_prefix_of_all_keys_is_proposed_and_works()
    {
        using TemporaryFolder folder = new();
        string file = Write(folder, whole => whole.Select(t => (ParameterTensor)new MemoryTensor($"backbone.{t.Name}", t.Shape, t.ToArray())));
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create(Model, new() { WeightsPath = file }));
        StringAssert.Contains(e.Message, "set KeyPrefix = \"backbone.\"");
        Assert.IsLessThanOrEqualTo(20, e.Message.Split('\n').Length);
        using Backbone backbone = Backbone.Create(Model, new() { WeightsPath = file, KeyPrefix = "backbone." });
        Assert.HasCount(96, Run(backbone, FeatureSelection.Pooled()));
    }

    [TestMethod]
    public void The_model_that_a_file_looks_like_is_named()
    {
        using TemporaryFolder folder = new();
        string file = Write(folder, whole => whole);
        ParameterMismatchException e = Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create("test_convnext", new() { WeightsPath = file }));
        StringAssert.Contains(e.Message, "This file looks like 'test_resnet'.");
        Assert.IsLessThanOrEqualTo(20, e.Message.Split('\n').Length);
    }

    [TestMethod]
    public void A_file_that_has_one_entry_too_many_is_not_said_to_look_like_the_model_asked_for()
    {
        using TemporaryFolder folder = new();
        string file = Write(folder, tensors => tensors.Append(new MemoryTensor("other.weight", [1], [1f])));
        Assert.DoesNotContain("looks like", Assert.ThrowsExactly<ParameterMismatchException>(() => Backbone.Create(Model, new() { WeightsPath = file })).Message);
    }

    [TestMethod]
    public void What_would_be_looked_at_first_is_told_first()
    {
        // A file that is not there, with a tag or a model that is not.
        Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Create("test_resnet.mine", new() { WeightsPath = "missing.safetensors" }));
        Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Create("resnet5", new() { WeightsPath = "missing.safetensors" }));
        Assert.ThrowsExactly<UnknownModelException>(() => Backbone.Create("resnet5", new() { WeightsPath = WeightsTestData.DemoFile }));
    }

    [TestMethod]
    public void Channels_and_sizes_below_one_are_refused()
    {
        foreach (BackboneOptions options in new[] { Random with { InChannels = 0 }, Random with { InChannels = -1 }, Random with { ImageSize = new Size2(0, 64) }, Random with { ImageSize = new Size2(64, -1) } })
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.Create(Model, options)).Message, "1 or more");
    }

    [TestMethod]
    public void Channels_and_sizes_beyond_any_picture_are_refused_at_once()
    {
        foreach (BackboneOptions options in new[] { Random with { InChannels = 100_000 }, Random with { InChannels = int.MaxValue }, Random with { ImageSize = new Size2(100_000, 100_000) }, Random with { ImageSize = new Size2(int.MaxValue, int.MaxValue) } })
        {
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.Create(Model, options)).Message, "at most");
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.Describe(Model, FeatureSelection.Pooled(), options)).Message, "at most");
        }
    }

    private static ParameterTensor RecipeOf(string name, Shape shape)
    {
        float[] values = new float[shape.Length];
        RecipeWeights.Fill(new(name, shape), 1, values);
        return new MemoryTensor(name, shape, values);
    }

    private static string Write(TemporaryFolder folder, Func<IEnumerable<ParameterTensor>, IEnumerable<ParameterTensor>> change)
    {
        using Backbone whole = Backbone.Create(Model, Random);
        SafetensorsWriter.Write(folder.File("changed.safetensors"), change(whole.Parameters.Tensors.Where(t => t.DType == DType.Float32)));
        return folder.File("changed.safetensors");
    }

    private static float[] Run(Backbone backbone, FeatureSelection selection)
    {
        using FeatureExtractor extractor = backbone.Extract(selection);
        return extractor.Run(1, TestGraphs.Input(1, extractor.InputShape))[0].Values.ToArray();
    }
}
