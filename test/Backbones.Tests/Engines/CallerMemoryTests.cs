using System.Diagnostics;
using System.Runtime.Intrinsics;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Tests.Engines;

/// <summary>Every operator on the caller's own arrays, which lie between guard pages: nothing is read or written beyond them, whatever the width of vectors.</summary>
[TestClass]
public sealed class CallerMemoryTests
{
    private static readonly Shape[] s_maps = [[1, 5, 4], [3, 7, 5], [5, 6, 9], [18, 4, 3], [33, 5, 7]];

    // Wider vectors than the process has are emulated, slowly, and are what another process tests.
    private static readonly int[] s_widths = Vector512.IsHardwareAccelerated ? [16, 8, 4] : Vector256.IsHardwareAccelerated ? [8, 4] : [4];

    private static readonly Dictionary<string, Func<GraphBuilder, Node, Node>> s_graphs = new()
    {
        ["the input itself"] = (_, x) => x,
        ["convolution"] = (b, x) => b.Conv2d("conv", x, 5, 3, padding: 1),
        ["convolution without border"] = (b, x) => b.Conv2d("conv", x, 7, (2, 3), stride: 2),
        ["convolution and residual"] = (b, x) => b.Add(b.Conv2d("conv", x, x.Shape[0], 3, padding: 1), x),
        ["wide convolution and residual"] = (b, x) => b.Add(b.Conv2d("conv2", b.Conv2d("conv1", x, 33, 3, padding: 1), x.Shape[0], 3, padding: 1), x),
        ["pointwise convolution and residual"] = (b, x) => b.Act("act", b.Add(b.Conv2d("conv", x, x.Shape[0], 1), x), UnaryKind.Relu),
        ["depthwise convolution and residual"] = (b, x) => b.Add(b.Conv2d("conv", x, x.Shape[0], 3, padding: 1, groups: x.Shape[0]), x),
        ["depthwise convolution, norm behind its activation and sum"] = (b, x) => b.Add(b.BatchNorm("norm", b.Act("act", b.Conv2d("conv", x, x.Shape[0], 3, padding: 1, groups: x.Shape[0]), UnaryKind.Relu)), x),
        ["grouped convolution and residual"] = (b, x) => b.Add(b.Conv2d("conv", x, x.Shape[0], 3, padding: 1, groups: Groups(x)), x),
        ["grouped convolution with stride"] = (b, x) => b.Conv2d("conv", x, x.Shape[0], 3, stride: 2, padding: 1, groups: Groups(x)),
        ["grouped convolutions"] = (b, x) => b.Conv2d("conv2", b.Conv2d("conv1", x, 12, 3, padding: 1), 12, 3, padding: 1, groups: 3),
        ["linear"] = (b, x) => b.Linear("fc", x, 7),
        ["linear and residual"] = (b, x) => b.Add(b.Linear("fc", x, x.Shape[^1]), x),
        ["linear of a vector and residual"] = (b, x) => b.Flatten(x) is var y ? b.Add(b.Linear("fc", y, y.Shape[0]), y) : x,
        ["linear of tokens and residual"] = (b, x) => Tokens(b, x) is var y ? b.Act("act", b.Add(b.Linear("fc", y, y.Shape[1]), y), UnaryKind.Gelu) : x,
        ["unary"] = (b, x) => b.Unary(x, UnaryKind.Silu, "silu"),
        ["unary without vectors"] = (b, x) => b.Unary(x, UnaryKind.Softplus, "softplus"),
        ["binary"] = (b, x) => b.Add(b.Multiply(x, b.Parameter("row", [x.Shape[2]])), b.Parameter("column", [x.Shape[1], 1])),
        ["binary and activation"] = (b, x) => b.Act("act", b.Add(x, b.Unary(x, UnaryKind.Sigmoid, "sigmoid")), UnaryKind.Gelu),
        ["binary of maps"] = (b, x) => b.Subtract(b.Conv2d("conv", x, x.Shape[0], 1), b.Unary(x, UnaryKind.Tanh, "tanh")),
        ["PReLU"] = (b, x) => b.Function("prelu", new PReluOp(), x, b.Parameter("slope", [x.Shape[0]])),
        ["max pooling"] = (b, x) => b.MaxPool2d("pool", x, 3, 2, 1),
        ["mean pooling"] = (b, x) => b.AvgPool2d("pool", x, 2, 2, 0),
        ["adaptive pooling"] = (b, x) => b.Function("pool", new AdaptiveAvgPool2dOp(2, 3), x),
        ["global pooling"] = (b, x) => b.Function("pool", new AdaptiveAvgPool2dOp(1, 1), x),
        ["mean over pixels"] = (b, x) => b.Reduce(x, ReduceKind.Mean, [1, 2]),
        ["mean over channels"] = (b, x) => b.Reduce(x, ReduceKind.Mean, [0]),
        ["variance over columns"] = (b, x) => b.Reduce(x, ReduceKind.Variance, [2]),
        ["length over lines"] = (b, x) => b.Reduce(x, ReduceKind.L2, [1], keepDims: true),
        ["maximum over channels and columns"] = (b, x) => b.Reduce(x, ReduceKind.Max, [0, 2]),
        ["weighted sum"] = (b, x) => b.Reduce(b.Multiply(x, b.Parameter("shares", [x.Shape[0], 1, 1])), ReduceKind.Sum, [0]),
        ["batch norm"] = (b, x) => b.BatchNorm("norm", x),
        ["layer norm"] = (b, x) => b.LayerNorm("norm", x),
        ["layer norm over channels"] = (b, x) => b.LayerNorm("norm", x, axis: 0),
        ["RMS norm"] = (b, x) => b.RmsNorm("norm", x),
        ["group norm"] = (b, x) => b.GroupNorm("norm", x, x.Shape[0] % 3 == 0 ? 3 : 1),
        ["softmax"] = (b, x) => b.Softmax(x, -1),
        ["softmax over channels"] = (b, x) => b.Softmax(x, 0),
        ["product"] = (b, x) => b.MatMul(x, b.Transpose(x, 1, 2)),
        ["product, transposed"] = (b, x) => b.MatMul(x, x, transposeA: true),
        ["product with a constant"] = (b, x) => b.MatMul(b.Parameter("m", [3, x.Shape[1]]), x),
        ["attention"] = (b, x) => b.Attention(x, x, x),
        ["attention with a mask"] = (b, x) => b.Attention(x, x, x, mask: b.Parameter("mask", [x.Shape[1], x.Shape[1]])),
        ["attention with the input as mask"] = (b, x) => b.Parameter("q", [x.Shape[0], x.Shape[1], 6]) is var q && b.Parameter("k", [x.Shape[0], x.Shape[2], 6]) is var k
            ? b.Attention(q, k, k, mask: x) : x,
        ["LSTM"] = (b, x) => b.Lstm("rnn", x, 5),
        ["reshape"] = (b, x) => b.Unary(b.Reshape(x, [x.Shape[1], x.Shape[0] * x.Shape[2]]), UnaryKind.Relu, "relu"),
        ["permute"] = (b, x) => b.Unary(b.Permute(x, [1, 2, 0]), UnaryKind.Relu, "relu"),
        ["concatenation"] = (b, x) => b.Concat(0, [x, b.Conv2d("conv", x, 3, 1), x]),
        ["concatenation of columns"] = (b, x) => b.Concat(2, [x, x]),
        ["slice"] = (b, x) => b.Slice(x, 2, 1, (x.Shape[2] - 1) / 2, 2),
        ["last channel"] = (b, x) => b.Unary(b.Slice(x, 0, x.Shape[0] - 1, 1), UnaryKind.Relu, "relu"),
        ["border"] = (b, x) => b.Pad2d(x, new Padding(1, 2, 0, 3)),
        ["roll"] = (b, x) => b.Roll(x, 2, 1),
        ["gather"] = (b, x) => b.Gather(x, 2, [x.Shape[2] - 1, 0, 1]),
        ["expand"] = (b, x) => b.Expand(b.Slice(x, 1, x.Shape[1] - 1, 1), x.Shape),
        ["expand and reshape"] = (b, x) => b.Reshape(b.Expand(b.Reshape(b.Slice(x, 1, 0, 1), [x.Shape[0], 1, 1, x.Shape[2]]), [x.Shape[0], 3, 2, x.Shape[2]]), [x.Shape[0] * 3, 2, x.Shape[2]]),
        ["resize"] = (b, x) => b.Resize(x, 7, 6, ResizeMode.Bilinear),
    };

    [TestMethod]
    public void NoOperatorLeavesTheCallersArrays()
    {
        foreach ((string name, Func<GraphBuilder, Node, Node> build) in s_graphs)
        {
            foreach (Shape shape in s_maps)
            {
                var b = new GraphBuilder(shape);
                Check(b.Build(build(b, b.Input)), $"{name} of {shape}");
            }
        }
    }

    [TestMethod]
    public void EveryOperatorIsAmongTheGraphs()
    {
        IEnumerable<Type> all = typeof(Operator).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Operator)) && t != typeof(IdentityOp));
        HashSet<Type> seen = [.. s_graphs.Values.SelectMany(build =>
        {
            var b = new GraphBuilder(s_maps[^1]);
            return b.Build(build(b, b.Input)).Nodes;
        }).Append(new GraphBuilder(s_maps[0]).Constant([1], [0])).Select(n => n.Operator.GetType())];
        Assert.AreEqual("", string.Join(", ", all.Where(t => !seen.Contains(t)).Select(t => t.Name)), "operators without a graph here");
    }

    /// <summary>The same on machines with less: the instruction set is chosen when a process starts.</summary>
    [TestMethod]
    [DataRow("DOTNET_EnableAVX512")]
    [DataRow("DOTNET_EnableHWIntrinsic")]
    public void NorDoesAnyWithoutAnInstructionSet(string switchedOff)
    {
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Backbones.Tests.dll"), "--filter", $"ClassName={typeof(CallerMemoryTests).FullName}&Name={nameof(NoOperatorLeavesTheCallersArrays)}"];
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [switchedOff] = "0", ["DOTNET_TieredPGO"] = "0" },
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, $"{switchedOff}=0: {output} {errors.Result}");
        StringAssert.Contains(output, "succeeded: 1");
    }

    /// <summary>The fewest groups of several.</summary>
    private static int Groups(Node x) => Enumerable.Range(2, x.Shape[0]).FirstOrDefault(groups => x.Shape[0] % groups == 0, 1);

    private static Node Tokens(GraphBuilder b, Node x) => b.Reshape(x, [x.Shape[0] * x.Shape[1], x.Shape[2]]);

    private static void Check(Graph graph, string what)
    {
        const int batch = 2;
        var parameters = new RandomParameters(3);
        float[] input = RandomParameters.Values(batch * (int)graph.Inputs[0].Shape.Length, 11);
        float[] expected = EngineComparison.Run(new ReferenceEngine().Compile(graph, parameters, EngineOptions.Default), batch, [input])[0];
        foreach (int width in s_widths)
        {
            using IPlan plan = ManagedEngine.Compile(graph, parameters, new EngineOptions { Threads = 1 }, width);
            foreach (bool atEnd in (bool[])[true, false])
            {
                using var guardedInput = new GuardedMemory(input.Length, atEnd);
                using var guardedOutput = new GuardedMemory(expected.Length, atEnd);
                input.CopyTo(guardedInput.GetSpan());
                plan.Run(batch, [guardedInput.Memory], [guardedOutput.Memory]);
                double error = EngineComparison.RelativeError(expected, guardedOutput.GetSpan().ToArray());
                Assert.IsTrue(error < 1e-4, $"{what} with {width} lanes: relative error {error:e2}.");
            }
        }
    }
}
