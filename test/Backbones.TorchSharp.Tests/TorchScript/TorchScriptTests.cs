using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Graphs;
using Backbones.Tests.Onnx;
using Backbones.TorchScript;
using Backbones.Weights;

namespace Backbones.Tests.Torch;

/// <summary>libtorch compiles every file that we write, and computes from it what our engines compute.</summary>
[TestClass]
public sealed class TorchScriptTests
{
    private const double FamilyTolerance = 1e-4;

    /// <summary>The smallest models; with <c>./test.sh --all</c> every family's.</summary>
    public static IEnumerable<object[]> Models => FamilyModels.Names
        .Where(n => n.StartsWith("test_", StringComparison.Ordinal) || Environment.GetEnvironmentVariable("TIMM_FEATURES_TESTS") == "all").Select(n => new object[] { n });

    [TestMethod]
    public void Every_operator_gives_the_reference_engines_values()
    {
        TorchComparison.RequireNativePackage();
        (string Name, Graph Graph)[] graphs = [.. OperatorGraphs.All];
        ScriptWorker.Job[] jobs = [.. graphs.Select(g => MakeJob(g.Name, g.Graph, 2))];
        ScriptWorker.Result[] results = ScriptWorker.Run(jobs);
        var wrong = new List<string>();
        for (int i = 0; i < graphs.Length; i++)
            wrong.AddRange(Differences(graphs[i].Name, graphs[i].Graph, TorchComparison.Run(new ReferenceEngine(), graphs[i].Graph, 2, [jobs[i].Input]), results[i], TorchComparison.Tolerance));
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }

    [TestMethod]
    [DynamicData(nameof(Models))]
    public void Every_family_gives_the_managed_engines_features(string name)
    {
        TorchComparison.RequireNativePackage();
        (Graph graph, _) = FamilyModels.Everything(name);
        double gain = FamilyModels.Gain(name);
        ScriptWorker.Job[] jobs = [MakeJob(name, graph, 2, gain), MakeJob(name, graph, 1, gain) with { BFloat16 = true }];
        ScriptWorker.Result[] results = ScriptWorker.Run(jobs);
        string[] wrong = [.. Differences(name, graph, TorchComparison.Run(new ManagedEngine(), graph, 2, [jobs[0].Input], gain: gain), results[0], FamilyTolerance)];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
        Assert.IsNotNull(results[1].Outputs, $"in bfloat16: {results[1].Problem}");
        Assert.IsTrue(results[1].Outputs!.All(o => o.All(float.IsFinite)), "in bfloat16");
    }

    [TestMethod]
    public void What_libtorch_cannot_compile_costs_one_job()
    {
        TorchComparison.RequireNativePackage();
        var b = new GraphBuilder([4]);
        ScriptWorker.Job good = MakeJob("good", b.Build(b.Affine(b.Input, 2)), 1);
        using var file = new MemoryStream();
        new TorchScriptArchive(new ScriptProgram(new ScriptModule("Bad", "self", ["Bad"]), ["def forward(self: __torch__.Bad, x: Tensor) -> Tensor:", "  return torch.no_such_function(x)"]), new()).Write(file);
        ScriptWorker.Result[] results = ScriptWorker.Run([good, good with { Name = "bad", File = file.ToArray() }, good]);
        Assert.IsNull(results[1].Outputs);
        Assert.Contains("no_such_function", results[1].Problem);
        CollectionAssert.AreEqual(good.Input.Select(v => 2 * v).ToArray(), results[0].Outputs![0]);
        CollectionAssert.AreEqual(results[0].Outputs![0], results[2].Outputs![0]);
    }

    private static ScriptWorker.Job MakeJob(string name, Graph graph, int batch, double gain = 1)
    {
        using ParameterStore store = TorchComparison.Store(graph, gain);
        using var file = new MemoryStream();
        TorchScriptExporter.Export(graph, store, file, new TorchScriptExportOptions { Name = name });
        return new(name, file.ToArray(), [batch, .. graph.Inputs[0].Shape], TorchComparison.Inputs(graph, batch)[0]);
    }

    private static IEnumerable<string> Differences(string what, Graph graph, float[][] expected, ScriptWorker.Result actual, double tolerance)
    {
        if (actual.Outputs is null)
        {
            yield return $"{what}: {actual.Problem}";
            yield break;
        }
        if (actual.Outputs.Length != expected.Length)
            yield return $"{what}: {actual.Outputs.Length} outputs, expected {expected.Length}";
        for (int i = 0; i < Math.Min(expected.Length, actual.Outputs.Length); i++)
        {
            if (actual.Outputs[i].Length != expected[i].Length)
                yield return $"{what}: output {graph.Outputs[i]} has {actual.Outputs[i].Length} elements, expected {expected[i].Length}";
            else if (TorchComparison.RelativeError(expected[i], actual.Outputs[i]) is var error && !(error <= tolerance))
                yield return $"{what}: output {graph.Outputs[i]} differs by {error:e2}";
        }
    }
}
