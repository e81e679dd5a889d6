using Backbones.Engines;
using Backbones.Engines.Torch;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;
using TorchSharp;
using Padding = Backbones.Graphs.Padding;
using Tensor = TorchSharp.torch.Tensor;

namespace Backbones.Tests.Torch;

[TestClass]
public sealed class ReleaseTests
{
    [TestMethod]
    public void NothingIsLeftAfterARunOrAPlan()
    {
        Graph graph = Residual(6);
        TorchSharpEngine engine = TorchComparison.Engine();
        long before = Tensor.TotalCount;
        using (ParameterStore store = TorchComparison.Store(graph))
        using (IPlan plan = engine.Compile(graph, store, EngineOptions.Default))
        {
            long compiled = Tensor.TotalCount;
            Assert.IsGreaterThan(before, compiled);
            for (int batch = 1; batch < 4; batch++)
            {
                TorchComparison.Run(plan, batch, TorchComparison.Inputs(graph, batch));
                Assert.AreEqual(compiled, Tensor.TotalCount, $"after a batch of {batch}");
                Assert.AreEqual(0, ((TorchPlan)plan).LeftBehind);
            }
        }
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    [TestMethod]
    [DataRow("test_resnet")]
    [DataRow("test_convnext2")]
    [DataRow("test_vit3")]
    [DataRow("test_efficientnet_evos")]
    [DataRow("resnest14d")]
    [DataRow("regnety_002")]
    public void WholeBackbonesLeaveNothingBehind(string name)
    {
        BackboneGraph backbone = ModelCatalog.Find(name).Build(BuildOptions.Default with { ImageSize = 64 });
        Graph graph = SelectedFeatures.Choose(backbone, FeatureSelection.Pyramid()).Graph;
        float[][] inputs = TorchComparison.Inputs(graph, 2);
        foreach (Precision precision in (Precision[])[Precision.Float32, Precision.BFloat16])
        {
            long before = Tensor.TotalCount;
            using (ParameterStore store = TorchComparison.Store(graph))
            using (IPlan plan = TorchComparison.Engine().Compile(graph, store, new EngineOptions { Precision = precision }))
            {
                long compiled = Tensor.TotalCount;
                TorchComparison.Run(plan, 2, inputs);
                Assert.AreEqual(compiled, Tensor.TotalCount, $"{precision}");
                Assert.AreEqual(0, ((TorchPlan)plan).LeftBehind, $"{precision}");
            }
            Assert.AreEqual(before, Tensor.TotalCount, $"{precision}, after the plan");
        }
    }

    [TestMethod]
    public void IntermediatesAreFreedAtTheirLastUse()
    {
        // However long the chain, a kernel finds its input, the residual and what it makes: nothing of the blocks before.
        Assert.AreEqual(Peak(Residual(3)), Peak(Residual(30)));
    }

    [TestMethod]
    public void EveryOperatorFreesItsTemporaries()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node x = b.Input;
        foreach (UnaryKind kind in Enum.GetValues<UnaryKind>().Except([UnaryKind.Affine, UnaryKind.Clamp, UnaryKind.Log, UnaryKind.Exp, UnaryKind.Reciprocal]))
            x = b.Unary(b.Conv2d($"conv{kind}", x, 4, 1), kind, $"{kind}");
        x = b.AvgPool2d("pool", b.MaxPool2d("max", x, 3, 1, new Padding(0, 1, 2, 1)), 3, 1, new Padding(0, 1, 2, 1), countIncludePad: false);
        x = b.Resize(b.Pad2d(x, 1, PadMode.Reflect), 8, 8, ResizeMode.Bicubic, antialias: true);
        x = b.RmsNorm("rms", b.LayerNorm("norm", b.BatchNorm("bn", x), axis: 0), axis: 0, centered: true);
        x = b.Roll(b.Gather(x, 1, [7, 6, 5, 4, 3, 2, 1, 0]), 1, 2);
        Node tokens = b.Permute(b.Reshape(x, [4, 64]), [1, 0]);
        Node query = b.Parameter("query", [1, 4]);
        tokens = b.Concat(0, [query, b.Attention(query, tokens, tokens, 0.3f), b.Attention(tokens, tokens, tokens)]);
        tokens = b.BatchNorm("bn2", b.Unary(tokens, UnaryKind.Tanh, "tanh"), axis: -1);
        Node pooled = b.Reduce(tokens, ReduceKind.L2, [0]);
        pooled = b.Subtract(pooled, b.Expand(b.Reduce(tokens, ReduceKind.Variance, [0, 1], keepDims: true), [1, 4]));
        Graph graph = b.Build(b.Linear("fc", pooled, 3), x);

        foreach (Precision precision in (Precision[])[Precision.Float32, Precision.BFloat16])
        {
            long before = Tensor.TotalCount;
            using (ParameterStore store = TorchComparison.Store(graph))
            using (IPlan plan = TorchComparison.Engine(channelsLast: true).Compile(graph, store, new EngineOptions { Precision = precision }))
            {
                TorchComparison.Run(plan, 2, TorchComparison.Inputs(graph, 2));
                Assert.AreEqual(0, ((TorchPlan)plan).LeftBehind, $"{precision}");
            }
            Assert.AreEqual(before, Tensor.TotalCount, $"{precision}");
        }
    }

    [TestMethod]
    public void ACancelledRunFreesEverythingAndTheNextOneWorks()
    {
        Graph graph = Residual(3);
        using ParameterStore store = TorchComparison.Store(graph);
        using IPlan plan = TorchComparison.Engine().Compile(graph, store, EngineOptions.Default);
        float[][] inputs = TorchComparison.Inputs(graph, 2), expected = TorchComparison.Run(plan, 2, inputs);
        long before = Tensor.TotalCount;
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => plan.Run(2, [inputs[0]], [new float[2 * graph.Outputs[0].Shape.Length]], cancelled.Token));
        Assert.AreEqual(before, Tensor.TotalCount);
        CollectionAssert.AreEqual(expected[0], TorchComparison.Run(plan, 2, inputs)[0]);
    }

    [TestMethod]
    public void ARunThatFailedFreesWhatItsKernelsHadMade()
    {
        Graph graph = Residual(3);
        using ParameterStore store = TorchComparison.Store(graph);
        Tensor? made = null;
        bool fails = true;
        using var device = new DeviceProgram(GraphProgram.Create(graph, store), new WeightPool(torch.CPU), torch.ScalarType.Float32, channelsLast: false, threads: 0)
        {
            StepDone = _ =>
            {
                if (!fails)
                    return;
                made = torch.ones(4);
                throw new InvalidOperationException("out of memory");
            },
        };
        float[] input = TorchComparison.Inputs(graph, 1)[0], output = new float[graph.Outputs[0].Shape.Length];
        long before = Tensor.TotalCount;
        Assert.ThrowsExactly<InvalidOperationException>(() => device.Run(1, [input], [output], default));
        Assert.AreEqual(before, Tensor.TotalCount);
        Assert.IsTrue(made!.IsInvalid);
        fails = false;
        device.Run(1, [input], [output], default);
        Assert.AreEqual(0, device.LeftBehind);
    }

    [TestMethod]
    public void AnInputGoesOverAfterMemoryForALargerOneCouldNotBeHad()
    {
        using var state = new RunState([], [], count => count > 4 ? throw new System.Runtime.InteropServices.ExternalException("out of memory") : torch.empty(count));
        long before = Tensor.TotalCount;
        using (Tensor small = torch.arange(2, torch.ScalarType.Float32), large = torch.arange(8, torch.ScalarType.Float32))
        {
            using (Tensor sent = state.Send(0, small, torch.CPU))
                CollectionAssert.AreEqual(new float[] { 0, 1 }, sent.data<float>().ToArray());
            Assert.ThrowsExactly<System.Runtime.InteropServices.ExternalException>(() => state.Send(0, large, torch.CPU));
            using Tensor again = state.Send(0, small, torch.CPU);
            CollectionAssert.AreEqual(new float[] { 0, 1 }, again.data<float>().ToArray());
        }
        state.Dispose();
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    [TestMethod]
    public void AModuleWithoutAllItsWeightsLeavesNoneOfThem()
    {
        var b = new GraphBuilder([3, 8, 8]);
        Graph first = b.Build(b.Conv2d("conv1", b.Input, 4, 3));
        TorchComparison.Engine();
        using ParameterStore store = TorchComparison.Store(first);
        long before = Tensor.TotalCount;
        // TorchSharp still counts the tensor that became a parameter.
        new GraphModule("m", first, store).Dispose();
        long counted = Tensor.TotalCount - before;
        Assert.ThrowsExactly<KeyNotFoundException>(() => new GraphModule("m", b.Build(b.Conv2d("conv2", first.Outputs[0], 4, 3)), store));
        Assert.AreEqual(before + 2 * counted, Tensor.TotalCount);
    }

    [TestMethod]
    public void PlansOfOneEngineShareEqualWeights()
    {
        var b = new GraphBuilder([3, 8, 8]);
        Node first = b.Conv2d("conv1", b.Input, 4, 3), second = b.Conv2d("conv2", first, 4, 3);
        TorchSharpEngine engine = TorchComparison.Engine();
        long before = Tensor.TotalCount;
        using ParameterStore store = TorchComparison.Store(b.Build(second));
        IPlan whole = engine.Compile(b.Build(second), store, EngineOptions.Default);
        Assert.AreEqual(before + 2, Tensor.TotalCount);
        IPlan part = engine.Compile(b.Build(first), store, EngineOptions.Default);
        Assert.AreEqual(before + 2, Tensor.TotalCount, "the first convolution's weight is there already");
        whole.Dispose();
        Assert.AreEqual(before + 1, Tensor.TotalCount, "the second convolution's weight is nobody's any more");
        float[][] inputs = TorchComparison.Inputs(part.Graph, 1);
        Assert.IsTrue(TorchComparison.Run(part, 1, inputs)[0].All(float.IsFinite));
        part.Dispose();
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    private static long Peak(Graph graph)
    {
        using ParameterStore store = TorchComparison.Store(graph);
        GraphProgram program = GraphProgram.Create(graph, store);
        long live = program.Inputs.Length, peak = live;
        foreach (ProgramStep step in program.Steps)
        {
            peak = Math.Max(peak, ++live);
            live -= step.Releases.Length;
        }
        Assert.AreEqual(program.Outputs.Distinct().Count(), live, "what is left are the outputs");
        return peak;
    }

    private static Graph Residual(int blocks)
    {
        var b = new GraphBuilder([3, 8, 8]);
        Node x = b.Conv2d("stem", b.Input, 4, 3, padding: 1);
        for (int i = 0; i < blocks; i++)
        {
            using (b.Scope($"block{i}"))
            {
                Node y = b.Act("act1", b.BatchNorm("bn1", b.Conv2d("conv1", x, 4, 3, padding: 1)), UnaryKind.Relu);
                x = b.Act("act2", b.Add(b.Conv2d("conv2", y, 4, 1), x), UnaryKind.Gelu);
            }
        }
        return b.Build(b.Reduce(x, ReduceKind.Mean, [1, 2]));
    }
}
