using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Weights;

namespace Backbones.Tests.Layers;

/// <summary>The rules by which checkpoints of other layouts get timm's keys.</summary>
[TestClass]
public sealed class CheckpointTests
{
    [TestMethod]
    public void Rules_are_applied_one_after_another_to_all_keys()
    {
        Checkpoint c = Of(("net.layers.0.a", [1]), ("net.layers.1.a", [1]), ("head.a", [1]), ("text.a", [1]));
        c.Drop("^text");
        c.Rename(("layers.", "blocks."), ("blocks.0", "blocks.00"));
        c.RenameMatches((@"^net\.(.*)\.a$", "$1.b"));
        c.RenameMatches(@"^blocks\.1", m => m.Value + "!");
        CollectionAssert.AreEqual(new[] { "blocks.00.b", "blocks.1!.b", "head.a" }, c.Keys.ToArray());
        c.Take("blocks.");
        CollectionAssert.AreEqual(new[] { "00.b", "1!.b" }, c.Keys.ToArray());
    }

    [TestMethod]
    public void Two_entries_of_one_key_are_an_error()
    {
        Checkpoint c = Of(("a.x", [1]), ("b.x", [1]));
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => c.Rename(("b.", "a."))).Message, "'b.x' becomes 'a.x', which another entry is already.");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => c["a.y"]).Message, "has no 'a.y'");
    }

    [TestMethod]
    public void Entries_are_cut_joined_and_computed()
    {
        Checkpoint c = Of(("qkv.weight", [6, 2]), ("k.bias", [2]), ("q.bias", [2]), ("n", [2]));
        c.Split(@"^qkv\.", "q.", null, "v.");
        c.Join("qk.bias", "q.bias", "k.bias");
        c.Change("^n$", x => c.Ops.Affine(c.Ops.Unary(x, UnaryKind.Abs, "abs"), 1, 0.5f));
        c["zero"] = c.Zeros([3]);
        CollectionAssert.AreEqual(new[] { "n", "q.weight", "v.weight", "qk.bias", "zero" }, c.Keys.ToArray());
        using ParameterStore file = ParameterStore.FromArrays(
        [
            ("qkv.weight", [6, 2], [.. Enumerable.Range(0, 12).Select(i => (float)i)]), ("k.bias", [2], [3, 4]), ("q.bias", [2], [1, 2]), ("n", [2], [-2, 1]),
        ]);
        float[][] values = [.. c.Entries.Select(e => RemappedWeights.Tensor(e.Key, e.Value, file).ToArray())];
        CollectionAssert.AreEqual(new[] { 2.5f, 1.5f }, values[0]);
        CollectionAssert.AreEqual(new[] { 0f, 1, 2, 3 }, values[1]);
        CollectionAssert.AreEqual(new[] { 8f, 9, 10, 11 }, values[2]);
        CollectionAssert.AreEqual(new[] { 1f, 2, 3, 4 }, values[3]);
        CollectionAssert.AreEqual(new[] { 0f, 0, 0 }, values[4]);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => Of(("w", [5, 2])).Split("w", "a", "b")).Message, "cannot be cut into 2 equal parts");
    }

    [TestMethod]
    public void Shapes_and_keys_are_taken_from_the_model()
    {
        Checkpoint c = Of(("x", [4, 3]), ("conv.bias", [4]));
        Assert.AreEqual<Shape>([4, 3, 1, 1], c.ModelShape("conv.weight")!.Value);
        Assert.IsNull(c.ModelShape("fc.weight"));
        c.RenameInOrder(c.ModelKeys);
        c.TakeModelShapes();
        Assert.AreEqual<Shape>([4, 3, 1, 1], c["conv.weight"].Shape);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => Of(("x", [1])).RenameInOrder(c.ModelKeys)).Message, "has 1 entries, the model 2");
    }

    [TestMethod]
    public void A_vision_transformers_first_position_goes_into_NaFlexViTs_class_token()
    {
        ModelEntry model = ModelCatalog.Find("naflexvit_base_patch16_gap");
        Checkpoint c = new([new("cls_token", [1, 1, 2]), new("pos_embed", [1, 5, 2])], model.Build(BuildOptions.Default).Graph);
        model.Remap!(c);
        using ParameterStore file = ParameterStore.FromArrays([("cls_token", [1, 1, 2], [1, 2]), ("pos_embed", [1, 5, 2], [10, 20, 3, 4, 5, 6, 7, 8, 9, 10])]);
        CollectionAssert.AreEqual(new[] { 11f, 22 }, RemappedWeights.Tensor("x", c["embeds.cls_token"], file).ToArray());
        CollectionAssert.AreEqual(new[] { 3f, 4, 5, 6, 7, 8, 9, 10 }, RemappedWeights.Tensor("x", c["embeds.pos_embed"], file).ToArray());
    }

    [TestMethod]
    public void What_is_renamed_or_reshaped_stays_the_files_own()
    {
        Checkpoint c = Of(("x", [4, 3]), ("conv.bias", [4]));
        c.Rename(("x", "conv.weight"));
        c.TakeModelShapes();
        using ParameterStore file = ParameterStore.FromArrays([("x", [4, 3], new float[12]), ("conv.bias", [4], new float[4])]);
        Assert.AreSame(file["x"], ((RenamedTensor)RemappedWeights.Tensor("conv.weight", c["conv.weight"], file)).Stored);
        Assert.AreSame(file["conv.bias"], RemappedWeights.Tensor("conv.bias", c["conv.bias"], file));
    }

    /// <summary>A checkpoint for a model with one convolution.</summary>
    private static Checkpoint Of(params (string Key, Shape Shape)[] entries)
    {
        GraphBuilder b = new([3, 8, 8]);
        return new(entries.Select(e => new ParameterSpec(e.Key, e.Shape)), b.Build(b.Conv2d("conv", b.Input, 4, 1, bias: true)));
    }
}
