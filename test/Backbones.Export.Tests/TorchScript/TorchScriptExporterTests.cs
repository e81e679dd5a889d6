using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Graphs;
using Backbones.Tests.Onnx;
using Backbones.TorchScript;
using Backbones.Weights;

namespace Backbones.Tests.TorchScript;

/// <summary>Files are archives as PyTorch writes them; that libtorch compiles them and computes the same is tested beside the TorchSharp engine.</summary>
[TestClass]
public sealed class TorchScriptExporterTests
{
    public static IEnumerable<object[]> Models => FamilyModels.Names.Select(n => new object[] { n });

    [TestMethod]
    public void Every_operator_is_written()
    {
        foreach ((string name, Graph graph) in OperatorGraphs.All)
        {
            using ParameterStore store = ParameterStore.FromRecipe(graph.Parameters, 1);
            Check(Export(graph, store), name);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Every_family_is_written_with_all_its_features(string name)
    {
        (Graph graph, string[] names) = FamilyModels.Everything(name);
        ScriptFile file = Export(graph, new Ones());
        Check(file, name);
        string results = file.ClassOf(file.Root).Single(l => l.StartsWith("    return [", StringComparison.Ordinal));
        Assert.HasCount(names.Length, results["    return [".Length..^1].Split(", "));
        // Every key is timm's (with a number where several values are made of one parameter), the bias of a convolution whose batch normalisation was folded into it, or a constant's.
        HashSet<string> keys = [.. graph.Parameters.Select(p => p.Name)];
        HashSet<string> constants = [.. graph.Nodes.Where(n => !n.IsBatched && n.Operator is not ParameterOp).Select(n => n.Name.Replace('#', '.').TrimStart('.'))];
        string[] strange = [.. file.Tensors.Keys.Where(k => !keys.Contains(k) && !keys.Contains(Regex.Replace(k, @"_\d+$", "")) && !keys.Contains($"{k[..(k.LastIndexOf('.') + 1)]}weight") && !constants.Contains(k))];
        Assert.IsEmpty(strange, string.Join(", ", strange));
    }

    [TestMethod]
    public void Weights_keep_their_keys_and_values()
    {
        using Backbone backbone = Backbone.Create("test_vit", new BackboneOptions { RandomWeights = true });
        SelectedFeatures selected = backbone.Select(FeatureSelection.Unpooled);
        ScriptFile file = Export(selected.Graph, backbone.Parameters);
        Check(file, "test_vit");
        CollectionAssert.AreEquivalent(selected.Graph.Parameters.Select(p => p.Name).ToArray(), file.Tensors.Keys.ToArray());
        foreach (ParameterSpec spec in selected.Graph.Parameters)
        {
            CollectionAssert.AreEqual(spec.Shape.ToArray(), file.Tensors[spec.Name].Shape, spec.Name);
            CollectionAssert.AreEqual(backbone.Parameters.Read(spec).ToArray(), file.Tensors[spec.Name].Values, spec.Name);
        }
    }

    [TestMethod]
    public void Folded_batch_normalisations_become_the_convolutions_biases()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true });
        Graph graph = backbone.Select(FeatureSelection.Logits).Graph;
        string[] convolutions = [.. graph.Nodes.Where(n => n.Operator is Conv2dOp).Select(n => n.Inputs[1].Name)];
        string[] expected = [.. convolutions, .. convolutions.Select(w => w.Replace(".weight", ".bias")), "fc.weight", "fc.bias"];
        CollectionAssert.AreEquivalent(expected, Export(graph, backbone.Parameters).Tensors.Keys.ToArray());
    }

    [TestMethod]
    public void Weights_are_parameters_and_constants_are_buffers()
    {
        var b = new GraphBuilder([2, 8, 8]);
        Node weight = b.Affine(b.Parameter("conv.weight", [2, 2, 1, 1]), 2);
        // Without the activation the factors would go into the weight.
        Node x = b.Act("act", b.Conv2d("conv", b.Input, weight, null, 1, 0, 1), UnaryKind.Relu);
        ScriptFile file = Export(b.Build(b.Multiply(x, b.Constant([2, 1, 1], [1, 2], "scale"))), new Ones());
        Check(file, "constants");
        CollectionAssert.Contains(file.ClassOf((ScriptFile.Module)file.Root.Attributes["conv"]!), "  __parameters__ = [\"weight\", ]");
        CollectionAssert.Contains(file.ClassOf(file.Root), "  __buffers__ = [\"scale\", ]");
        CollectionAssert.AreEqual(new float[] { 2, 2, 2, 2 }, file.Tensors["conv.weight"].Values);
    }

    [TestMethod]
    public void Names_that_Python_cannot_have_find_others()
    {
        var b = new GraphBuilder([4]);
        Node x = b.Input;
        foreach (string key in (string[])["class.0.in", "class.0.in.deeper", "training", "a \"quoted\" \\ name", "torch", "1", "_1", "self"])
            x = b.Function("torch", new BinaryOp(BinaryKind.Add), x, b.Parameter(key, [4]));
        ScriptFile file = Export(b.Build(x), new Ones(), "0 is no name");
        Check(file, "names");
        Assert.AreEqual("_0_is_no_name", file.Folder);
        CollectionAssert.AreEquivalent(new[] { "class.0.in", "class.0.in_1.deeper", "training_1", "a \"quoted\" \\ name", "torch", "1", "_1", "self" }, file.Tensors.Keys.ToArray());
        Assert.Contains("getattr(getattr(self, \"class\"), \"0\")", file.Source);
    }

    [TestMethod]
    public void Files_say_what_they_are_and_how_to_preprocess()
    {
        using Backbone backbone = Backbone.Create("test_vit.r160_in1k", new BackboneOptions { RandomWeights = true, ImageSize = 96 });
        FeatureSelection selection = FeatureSelection.Intermediates([-1, 0], norm: true, returnPrefixTokens: true);
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.pt");
        try
        {
            backbone.ExportTorchScript(selection, path);
            var file = new ScriptFile(File.ReadAllBytes(path));
            Check(file, "test_vit");
            Assert.AreEqual("test_vit_r160_in1k", file.Root.ClassName);
            Assert.Contains("def forward(self: __torch__.test_vit_r160_in1k, x: Tensor) -> List[Tensor]:", file.Source);
            Assert.Contains("[3, 96, 96]", file.Source);
            Assert.DoesNotContain("upsample", file.Source, "the position embedding is resampled before the export");
            CollectionAssert.AreEquivalent(new[] { "model", "selection", "outputs", "input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std" }, file.ExtraFiles.ToArray());
            CollectionAssert.AreEqual(backbone.Select(selection).Outputs.Select(o => o.Name).ToArray(), JsonSerializer.Deserialize<string[]>(file["extra/outputs"]));
            Assert.AreEqual(selection, JsonSerializer.Deserialize<FeatureSelection>(file["extra/selection"]));
            Assert.AreEqual("[0.5,0.5,0.5]", Encoding.UTF8.GetString(file["extra/mean"]));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void A_weight_that_depends_on_the_input_is_refused()
    {
        var b = new GraphBuilder([2, 2, 1, 1]);
        Graph graph = b.Build(b.Module("conv", new Conv2dOp(1, 0, 1), b.Parameter("map", [2, 3, 3]), b.Input));
        var e = Assert.ThrowsExactly<NotSupportedException>(() => Export(graph, new Ones()));
        Assert.Contains("'x' [2, 2, 1, 1] depends on the input", e.Message);
    }

    /// <summary>The modules of the pickle and the classes of the source are the same.</summary>
    private static void Check(ScriptFile file, string what)
    {
        Assert.AreEqual("10\n", Encoding.ASCII.GetString(file["version"]), what);
        Assert.AreEqual("little", Encoding.ASCII.GetString(file["byteorder"]), what);
        foreach (ScriptFile.Module module in file.Modules)
        {
            string[] lines = file.ClassOf(module);
            Assert.IsFalse((bool)module.Attributes["training"]!, what);
            foreach ((string name, object? value) in module.Attributes)
            {
                string type = value switch { ScriptFile.Tensor => "Tensor", ScriptFile.Module child => $"__torch__.{child.ClassName}", bool => "bool", _ => "Optional[bool]" };
                Assert.ContainsSingle(l => l == $"  {name} : {type}" || l == $"  __annotations__[{ScriptText.Text(name)}] = {type}", lines, $"{what}: {name}");
            }
        }
        Assert.HasCount(file.Modules.Count, file.Modules.Select(m => m.ClassName).Distinct().ToArray(), what);
        foreach ((string key, ScriptFile.Tensor tensor) in file.Tensors)
        {
            Assert.HasCount(tensor.Shape.Aggregate(1, (n, d) => n * d), tensor.Values, $"{what}: {key}");
            CollectionAssert.AreEqual(Shape.Create(tensor.Shape).Strides(), tensor.Strides, $"{what}: {key}");
        }
    }

    private static ScriptFile Export(Graph graph, IParameterSource parameters, string name = "backbone")
    {
        using var stream = new MemoryStream();
        TorchScriptExporter.Export(graph, parameters, stream, new TorchScriptExportOptions { Name = name });
        return new ScriptFile(stream.ToArray());
    }

    private sealed class Ones : IParameterSource
    {
        public ReadOnlyMemory<float> Read(ParameterSpec spec) => Enumerable.Repeat(1f, (int)spec.Shape.Length).ToArray();
    }
}
