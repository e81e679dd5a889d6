using Backbones.Engines;
using Backbones.Engines.Torch;
using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Models;
using Backbones.Weights;
using TorchSharp;

namespace Backbones.Tests.Torch.Training;

[TestClass]
public sealed class GraphModuleTests
{
    [TestInitialize]
    public void RequireNativePackage() => TorchComparison.RequireNativePackage();

    [TestMethod]
    [DataRow("test_resnet")]
    [DataRow("test_convnext")]
    [DataRow("test_vit")]
    [DataRow("resnest14d")]
    public void NamesAreTimmsAndValuesAreTheEngines(string name)
    {
        Graph graph = Build(name, FeatureSelection.Logits, FeatureSelection.Unpooled);
        using ParameterStore store = TorchComparison.Store(graph);
        using var module = new GraphModule(name, graph, store);
        CollectionAssert.AreEquivalent(graph.Parameters.Select(p => p.Name).ToArray(), module.state_dict().Keys.ToArray());
        Assert.AreEqual(graph.ParameterCount, module.parameters().Sum(p => p.numel()));

        module.eval();
        float[][] inputs = TorchComparison.Inputs(graph, 2), expected = TorchComparison.Run(TorchComparison.Engine(), graph, 2, inputs);
        using IDisposable noGrad = torch.no_grad();
        using torch.Tensor input = Input(graph, inputs[0]);
        torch.Tensor[] outputs = module.call(input);
        for (int i = 0; i < outputs.Length; i++)
            Assert.IsLessThanOrEqualTo(1e-4, TorchComparison.RelativeError(expected[i], Values(outputs[i])), $"{graph.Outputs[i]}");
        foreach (torch.Tensor output in outputs)
            output.Dispose();
    }

    [TestMethod]
    [DataRow("test_resnet")]
    [DataRow("test_convnext")]
    [DataRow("test_vit")]
    public void EveryParameterGetsAGradient(string name)
    {
        Graph graph = Build(name, FeatureSelection.Logits);
        using ParameterStore store = TorchComparison.Store(graph);
        using var module = new GraphModule(name, graph, store);
        module.train();
        using torch.Tensor input = Input(graph, TorchComparison.Inputs(graph, 2)[0]);
        using torch.Tensor logits = module.call(input)[0];
        using torch.Tensor loss = logits.square().sum();
        loss.backward();
        foreach ((string key, var parameter) in module.named_parameters())
        {
            Assert.IsNotNull(parameter.grad, key);
            Assert.IsTrue(Values(parameter.grad!).All(float.IsFinite), key);
        }
    }

    /// <summary>Activations, norms and weight arithmetic whose kernels have in-place parts: the gradient equals a difference quotient.</summary>
    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void GradientsEqualDifferenceQuotients(UnaryKind kind)
    {
        var b = new GraphBuilder([6]);
        Node x = b.Affine(b.Unary(b.Linear("fc", b.Input, 5), UnaryKind.Tanh, "tanh"), 0.4f, 1.1f);
        x = b.RmsNorm("norm", b.Unary(x, kind, "act"), centered: true);
        Graph graph = b.Build(b.Reduce(x, ReduceKind.L2, [0]));
        using ParameterStore store = TorchComparison.Store(graph);
        using var module = new GraphModule("check", graph, store);
        module.to(torch.float64);
        using torch.Tensor input = torch.linspace(-1, 1, 12, torch.float64).reshape(2, 6);
        double Loss()
        {
            using torch.Tensor y = module.call(input)[0];
            using torch.Tensor weighted = y.mul(torch.tensor(new double[] { 1, -2 }));
            using torch.Tensor sum = weighted.sum();
            return sum.item<double>();
        }
        using (torch.Tensor y = module.call(input)[0])
        using (torch.Tensor sum = y.mul(torch.tensor(new double[] { 1, -2 })).sum())
            sum.backward();
        torch.Tensor weight = module.get_parameter("fc.weight")!;
        double gradient = weight.grad![1, 2].item<double>();
        const double step = 1e-4;
        using IDisposable noGrad = torch.no_grad();
        using torch.Tensor element = weight[1, 2];
        element.add_(step);
        double above = Loss();
        element.sub_(2 * step);
        double below = Loss();
        Assert.AreEqual((above - below) / (2 * step), gradient, 1e-3 * Math.Max(1e-2, Math.Abs(gradient)), $"{kind}");
    }

    public static IEnumerable<object[]> Kinds => Enum.GetValues<UnaryKind>().Except([UnaryKind.Affine, UnaryKind.Clamp]).Select(k => new object[] { k });

    [TestMethod]
    public void FineTuningLowersTheLossUpdatesStatisticsAndSaves()
    {
        torch.manual_seed(1);
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, ImageSize = 32 });
        using GraphModule module = backbone.ToModule(FeatureSelection.Pooled());
        using var head = torch.nn.Linear(backbone.NumFeatures, 2);
        module.train();
        using var optimizer = torch.optim.SGD([.. module.parameters(), .. head.parameters()], 0.05);
        using torch.Tensor images = torch.linspace(-2, 2, 8 * 3 * 32 * 32).reshape(8, 3, 32, 32).sin(), labels = torch.tensor(new long[] { 0, 1, 0, 1, 0, 1, 0, 1 });
        float[] meanBefore = Values(module.get_buffer("bn1.running_mean")!), weightBefore = Values(module.get_parameter("conv1.weight") ?? module.get_parameter("conv1.0.weight")!);
        var losses = new List<float>();
        for (int step = 0; step < 8; step++)
        {
            optimizer.zero_grad();
            using torch.Tensor features = module.call(images)[0];
            using torch.Tensor loss = torch.nn.functional.cross_entropy(head.call(features), labels);
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }
        Assert.IsLessThan(losses[0] * 0.8f, losses[^1], string.Join(" ", losses));
        CollectionAssert.AreNotEqual(meanBefore, Values(module.get_buffer("bn1.running_mean")!));
        CollectionAssert.AreNotEqual(weightBefore, Values(module.get_parameter("conv1.weight") ?? module.get_parameter("conv1.0.weight")!));
        Assert.AreEqual(8L, module.get_buffer("bn1.num_batches_tracked")!.item<long>());

        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.safetensors");
        try
        {
            using (ParameterStore tuned = module.Snapshot())
                SafetensorsWriter.Write(path, tuned.Tensors);
            using ParameterStore saved = ParameterStore.Open(path);
            Graph graph = backbone.Select(FeatureSelection.Pooled()).Graph;
            float[][] inputs = TorchComparison.Inputs(graph, 2);
            using IPlan plan = TorchComparison.Engine().Compile(graph, saved, EngineOptions.Default);
            float[] expected = TorchComparison.Run(plan, 2, inputs)[0];
            module.eval();
            using torch.Tensor input = Input(graph, inputs[0]);
            using torch.Tensor actual = module.call(input)[0];
            Assert.IsLessThanOrEqualTo(1e-4, TorchComparison.RelativeError(expected, Values(actual)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void WhatIsAddedToABackboneBeginsAsPyTorchsLayersDo()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, ImageSize = 64 });
        SelectedFeatures selected = backbone.Select(FeatureSelection.Pyramid([2, 3])).Extend((b, levels) =>
            [("scores", SegmentationHead.Build(b, "head", [.. FeaturePyramidNetwork.Build(b, "fpn", levels, 12).Select(m => m.Map)], 3, 64, 64))]);
        using GraphModule module = backbone.ToModule(selected);
        float[] trained = backbone.Parameters["layer1.0.conv1.weight"].ToArray();
        CollectionAssert.AreEqual(trained, Values(module.get_parameter("layer1.0.conv1.weight")!), "the backbone's weights are its own");
        float[] added = Values(module.get_parameter("head.conv.weight")!), again = Values(module.get_parameter("fpn.layer_blocks.0.0.weight")!);
        float bound = 1 / MathF.Sqrt(12 * 9);
        Assert.IsTrue(added.All(v => MathF.Abs(v) <= bound) && added.Max() > 0.8f * bound && added.Min() < -0.8f * bound);
        CollectionAssert.AreNotEqual(added, again);
        Assert.IsTrue(Values(module.get_parameter("head.bn.weight")!).All(v => v == 1) && Values(module.get_parameter("head.bn.bias")!).All(v => v == 0));
        Assert.IsTrue(Values(module.get_buffer("head.bn.running_var")!).All(v => v == 1) && Values(module.get_buffer("head.bn.running_mean")!).All(v => v == 0));
    }

    [TestMethod]
    public void AnAddedParameterWithoutAUsualInitialValueIsAnError()
    {
        using Backbone backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true, ImageSize = 64 });
        SelectedFeatures selected = backbone.Select(FeatureSelection.Pooled()).Extend((b, outputs) => [("scaled", b.Multiply(outputs[0].Map, b.Parameter("gamma", [1])))]);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => backbone.ToModule(selected)).Message, "'gamma'");
    }

    [TestMethod]
    public void AnInputOfAnotherShapeIsAnError()
    {
        var b = new GraphBuilder([3, 8, 8]);
        Graph graph = b.Build(b.Conv2d("conv", b.Input, 2, 3));
        using ParameterStore store = TorchComparison.Store(graph);
        using var module = new GraphModule("conv", graph, store);
        using torch.Tensor wrong = torch.zeros(1, 3, 9, 8);
        var error = Assert.ThrowsExactly<ArgumentException>(() => module.call(wrong));
        StringAssert.Contains(error.Message, "[N, 3, 8, 8]");
        StringAssert.Contains(error.Message, "[1, 3, 9, 8]");
    }

    [TestMethod]
    public void WeightArithmeticIsPartOfTheModule()
    {
        // A standardised weight: its gradient passes through the mean and the variance.
        var b = new GraphBuilder([3, 6, 6]);
        Node weight = b.Parameter("conv.weight", [4, 3, 3, 3]);
        Node flat = b.Reshape(weight, [4, 27]);
        Node centred = b.Subtract(flat, b.Reduce(flat, ReduceKind.Mean, [1], keepDims: true));
        Node standard = b.Multiply(centred, b.Unary(b.Affine(b.Reduce(flat, ReduceKind.Variance, [1], keepDims: true), 1, 1e-5f), UnaryKind.Rsqrt, "rsqrt"));
        Graph graph = b.Build(b.Conv2d("conv", b.Input, b.Reshape(standard, [4, 3, 3, 3]), null, 1, 0, 1));
        using ParameterStore store = TorchComparison.Store(graph);
        using var module = new GraphModule("standardised", graph, store);
        float[][] inputs = TorchComparison.Inputs(graph, 2), expected = TorchComparison.Run(TorchComparison.Engine(), graph, 2, inputs);
        using torch.Tensor input = Input(graph, inputs[0]);
        using torch.Tensor y = module.call(input)[0];
        Assert.IsLessThanOrEqualTo(1e-5, TorchComparison.RelativeError(expected[0], Values(y)));
        using torch.Tensor loss = y.square().sum();
        loss.backward();
        using torch.Tensor perFilter = module.get_parameter("conv.weight")!.grad!.sum([1L, 2, 3]);
        Assert.IsTrue(Values(perFilter).All(v => MathF.Abs(v) < 1e-2f), "a constant added to a filter changes nothing");
    }

    private static torch.Tensor Input(Graph graph, float[] values) => torch.tensor(values).reshape([values.Length / graph.Inputs[0].Shape.Length, .. graph.Inputs[0].Shape.Select(d => (long)d)]);

    private static float[] Values(torch.Tensor tensor)
    {
        using torch.Tensor full = tensor.detach().to_type(torch.float32).contiguous();
        return full.data<float>().ToArray();
    }

    private static Graph Build(string name, params FeatureSelection[] selections)
    {
        BackboneGraph backbone = ModelCatalog.Find(name).Build(BuildOptions.Default with { ImageSize = new Size2(64, 64) });
        return SelectedFeatures.Merge([.. selections.Select(s => SelectedFeatures.Choose(backbone, s))]).Graph;
    }
}
