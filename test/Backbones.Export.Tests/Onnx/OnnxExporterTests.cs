using System.Text.Json;
using Backbones.Graphs;
using Backbones.Graphs.Passes;
using Backbones.Onnx;

namespace Backbones.Tests.Onnx;

/// <summary>Files are valid ONNX of opset 17; that ONNX Runtime computes the same from them is <see cref="OnnxRuntimeTests"/>'.</summary>
[TestClass]
public sealed class OnnxExporterTests
{
    public static IEnumerable<object[]> Models => FamilyModels.Names.Select(n => new object[] { n });

    [TestMethod]
    public void Every_operator_exports_to_opset_17()
    {
        foreach ((string name, Graph graph) in OperatorGraphs.All)
        {
            try
            {
                OnnxStructure.Check(Export(graph), graph, [.. graph.Outputs.Select(o => o.Name)]);
            }
            catch (Exception e) when (e is not AssertFailedException)
            {
                Assert.Fail($"{name}: {e.Message}");
            }
        }
    }

    [TestMethod]
    public void Every_operator_and_kind_is_among_the_graphs()
    {
        Operator[] operators = [.. OperatorGraphs.All.SelectMany(g => g.Graph.Nodes).Select(n => n.Operator)];
        Type[] all = [.. typeof(Operator).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Operator)) && t != typeof(ConstantOp))];
        CollectionAssert.AreEquivalent(all, operators.Select(o => o.GetType()).Where(t => t != typeof(ConstantOp)).Distinct().ToArray());
        CollectionAssert.AreEquivalent(Enum.GetValues<UnaryKind>(), operators.OfType<UnaryOp>().Select(o => o.Kind).Distinct().ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Every_family_exports_with_all_its_features(string name)
    {
        (Graph graph, string[] names) = FamilyModels.Everything(name);
        OnnxStructure.Check(Export(graph, names), graph, names);
    }

    [TestMethod]
    public void Weights_keep_their_keys_and_values()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true });
        SelectedFeatures selected = backbone.Select(FeatureSelection.Unpooled);
        using var stream = new MemoryStream();
        OnnxExporter.Export(selected.Graph, backbone.Parameters, stream);
        var model = new OnnxModel(stream.GetBuffer().AsMemory(0, (int)stream.Length));
        foreach (ParameterSpec spec in selected.Graph.Parameters.Where(p => p.ElementType == ElementType.Float32))
        {
            OnnxModel.Tensor tensor = model.Tensors[spec.Name];
            CollectionAssert.AreEqual(spec.Shape.Select(d => (long)d).ToArray(), tensor.Dims, spec.Name);
            CollectionAssert.AreEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(backbone.Parameters.Read(spec).Span).ToArray(), tensor.Data.ToArray(), spec.Name);
        }
        Assert.IsFalse(model.Tensors.ContainsKey("fc.weight"), "a weight that the selection does not need");
    }

    [TestMethod]
    public void Files_say_what_they_are_and_how_to_preprocess()
    {
        using Backbone backbone = Backbone.Create("test_vit.r160_in1k", new BackboneOptions { RandomWeights = true, ImageSize = 96 });
        FeatureSelection selection = FeatureSelection.Intermediates([-1, 0], norm: true, returnPrefixTokens: true);
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.onnx");
        try
        {
            backbone.ExportOnnx(selection, file);
            var model = new OnnxModel(File.ReadAllBytes(file));
            Assert.AreEqual("test_vit.r160_in1k", model.Name);
            CollectionAssert.AreEqual(new object[] { "N", 3L, 96L, 96L }, model.Inputs.Single().Shape);
            CollectionAssert.AreEqual(backbone.Select(selection).Outputs.Select(o => o.Name).ToArray(), model.Outputs.Select(o => o.Name).ToArray());
            Assert.IsFalse(model.Nodes.Any(n => n.Type == "Resize"), "the position embedding is resampled before the export");
            Assert.AreEqual("test_vit.r160_in1k", model.Metadata["model"]);
            Assert.AreEqual(selection, JsonSerializer.Deserialize<FeatureSelection>(model.Metadata["selection"]));
            Assert.AreEqual("[3,96,96]", model.Metadata["input_size"]);
            Assert.AreEqual("bicubic", model.Metadata["interpolation"]);
            Assert.AreEqual("0.95", model.Metadata["crop_pct"]);
            Assert.AreEqual("center", model.Metadata["crop_mode"]);
            Assert.AreEqual("[0.5,0.5,0.5]", model.Metadata["mean"]);
            Assert.AreEqual("[0.5,0.5,0.5]", model.Metadata["std"]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [TestMethod]
    public void Any_output_has_its_name()
    {
        var b = new GraphBuilder([4]);
        Node doubled = b.Affine(b.Input, 2, target: "doubled"), twice = b.Affine(doubled, 2, target: "taken");
        // The input itself, a value twice, an internal value that has the name of an output, a parameter.
        Graph graph = b.Build(b.Input, twice, twice, doubled, b.Identity("drop", twice), b.Parameter("weight", [4]));
        string[] names = ["same", "doubled", "again", "taken", "dropped", "parameter"];
        OnnxStructure.Check(Export(graph, names), graph, names);
    }

    [TestMethod]
    public void Epilogues_and_folded_norms_export_too()
    {
        var b = new GraphBuilder([3, 8, 8]);
        Node x = b.Act("act1", b.BatchNorm("bn1", b.Conv2d("conv1", b.Input, 3, 3, padding: 1)), UnaryKind.Relu);
        Graph graph = FuseEpilogues.Run(FoldBatchNorm.Run(b.Build(b.Act("act2", b.Add(x, b.Input), UnaryKind.Relu))));
        OnnxModel model = Export(graph);
        OnnxStructure.Check(model, graph, ["act2"]);
        CollectionAssert.AreEqual(new[] { "Conv", "Relu", "Add", "Relu" }, model.Nodes.Select(n => n.Type).ToArray());
    }

    [TestMethod]
    [DataRow("x", "y", DisplayName = "the input's name")]
    [DataRow("y", "y", DisplayName = "one name twice")]
    [DataRow("y", "", DisplayName = "no name")]
    [DataRow("y", DisplayName = "too few names")]
    public void Names_that_do_not_fit_are_refused(params string[] names)
    {
        var b = new GraphBuilder([4]);
        Graph graph = b.Build(b.Affine(b.Input, 2), b.Affine(b.Input, 3));
        Assert.ThrowsExactly<ArgumentException>(() => Export(graph, names));
    }

    [TestMethod]
    public void More_than_protobuf_holds_is_refused_before_anything_is_read()
    {
        var b = new GraphBuilder([30_000]);
        Graph graph = b.Build(b.Linear("fc", b.Input, 20_000));
        var e = Assert.ThrowsExactly<NotSupportedException>(() => OnnxExporter.Export(graph, new NoParameters(), Stream.Null, new OnnxExportOptions { Name = "huge" }));
        Assert.Contains("'huge' comes to 2.40 GB", e.Message);
    }

    private static OnnxModel Export(Graph graph, string[]? names = null)
    {
        using var stream = new MemoryStream();
        OnnxExporter.Export(graph, new Zeros(), stream, new OnnxExportOptions { OutputNames = names });
        return new OnnxModel(stream.GetBuffer().AsMemory(0, (int)stream.Length));
    }

    private sealed class Zeros : IParameterSource
    {
        public ReadOnlyMemory<float> Read(ParameterSpec spec) => new float[spec.Shape.Length];
    }

    private sealed class NoParameters : IParameterSource
    {
        public ReadOnlyMemory<float> Read(ParameterSpec spec) => throw new InvalidOperationException($"{spec.Name} was read.");
    }
}
