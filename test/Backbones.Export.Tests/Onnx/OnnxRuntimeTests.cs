using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Graphs;
using Backbones.Onnx;
using Backbones.Tests.Engines;
using Backbones.Tests.Graphs;
using Backbones.Weights;
using Bench;
using Microsoft.ML.OnnxRuntime;

namespace Backbones.Tests.Onnx;

/// <summary>ONNX Runtime computes from our files what our engines compute.</summary>
[TestClass]
public sealed class OnnxRuntimeTests
{
    /// <summary>Relative L2 distance allowed for each output.</summary>
    private const double Tolerance = 1e-4;

    private const int Batch = 2;

    private static readonly string s_file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}");

    public static IEnumerable<object[]> Models => FamilyModels.Names.Select(n => new object[] { n });

    [ClassCleanup]
    public static void Stop()
    {
        foreach (string file in Directory.EnumerateFiles(Path.GetTempPath(), $"{Path.GetFileName(s_file)}*"))
            File.Delete(file);
    }

    [TestMethod]
    public void Every_operator_gives_the_reference_engines_values()
    {
        var wrong = new List<string>();
        foreach (((string name, Graph graph), int i) in OperatorGraphs.All.Select((g, i) => (g, i)))
        {
            try
            {
                var parameters = new RandomParameters(7);
                float[] input = RandomParameters.Values(Batch * (int)graph.Inputs[0].Shape.Length, 100);
                using IPlan plan = new ReferenceEngine().Compile(graph, parameters, EngineOptions.Default);
                wrong.AddRange(Compare(graph, parameters, plan, input, [.. graph.Outputs.Select(o => o.Name)], $"{s_file}-{i}.onnx").Select(w => $"{name}: {w}"));
            }
            catch (OnnxRuntimeException e)
            {
                wrong.Add($"{name}: {e.Message}");
            }
        }
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Every_family_gives_the_managed_engines_features(string name)
    {
        (Graph graph, string[] names) = FamilyModels.Everything(name);
        using ParameterStore parameters = ParameterStore.FromRecipe(graph.Parameters, 1);
        using IPlan plan = new ManagedEngine().Compile(graph, parameters, EngineOptions.Default);
        string[] wrong = [.. Compare(graph, parameters, plan, TestGraphs.Input(Batch, graph.Inputs[0].Shape), names, $"{s_file}-{name.Replace('/', '-')}.onnx")];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }

    [TestMethod]
    [DynamicData(nameof(Selections))]
    public void Any_selection_at_any_size_gives_the_extractors_features(string name, FeatureSelection selection, int size, int channels)
    {
        using Backbone backbone = Backbone.Create(name, new BackboneOptions { RandomWeights = true, ImageSize = size, InChannels = channels });
        string file = $"{s_file}-selection.onnx";
        backbone.ExportOnnx(selection, file);
        using FeatureExtractor extractor = backbone.Extract(selection);
        float[] input = TestGraphs.Input(Batch, extractor.InputShape);
        FeatureBatch expected = extractor.Run(Batch, input);
        IReadOnlyList<OnnxRuntimeOutput> result = Run(file, extractor.InputShape, input);
        CollectionAssert.AreEqual(extractor.Outputs.Select(o => o.Name).ToArray(), result.Select(o => o.Name).ToArray());
        foreach (OnnxRuntimeOutput output in result)
            Assert.IsLessThanOrEqualTo(Tolerance, EngineComparison.RelativeError(expected[output.Name].Values.ToArray(), output.Values), output.Name);
    }

    private static IEnumerable<object[]> Selections =>
    [
        ["test_resnet", FeatureSelection.Pooled("catavgmax"), 96, 1],
        ["test_resnet", FeatureSelection.Pyramid([2, -1], outputStride: 8), 128, 3],
        ["test_resnet", FeatureSelection.Nodes([("layer2", "Mid"), ("layer4.0.bn1", "Last")]), 97, 1],
        ["test_convnext", FeatureSelection.Unpooled, 64, 3],
        ["test_vit", FeatureSelection.Pooled(), 96, 1],
        ["test_vit2", FeatureSelection.Intermediates([0, -1], norm: true, returnPrefixTokens: true, outputFormat: FeatureFormat.Nlc), 128, 3],
        ["test_vit3", FeatureSelection.Logits, 112, 3],
    ];

    private static IReadOnlyList<OnnxRuntimeOutput> Run(string file, Shape shape, float[] input)
    {
        using var model = new OnnxRuntimeModel(file, Environment.ProcessorCount);
        return model.Run(Batch, shape, input);
    }

    /// <summary>What differs, one line for each output.</summary>
    private static IEnumerable<string> Compare(Graph graph, IParameterSource parameters, IPlan plan, float[] input, string[] names, string file)
    {
        OnnxExporter.Export(graph, parameters, file, new OnnxExportOptions { OutputNames = names });
        float[][] expected = EngineComparison.Run(plan, Batch, [input]);
        IReadOnlyList<OnnxRuntimeOutput> result = Run(file, graph.Inputs[0].Shape, input);
        File.Delete(file);
        for (int i = 0; i < names.Length; i++)
        {
            OnnxRuntimeOutput output = result.Single(o => o.Name == names[i]);
            int[] shape = [Batch, .. graph.Outputs[i].Shape];
            if (!output.Shape.SequenceEqual(shape))
                yield return $"{output.Name} is [{string.Join(", ", output.Shape)}], expected [{string.Join(", ", shape)}]";
            else if (EngineComparison.RelativeError(expected[i], output.Values) is var error && !(error <= Tolerance))
                yield return $"{output.Name} {graph.Outputs[i].Shape}: relative error {error:e2}";
        }
    }
}
