using System.Collections.Concurrent;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Engines;

/// <summary>Every operator on the managed engine against its reference kernel, on row-major inputs and on channels-last maps.</summary>
[TestClass]
public sealed class ManagedOperatorTests
{
    private static readonly Shape[] s_maps = [[32, 9, 7], [20, 6, 5], [3, 8, 8], [1, 5, 4], [48, 1, 1]];

    [TestMethod]
    public void UnaryFunctions()
    {
        foreach (UnaryKind kind in Enum.GetValues<UnaryKind>())
        {
            UnaryOp op = OperatorOf(kind);
            OnMaps(kind.ToString(), (b, x) =>
            {
                // Ranges in which the functions bend; positive where they need it.
                x = kind is UnaryKind.Log or UnaryKind.Sqrt or UnaryKind.Rsqrt or UnaryKind.Reciprocal ? b.Affine(b.Unary(x, UnaryKind.Abs, "abs"), 1, 0.5f) : b.Affine(x, 6);
                return b.Function("f", op, x);
            });
        }
    }

    [TestMethod]
    public void BinaryFunctionsWithBroadcasting()
    {
        foreach (BinaryKind kind in Enum.GetValues<BinaryKind>())
        {
            OnMaps(kind.ToString(), (b, x) =>
            {
                Shape s = x.Shape;
                Node same = b.Affine(x, 0.5f, 2), channel = b.Affine(b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true), 1, 2);
                Node row = b.Parameter("row", [s[2]]), plane = b.Parameter("plane", [s[1], s[2]]), one = b.Parameter("one", [1]);
                return b.Function("f", new BinaryOp(kind), [b.Function("g", new BinaryOp(kind), x, same), b.Add(b.Add(b.Add(channel, row), plane), one)]);
            }, tolerance: 1e-5);
        }
    }

    /// <summary>Functions of elements that follow each other are one step, in whatever order their arguments come.</summary>
    [TestMethod]
    public void ChainsOfFunctions()
    {
        OnMaps("gate and residual", (b, x) => b.Unary(b.Add(b.Multiply(x, b.Unary(b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true), UnaryKind.Sigmoid, "gate")), x), UnaryKind.Relu, "relu"));
        OnMaps("the chain's value as second argument", (b, x) => b.Subtract(x, b.Divide(b.Parameter("p", [x.Shape[2]]), b.Affine(b.Unary(x, UnaryKind.Exp, "exp"), 1, 2))));
        OnMaps("two chains that meet", (b, x) => b.Multiply(b.Affine(b.Unary(x, UnaryKind.Tanh, "tanh"), 2, 1), b.Unary(b.Add(x, b.Parameter("p", [x.Shape[0], 1, 1])), UnaryKind.Silu, "silu")));
        OnMaps("a residual that comes later", (b, x) => b.Add(b.Multiply(x, b.Parameter("p", [1])), b.Conv2d("later", x, x.Shape[0], 1)));
        OnMaps("a value squared", (b, x) => b.Unary(x, UnaryKind.Tanh, "tanh") is var y ? b.Multiply(y, y) : y);
        OnMaps("a value that something else reads", (b, x) => b.Unary(x, UnaryKind.Tanh, "tanh") is var y ? b.Add(b.Affine(y, 3), b.Reduce(y, ReduceKind.Mean, [1, 2], keepDims: true)) : y);
        OnMaps("across layouts", (b, x) => b.Unary(b.Add(b.Permute(x, [0, 2, 1]), b.Permute(b.Affine(x, 2, 1), [0, 2, 1])), UnaryKind.Silu, "silu"));
        OnMaps("a part of a concatenation", (b, x) => b.Concat(0, [b.Affine(b.Unary(x, UnaryKind.Silu, "silu"), 2), x]));
    }

    [TestMethod]
    public void Pooling()
    {
        foreach ((int kernel, int stride, int padding, bool ceil) in ((int, int, int, bool)[])[(3, 2, 1, false), (2, 2, 0, true), (3, 3, 1, true), (3, 1, 1, false)])
        {
            OnMaps($"pool {kernel} {stride} {padding} {ceil}", (b, x) => b.MaxPool2d("pool", x, kernel, stride, padding, ceilMode: ceil), minSize: 4);
            OnMaps($"avg {kernel} {stride} {padding} {ceil}", (b, x) => b.AvgPool2d("pool", x, kernel, stride, padding, ceil, countIncludePad: true), minSize: 4);
            OnMaps($"avg {kernel} {stride} {padding} {ceil} without padding", (b, x) => b.AvgPool2d("pool", x, kernel, stride, padding, ceil, countIncludePad: false), minSize: 4);
        }
        OnMaps("dilated", (b, x) => b.MaxPool2d("pool", x, 2, 1, 1, dilation: 2), minSize: 4);
        OnMaps("adaptive", (b, x) => b.Function("pool", new AdaptiveAvgPool2dOp(3, 2), x), minSize: 4);
        OnMaps("global", (b, x) => b.Function("pool", new AdaptiveAvgPool2dOp(1, 1), x));
    }

    /// <summary>Scores beyond 10⁹, of which a factor's rounding is more than an exponent: the largest takes all, as everywhere else.</summary>
    [TestMethod]
    [DataRow(1e4f)]
    [DataRow(3e5f)]
    [DataRow(1e6f)]
    [DataRow(1e12f)]
    public void AttentionWithHugeScoresTakesTheLargest(float magnitude)
    {
        foreach (int tokens in (int[])[11, 49, 70])
        {
            foreach (bool masked in (bool[])[false, true])
            {
                var b = new GraphBuilder([3, tokens, 17]);
                Node x = b.Affine(b.Input, magnitude);
                EngineComparison.Check(b.Build([b.Attention(x, x, b.Input, 0.1f, masked ? b.Parameter("mask", [3, tokens, tokens]) : null)]), what: $"{tokens} tokens, mask {masked}");
            }
        }
    }

    /// <summary>What is no number stays none, wherever it is: a maximum that loses it would give features that look like some.</summary>
    [TestMethod]
    public void NothingThatIsNoNumberIsLost()
    {
        const int channels = 20, size = 7;
        var b = new GraphBuilder([channels, size, size]);
        Node x = b.Input, other = b.Affine(x, -1);
        List<Node> outputs =
        [
            b.MaxPool2d("max", x, 3, 2, 1), b.AvgPool2d("avg", x, 3, 2, 1), b.Softmax(x, 0), b.Softmax(x, -1), b.LayerNorm("layer", x, axis: 0), b.GroupNorm("group", x, 4), b.BatchNorm("batch", x),
            b.Function("larger", new BinaryOp(BinaryKind.Max), x, other), b.Function("smaller", new BinaryOp(BinaryKind.Min), other, x), b.Function("prelu", new PReluOp(), x, b.Parameter("slope", [channels])),
            b.Conv2d("conv", x, 24, 3, 1, 1), b.Conv2d("depthwise", x, channels, 3, 1, 1, groups: channels), b.Conv2d("grouped", x, channels, 3, 1, 1, groups: 5), b.Conv2d("pointwise", x, 24, 1),
        ];
        foreach (ReduceKind kind in Enum.GetValues<ReduceKind>())
            outputs.AddRange([b.Reduce(x, kind, [1, 2]), b.Reduce(x, kind, [0]), b.Reduce(x, kind, [2])]);
        foreach (UnaryKind kind in Enum.GetValues<UnaryKind>())
            outputs.AddRange([b.Function("function", OperatorOf(kind), x), b.Function("act", OperatorOf(kind), b.Conv2d($"conv{kind}", x, 8, 1))]);
        Graph graph = b.Build([.. outputs]);
        var parameters = new RandomParameters(3);
        float[] input = RandomParameters.Values((int)graph.Inputs[0].Shape.Length, 4);
        IPlan reference = new ReferenceEngine().Compile(graph, parameters, EngineOptions.Default);
        foreach (int width in EngineComparison.Widths)
        {
            using IPlan plan = ManagedEngine.Compile(graph, parameters, new EngineOptions { Threads = 2 }, width);
            for (int at = 0; at < input.Length; at += 31)
            {
                float[] broken = [.. input];
                broken[at] = float.NaN;
                float[][] expected = EngineComparison.Run(reference, 1, [broken]), actual = EngineComparison.Run(plan, 1, [broken]);
                for (int i = 0; i < expected.Length; i++)
                {
                    int lost = Enumerable.Range(0, expected[i].Length).Count(j => float.IsNaN(expected[i][j]) && !float.IsNaN(actual[i][j]));
                    Assert.AreEqual(0, lost, $"{graph.Outputs[i]} with {width} lanes, NaN at {at}");
                }
            }
        }
    }

    [TestMethod]
    public void Reductions()
    {
        int[][] axes = [[1, 2], [0], [2], [1], [0, 1, 2], [-1], [0, 2]];
        foreach (ReduceKind kind in Enum.GetValues<ReduceKind>())
        {
            foreach (int[] a in axes)
            {
                foreach (bool keep in (bool[])[true, false])
                    OnMaps($"{kind} over {string.Join(' ', a)}, keep {keep}", (b, x) => b.Reduce(b.Affine(x, 1, 0.3f), kind, a, keep), tolerance: 1e-5);
            }
        }
    }

    [TestMethod]
    public void Normalisations()
    {
        OnMaps("batch", (b, x) => b.BatchNorm("norm", x));
        OnMaps("batch and activation", (b, x) => b.Act("act", b.BatchNorm("norm", x), UnaryKind.Silu));
        OnMaps("batch of tokens", (b, x) => b.BatchNorm("norm", Tokens(b, x), axis: -1));
        OnMaps("layer over channels", (b, x) => b.LayerNorm("norm", x, axis: 0), tolerance: 2e-5, minChannels: 3);
        OnMaps("layer over tokens", (b, x) => b.LayerNorm("norm", Tokens(b, x)), tolerance: 2e-5, minChannels: 3);
        OnMaps("layer over tokens, no affine", (b, x) => b.LayerNorm("norm", Tokens(b, x), affine: false), tolerance: 2e-5, minChannels: 3);
        OnMaps("rms", (b, x) => b.RmsNorm("norm", Tokens(b, x)), tolerance: 1e-5);
        OnMaps("simple", (b, x) => b.RmsNorm("norm", x, axis: 0, centered: true), tolerance: 1e-5, minChannels: 3);
        OnMaps("group", (b, x) => b.GroupNorm("norm", x, x.Shape[0] % 4 == 0 ? 4 : 1), tolerance: 1e-5);
        OnMaps("softmax over channels", (b, x) => b.Softmax(x, 0));
        OnMaps("softmax over columns", (b, x) => b.Softmax(x, -1));
        OnMaps("PReLU", (b, x) => b.Function("f", new PReluOp(), x, b.Parameter("slope", [x.Shape[0]])));
        OnMaps("PReLU with one slope", (b, x) => b.Function("f", new PReluOp(), x, b.Parameter("slope", [1])));
    }

    [TestMethod]
    public void LinearLayersAndProducts()
    {
        OnMaps("linear", (b, x) => b.Linear("fc", Tokens(b, x), 37));
        OnMaps("linear and residual", (b, x) => b.Add(Tokens(b, x), b.Linear("fc", b.Act("act", b.Linear("fc0", Tokens(b, x), 70), UnaryKind.Gelu), x.Shape[0])));
        OnMaps("linear over columns", (b, x) => b.Linear("fc", x, 5, bias: false));
        OnMaps("product", (b, x) => b.MatMul(Tokens(b, x), b.Transpose(Tokens(b, x), 0, 1)));
        OnMaps("product, transposed", (b, x) => b.MatMul(Tokens(b, x), Tokens(b, x), transposeB: true));
        OnMaps("product, left transposed", (b, x) => b.MatMul(Tokens(b, x), Tokens(b, x), transposeA: true), tolerance: 1e-5);
        OnMaps("product of stacks", (b, x) => b.MatMul(x, b.Transpose(x, 1, 2)));
        OnMaps("product with a constant", (b, x) => b.MatMul(b.Parameter("m", [x.Shape[1], x.Shape[1]]), x));
    }

    [TestMethod]
    public void Attention()
    {
        foreach ((int heads, int depth, int length) in ((int, int, int)[])[(3, 32, 50), (2, 24, 7), (1, 20, 130), (4, 16, 1), (2, 16, 64), (2, 8, 65)])
        {
            // The last one far below zero: what lies beyond the keys must not count as the largest.
            foreach (int mask in (int[])[0, 1, 2, 3])
            {
                var b = new GraphBuilder([length, heads * depth]);
                Node qkv = b.Permute(b.Reshape(b.Linear("qkv", b.Input, 3 * heads * depth), [length, 3, heads, depth]), [1, 2, 0, 3]);
                Node Part(int i) => b.Reshape(b.Slice(qkv, 0, i, 1), [heads, length, depth]);
                Node? m = mask switch { 0 => null, 1 => b.Parameter("mask", [heads, length, length]), 2 => b.Parameter("mask", [1, length]), _ => b.Affine(b.Parameter("mask", [length, length]), 1, -200) };
                Node y = b.Attention(Part(0), Part(1), Part(2), mask: m);
                y = b.Linear("proj", b.Reshape(b.Transpose(y, 0, 1), [length, heads * depth]), heads * depth);
                EngineComparison.Check(b.Build(y), 3, mask < 3 ? 1e-5 : 1e-4, what: $"{heads} heads of {depth}, {length} tokens, mask {mask}");
            }
        }
    }

    /// <summary>Numbers of sequences and units around those of tiles and vectors.</summary>
    [TestMethod]
    public void Lstm()
    {
        foreach ((int sequences, int length, int channels, int hidden) in ((int, int, int, int)[])[(1, 1, 3, 1), (7, 5, 20, 16), (13, 4, 9, 37), (25, 3, 48, 12)])
        {
            var b = new GraphBuilder([sequences, length, channels]);
            EngineComparison.Check(b.Build(b.Lstm("rnn", b.Input, hidden)), 3, what: $"{sequences} sequences of {length}, {hidden} units");
        }
        OnMaps("rows of a map", (b, x) => b.Lstm("rnn", b.Permute(x, [1, 2, 0]), 6));
        OnMaps("columns of a map", (b, x) => b.Transpose(b.Lstm("rnn", b.Permute(x, [2, 1, 0]), 6), 0, 1));
        OnMaps("one sequence", (b, x) => b.Lstm("rnn", Tokens(b, x), 5));
    }

    [TestMethod]
    public void Movement()
    {
        OnMaps("roll", (b, x) => b.Roll(b.Roll(x, 1, 2), 2, -1));
        OnMaps("gather", (b, x) => b.Gather(x, 0, [.. Enumerable.Range(0, x.Shape[0]).Reverse(), 0]));
        OnMaps("gather columns", (b, x) => b.Gather(x, 2, [0, x.Shape[2] - 1, 0]));
        OnMaps("pad", (b, x) => b.Pad2d(x, new Padding(1, 2, 3, 0), PadMode.Constant, 0.5f));
        OnMaps("replicate", (b, x) => b.Pad2d(x, new Padding(1, 2, 3, 0), PadMode.Replicate));
        OnMaps("reflect", (b, x) => b.Pad2d(x, new Padding(1, 2, 3, 0), PadMode.Reflect), minSize: 4);
        OnMaps("concat", (b, x) => b.Concat(0, [x, b.Affine(x, 2), b.Parameter("p", x.Shape)]));
        OnMaps("concat lines", (b, x) => b.Concat(1, [x, b.Affine(x, 2)]));
        OnMaps("slice", (b, x) => b.Slice(x, 0, x.Shape[0] / 2, x.Shape[0] - x.Shape[0] / 2));
        OnMaps("slices with steps", (b, x) => b.Concat(0, [b.Slice(b.Slice(x, 1, 0, x.Shape[1] / 2, 2), 2, 1, x.Shape[2] / 2, 2), b.Slice(b.Slice(x, 1, 1, x.Shape[1] / 2, 2), 2, 0, x.Shape[2] / 2, 2)]), minSize: 4);
        OnMaps("expand", (b, x) => b.Expand(b.Reduce(x, ReduceKind.Max, [0], true), [7, x.Shape[1], x.Shape[2]]));
        OnMaps("windows", (b, x) => b.Reshape(b.Permute(b.Reshape(x, [x.Shape[0], x.Shape[1] / 2, 2, x.Shape[2]]), [1, 2, 3, 0]), [x.Shape[1] / 2, 2 * x.Shape[2], x.Shape[0]]), even: true);
        OnMaps("flatten", (b, x) => b.Linear("fc", b.Flatten(x), 10));
        OnMaps("shuffle", (b, x) => b.Reshape(b.Permute(b.Reshape(x, [2, x.Shape[0] / 2, x.Shape[1], x.Shape[2]]), [1, 0, 2, 3]), x.Shape), minChannels: 20);
    }

    [TestMethod]
    public void Resizing()
    {
        foreach (ResizeMode mode in Enum.GetValues<ResizeMode>())
        {
            foreach ((int h, int w) in ((int, int)[])[(12, 11), (4, 3), (9, 7)])
            {
                OnMaps($"{mode} {h} {w}", (b, x) => b.Resize(x, h, w, mode));
                if (mode == ResizeMode.Nearest)
                    continue;
                OnMaps($"{mode} {h} {w}, corners", (b, x) => b.Resize(x, h, w, mode, alignCorners: true));
                OnMaps($"{mode} {h} {w}, antialias", (b, x) => b.Resize(x, h, w, mode, antialias: true));
            }
        }
    }

    /// <summary>What the plan says it has no kernel for, and nothing else, becomes a reference step, with the same result.</summary>
    [TestMethod]
    public void WhatHasNoKernelRunsOnTheReferenceKernels()
    {
        Dictionary<string, Func<GraphBuilder, Node, Node>> graphs = new()
        {
            ["weights from the input"] = (b, x) => b.Module("conv", new Conv2dOp(1, 0, 1), x, b.Reshape(x, [1, x.Shape[0], x.Shape[1], x.Shape[2]])),
            ["group norm of a vector"] = (b, x) => b.GroupNorm("norm", b.Flatten(x), 1),
            ["a mask for all keys"] = (b, x) => b.Attention(x, x, x, mask: b.Parameter("mask", [x.Shape[1], 1])),
            ["resizing a matrix"] = (b, x) => b.Resize(b.Flatten(x, 1), 5, 4, ResizeMode.Bilinear),
        };
        foreach ((string what, Func<GraphBuilder, Node, Node> build) in graphs)
        {
            var b = new GraphBuilder([3, 6, 5]);
            Graph graph = b.Build(build(b, b.Input));
            EngineComparison.Check(graph, 2, 1e-5, what: what);
            using var plan = (ManagedPlan)new ManagedEngine().Compile(graph, new RandomParameters(7), EngineOptions.Default);
            Assert.AreEqual(1, plan.Steps.ToArray().Count(s => s.Step is ReferenceStep), what);
        }
    }

    /// <summary>Splits of channels and experts: sums of slices, weighted or not, that nothing else reads.</summary>
    [TestMethod]
    public void SumsOfSlices()
    {
        OnMaps("sum of splits", (b, x) => b.Reduce(Splits(b, x), ReduceKind.Sum, [0]), minChannels: 20);
        OnMaps("mean of a sum of splits", (b, x) => b.Reduce(b.Reduce(Splits(b, x), ReduceKind.Sum, [0]), ReduceKind.Mean, [1, 2], true), minChannels: 20);
        OnMaps("mean of a mean, axes kept", (b, x) => b.Reduce(b.Reduce(Splits(b, x), ReduceKind.Mean, [0], true), ReduceKind.Mean, [-1, 2]), minChannels: 20);
        OnMaps("splits by their shares", (b, x) => b.Reduce(b.Multiply(Splits(b, x), b.Softmax(b.Reduce(Splits(b, x), ReduceKind.Mean, [2, 3], true), 0)), ReduceKind.Sum, [0]), minChannels: 20);
        OnMaps("splits by constants", (b, x) => b.Reduce(b.Multiply(b.Parameter("shares", [2, 1, 1, 1]), Splits(b, x)), ReduceKind.Mean, [0], true), minChannels: 20);
        OnMaps("two maps' product", (b, x) => b.Reduce(b.Multiply(x, b.Affine(x, 2, 1)), ReduceKind.Sum, [1, 2]), tolerance: 1e-5);
        OnMaps("a product that something else reads", (b, x) => b.Multiply(x, b.Affine(x, 0.5f)) is var y ? b.Add(y, b.Reduce(y, ReduceKind.Sum, [0], true)) : y);
        OnMaps("a sum beside another part", (b, x) => b.Concat(0, [b.Reduce(Splits(b, x), ReduceKind.Sum, [0]), b.Conv2d("conv1", x, 3, 1)]), minChannels: 20);
        OnMaps("a product of products", (b, x) => b.Reduce(b.Multiply(b.Parameter("a", [x.Shape[2]]), b.Reduce(x, ReduceKind.Mean, [0])), ReduceKind.Sum, [0, 1]), tolerance: 1e-5);

        static Node Splits(GraphBuilder b, Node x) => b.Reshape(x, [2, x.Shape[0] / 2, x.Shape[1], x.Shape[2]]);
    }

    /// <summary>An expanded value is a view with stride 0; whatever reads it has to know.</summary>
    [TestMethod]
    public void ExpandedValuesAreReadByEverything()
    {
        Dictionary<string, Func<GraphBuilder, Node, Node>> readers = new()
        {
            ["output"] = (_, x) => x,
            ["twice"] = (b, x) => b.Expand(b.Reshape(x, [1, .. x.Shape]), [2, .. x.Shape]),
            ["unary"] = (b, x) => b.Unary(x, UnaryKind.Silu, "silu"),
            ["binary"] = (b, x) => b.Add(x, b.Affine(x, 2)),
            ["pool"] = (b, x) => b.MaxPool2d("pool", x, 3, 1, 1),
            ["sum"] = (b, x) => b.Reduce(x, ReduceKind.Sum, [1]),
            ["maximum"] = (b, x) => b.Reduce(x, ReduceKind.Max, [0, 2]),
            ["product and sum"] = (b, x) => b.Reduce(b.Multiply(x, b.Parameter("p", [x.Shape[0], 1, 1])), ReduceKind.Sum, [0]),
            ["convolution"] = (b, x) => b.Conv2d("conv1", x, 5, 3, padding: 1),
            ["linear"] = (b, x) => b.Linear("fc", x, 6),
            ["residual"] = (b, x) => b.Add(b.Linear("fc", b.Input, x.Shape[2]), x),
            ["product"] = (b, x) => b.MatMul(x, b.Transpose(x, 1, 2)),
            ["attention"] = (b, x) => b.Attention(x, x, x),
            ["norm"] = (b, x) => b.LayerNorm("norm", b.Add(x, b.Input)),
            ["batch norm"] = (b, x) => b.BatchNorm("norm", x),
            ["softmax"] = (b, x) => b.Softmax(b.Multiply(x, b.Input), 0),
            ["roll"] = (b, x) => b.Roll(x, 1, 1),
            ["concat"] = (b, x) => b.Concat(0, [x, b.Input]),
            ["resize"] = (b, x) => b.Resize(x, 5, 4, ResizeMode.Bilinear),
            ["merged axes"] = (b, x) => b.Flatten(x, 1),
            ["split axes"] = (b, x) => b.Reshape(x, [2, x.Shape[0] / 2, x.Shape[1], x.Shape[2]]),
        };
        foreach ((string what, Func<GraphBuilder, Node, Node> read) in readers)
        {
            foreach (int[] axes in (int[][])[[1, 2], [0], [2], [0, 1, 2]])
            {
                foreach (bool onMap in (bool[])[false, true])
                {
                    var b = new GraphBuilder([20, 6, 7]);
                    Node x = onMap ? b.Conv2d("conv", b.Input, 20, 1) : b.Input;
                    Node expanded = b.Expand(b.Reduce(x, ReduceKind.Mean, axes, keepDims: true), x.Shape);
                    EngineComparison.Check(b.Build(read(b, expanded)), 2, 2e-5, what: $"{what} of values repeated along {string.Join(' ', axes)}");
                }
            }
        }
    }

    private static UnaryOp OperatorOf(UnaryKind kind) => kind switch
    {
        UnaryKind.Affine => new UnaryOp(kind, -1.5f, 0.25f),
        UnaryKind.Clamp => new UnaryOp(kind, -0.3f, 0.6f),
        _ => Activations.Of(kind),
    };

    private static Node Tokens(GraphBuilder b, Node x) => b.Transpose(b.Flatten(x, 1), 0, 1);

    /// <summary>Runs an operator on the graph's input (row-major) and on the result of a convolution (channels last).</summary>
    private static void OnMaps(string what, Func<GraphBuilder, Node, Node> build, double tolerance = EngineComparison.Tolerance, int minSize = 1, int minChannels = 1, bool even = false)
    {
        foreach (Shape shape in s_maps)
        {
            if (shape[1] < minSize || shape[0] < minChannels || (even && shape[1] % 2 != 0))
                continue;
            var plain = new GraphBuilder(shape);
            EngineComparison.Check(plain.Build(build(plain, plain.Input)), 2, tolerance, what: $"{what} of input {shape}");
            var map = new GraphBuilder(shape);
            EngineComparison.Check(map.Build(build(map, map.Conv2d("conv", map.Input, shape[0], 1, bias: true))), 2, tolerance, what: $"{what} of map {shape}");
        }
    }
}
