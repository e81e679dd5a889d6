using Backbones.Engines;
using Backbones.Engines.Torch;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Torch;

[TestClass]
public sealed class DeviceTests
{
    [TestMethod]
    [DataRow("auto", 0, "CPU")]
    [DataRow("auto", 2, "CUDA0")]
    [DataRow("cpu", 2, "CPU")]
    [DataRow("cuda", 1, "CUDA0")]
    [DataRow("cuda:1", 2, "CUDA1")]
    [DataRow("cuda:all", 3, "CUDA0 CUDA1 CUDA2")]
    public void NamesMeanDevices(string name, int gpus, string expected) => Assert.AreEqual(expected, Names(DeviceChoice.Resolve(name, gpus, "CUDA is not available: why")));

    [TestMethod]
    [DataRow("cuda", 0, "CUDA is not available: why")]
    [DataRow("cuda:all", 0, "CUDA is not available: why")]
    [DataRow("cuda:2", 2, "'cuda:0' to 'cuda:1'")]
    [DataRow("cuda:1", 1, "has 1 CUDA device: 'cuda:0'")]
    public void AMissingDeviceIsAnError(string name, int gpus, string message)
    {
        var error = Assert.ThrowsExactly<TorchSharpUnavailableException>(() => DeviceChoice.Resolve(name, gpus, "CUDA is not available: why"));
        StringAssert.Contains(error.Message, message);
        StringAssert.Contains(error.Message, $"'{name}'");
    }

    [TestMethod]
    [DataRow("gpu")]
    [DataRow("cuda:x")]
    [DataRow("cuda:-1")]
    [DataRow("cuda:")]
    [DataRow("CPU")]
    public void AnUnknownNameListsTheValidOnes(string name)
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => DeviceChoice.Resolve(name, 4, ""));
        StringAssert.Contains(error.Message, $"'{name}'");
        StringAssert.Contains(error.Message, "'cuda:all'");
    }

    [TestMethod]
    public void WithoutCudaAskingForItIsAnErrorAndAutoIsTheCpu()
    {
        if (NativePackage.GpuCount > 0)
            Assert.Inconclusive("This machine has CUDA.");
        Assert.ThrowsExactly<TorchSharpUnavailableException>(() => new TorchSharpEngine(new TorchSharpOptions { Device = "cuda:0" }));
        TorchComparison.Engine();
        CollectionAssert.AreEqual((string[])["cpu"], new TorchSharpEngine().Devices.ToArray());
    }

    [TestMethod]
    public void SeveralDevicesTakeTurns()
    {
        TorchSharpEngine engine = TorchComparison.Engine(devices: ["cpu", "cpu", "cpu"]);
        Assert.HasCount(3, engine.Devices);
        var b = new GraphBuilder([3, 8, 8]);
        Graph graph = b.Build(b.Act("act", b.Conv2d("conv", b.Input, 4, 3), UnaryKind.Relu));
        using ParameterStore store = TorchComparison.Store(graph);
        using IPlan plan = engine.Compile(graph, store, EngineOptions.Default);
        float[][] inputs = TorchComparison.Inputs(graph, 2), expected = TorchComparison.Run(plan, 2, inputs);
        Parallel.For(0, 24, new ParallelOptions { MaxDegreeOfParallelism = 6 }, _ => CollectionAssert.AreEqual(expected[0], TorchComparison.Run(plan, 2, inputs)[0]));
    }

    [TestMethod]
    public void WrongBuffersAndADisposedPlanAreErrors()
    {
        var b = new GraphBuilder([3, 4, 4]);
        Graph graph = b.Build(b.Conv2d("conv", b.Input, 2, 3));
        using ParameterStore store = TorchComparison.Store(graph);
        IPlan plan = TorchComparison.Engine().Compile(graph, store, EngineOptions.Default);
        Assert.ThrowsExactly<ArgumentException>(() => plan.Run(1, [new float[47]], [new float[8]]));
        Assert.ThrowsExactly<ArgumentException>(() => plan.Run(1, [new float[48]], [new float[9]]));
        Assert.ThrowsExactly<ArgumentException>(() => plan.Run(1, [new float[48]], []));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => plan.Run(0, [new float[0]], [new float[0]]));
        plan.Dispose();
        plan.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.Run(1, [new float[48]], [new float[8]]));
    }

    [TestMethod]
    public void PartsOfArraysAreReadAndWrittenInPlace()
    {
        var b = new GraphBuilder([6]);
        Graph graph = b.Build(b.Affine(b.Input, 2, 1));
        using ParameterStore store = TorchComparison.Store(graph);
        using IPlan plan = TorchComparison.Engine().Compile(graph, store, EngineOptions.Default);
        float[] input = [9, 0, 1, 2, 3, 4, 5, 9], output = new float[9];
        plan.Run(1, [input.AsMemory(1, 6)], [output.AsMemory(2, 6)]);
        CollectionAssert.AreEqual((float[])[0, 0, 1, 3, 5, 7, 9, 11, 0], output);
    }

    [TestMethod]
    public void AnUnknownPrecisionIsAnError()
    {
        var b = new GraphBuilder([6]);
        Graph graph = b.Build(b.Affine(b.Input, 2));
        using ParameterStore store = TorchComparison.Store(graph);
        TorchSharpEngine engine = TorchComparison.Engine();
        Assert.ThrowsExactly<NotSupportedException>(() => engine.Compile(graph, store, new EngineOptions { Precision = (Precision)9 }));
    }

    private static string Names(IReadOnlyList<TorchSharp.torch.Device> devices)
        => string.Join(" ", devices.Select(d => d.type == TorchSharp.DeviceType.CUDA ? $"{d.type}{d.index}" : $"{d.type}"));
}
