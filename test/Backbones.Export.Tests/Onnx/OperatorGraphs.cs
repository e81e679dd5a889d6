using Backbones.Graphs;

namespace Backbones.Tests.Onnx;

/// <summary>Small graphs, between them every operator in every form that it can take.</summary>
internal static class OperatorGraphs
{
    private static readonly Shape s_map = [6, 9, 11];

    public static IEnumerable<(string Name, Graph Graph)> All =>
    [
        .. Convolutions(), .. Elementwise(), .. Layout(), .. Matrix(), .. Normalization(), .. Pooling(), .. Resizing(),
    ];

    private static IEnumerable<(string, Graph)> Convolutions()
    {
        yield return Make("conv2d", s_map, b => b.Conv2d("conv", b.Input, 8, (3, 5), (2, 1), new Padding(1, 2, 0, 3), (1, 2), bias: true));
        yield return Make("conv2d grouped", s_map, b => b.Conv2d("conv", b.Input, 12, 3, padding: 1, groups: 3));
        yield return Make("conv2d with residual and activation", s_map, b =>
        {
            Node weight = b.Parameter("weight", [6, 6, 3, 3]);
            return b.Module("conv", new Conv2dOp(1, 1, 1, Epilogue: new Epilogue(true, new UnaryOp(UnaryKind.Silu))), b.Input, weight, b.Input);
        });
        yield return Make("standardised weight", s_map, b =>
        {
            Node weight = b.Parameter("weight", [4, 6, 1, 1]);
            Node mean = b.Reduce(weight, ReduceKind.Mean, [1, 2, 3], keepDims: true);
            return b.Conv2d("conv", b.Input, b.Subtract(weight, mean), null, 1, 0, 1);
        });
        yield return Make("linear on a vector", [7], b => b.Linear("fc", b.Input, 5));
        yield return Make("linear on a vector without bias", [7], b => b.Linear("fc", b.Input, 5, bias: false));
        yield return Make("linear on tokens", [4, 7], b => b.Linear("fc", b.Input, 5));
        yield return Make("linear on tokens, one weight twice", [4, 7], b =>
        {
            Node weight = b.Parameter("weight", [7, 7]);
            return b.Module("second", new LinearOp(false), b.Module("first", new LinearOp(false), b.Input, weight), weight);
        });
        yield return Make("linear with residual and activation", [4, 7], b =>
        {
            (Node weight, Node bias) = (b.Parameter("weight", [7, 7]), b.Parameter("bias", [7]));
            return b.Module("fc", new LinearOp(true, new Epilogue(true, new UnaryOp(UnaryKind.Gelu))), b.Input, weight, bias, b.Input);
        });
    }

    private static IEnumerable<(string, Graph)> Elementwise()
    {
        foreach (UnaryKind kind in Enum.GetValues<UnaryKind>())
        {
            UnaryOp op = kind switch
            {
                UnaryKind.Affine => new UnaryOp(kind, 1.5f, -0.25f),
                UnaryKind.Clamp => new UnaryOp(kind, -1.25f, 2.5f),
                _ => Activations.Of(kind),
            };
            bool positive = kind is UnaryKind.Log or UnaryKind.Sqrt or UnaryKind.Rsqrt or UnaryKind.Reciprocal;
            yield return Make($"{kind}", [5, 40], b => b.Act("act", positive ? b.Unary(b.Input, UnaryKind.Exp, "exp") : b.Affine(b.Input, 8), op));
        }
        yield return Make("affine that changes nothing", [5], b => b.Affine(b.Affine(b.Input, 2), 1));
        foreach (BinaryKind kind in Enum.GetValues<BinaryKind>())
        {
            var op = new BinaryOp(kind);
            yield return Make($"{kind} of maps", [3, 4, 5], b => b.Function("f", op, b.Input, b.Unary(b.Input, UnaryKind.Exp, "exp")));
            yield return Make($"{kind} of a map and a parameter", [3, 4, 5], b => b.Function("f", op, b.Input, b.Unary(b.Parameter("p", [3, 1, 1]), UnaryKind.Exp, "exp")));
            yield return Make($"{kind} of a parameter and a map", [3, 4, 5], b => b.Function("f", op, b.Parameter("p", [5]), b.Unary(b.Input, UnaryKind.Exp, "exp")));
            yield return Make($"{kind} of a vector and a larger map", [3, 4, 5], b => b.Function("f", op, b.Reduce(b.Input, ReduceKind.Mean, [0, 1]), b.Unary(b.Input, UnaryKind.Exp, "exp")));
        }
        yield return Make("a vector and a larger parameter", [5], b => b.Multiply(b.Input, b.Parameter("p", [3, 2, 5])));
        yield return Make("prelu", [3, 4, 5], b => b.Module("act", new PReluOp(), b.Input, b.Parameter("weight", [3])));
        yield return Make("prelu with one slope", [3, 4, 5], b => b.Module("act", new PReluOp(), b.Input, b.Parameter("weight", [1])));
    }

    private static IEnumerable<(string, Graph)> Layout()
    {
        yield return Make("identity", [3], b => b.Identity("drop", b.Input));
        yield return Make("reshape", [6, 4], b => b.Reshape(b.Input, [2, 3, 2, 2]));
        yield return Make("permute", [3, 4, 5], b => b.Permute(b.Input, [2, 0, 1]));
        yield return Make("concat", [3, 4], b => b.Concat(-1, [b.Input, b.Affine(b.Input, 2)]));
        yield return Make("class token", [3, 4], b => b.Concat(0, [b.Parameter("cls_token", [1, 4]), b.Input, b.Parameter("reg_token", [2, 4])]));
        yield return Make("slice", [7, 8], b => b.Slice(b.Input, 0, 1, 4));
        yield return Make("slice with step", [7, 8], b => b.Slice(b.Input, -1, 1, 3, 3));
        foreach (PadMode mode in Enum.GetValues<PadMode>())
            yield return Make($"pad {mode}", [2, 5, 6], b => b.Pad2d(b.Input, new Padding(1, 2, 3, 4), mode, 0.5f));
        yield return Make("pad without channels", [5, 6], b => b.Pad2d(b.Input, 2));
        yield return Make("roll", [5, 6, 2], b => b.Roll(b.Roll(b.Input, 0, 2), 1, -1));
        yield return Make("roll by the whole axis", [5, 6], b => b.Roll(b.Affine(b.Input, 2), 0, 5));
        yield return Make("gather", [5, 6], b => b.Gather(b.Input, 1, [5, 0, 0, 3]));
        yield return Make("expand", [1, 3], b => b.Expand(b.Input, [2, 4, 3]));
        // At the root it has the parameter's own name.
        yield return Make("reading of a parameter", [2, 3], b => b.ListedRead(b.Parameter("token", [2, 3])));
        yield return Make("arithmetic over a parameter", [2, 3], b => b.Add(b.Input, b.Listed("mul", b.Affine(b.ListedRead(b.Parameter("token", [2, 3])), 2))));
    }

    private static IEnumerable<(string, Graph)> Matrix()
    {
        foreach ((bool a, bool t) in ((bool, bool)[])[(false, false), (true, false), (false, true), (true, true)])
        {
            yield return Make($"matmul {a} {t}", [2, 4, 4], b => b.MatMul(b.Input, b.Affine(b.Input, 0.5f), a, t));
            yield return Make($"matmul with a parameter {a} {t}", [2, 4, 4], b => b.MatMul(b.Input, b.Parameter("p", [4, 4]), a, t));
            yield return Make($"matmul of a larger parameter {a} {t}", [4, 4], b => b.MatMul(b.Parameter("p", [3, 4, 4]), b.Input, a, t));
            yield return Make($"matmul of two ranks {a} {t}", [2, 4, 4], b => b.MatMul(b.Reduce(b.Input, ReduceKind.Sum, [0]), b.Input, a, t));
        }
        yield return Make("softmax over the last", [3, 5], b => b.Softmax(b.Input, -1));
        yield return Make("softmax over the first", [3, 5], b => b.Softmax(b.Input, 0));
        yield return Make("attention", [2, 5, 8], b => b.Attention(b.Input, b.Affine(b.Input, 2), b.Affine(b.Input, 3, 1)));
        yield return Make("attention with mask", [2, 5, 8], b => b.Attention(b.Input, b.Affine(b.Input, 2), b.Input, 0.3f, b.Parameter("mask", [5, 5])));
        yield return Make("attention with a mask of the input", [2, 5, 8], b => b.Attention(b.Input, b.Input, b.Input, 0.3f, b.Reduce(b.Slice(b.Input, 2, 0, 5), ReduceKind.Mean, [0])));
        yield return Make("lstm", [3, 4, 5], b => b.Lstm("rnn", b.Input, 6));
        yield return Make("lstm of one sequence", [4, 5], b => b.Lstm("rnn", b.Input, 3));
        yield return Make("attention of a parameter", [2, 5, 8], b => b.Attention(b.Parameter("latent", [2, 1, 8]), b.Input, b.Input));
    }

    private static IEnumerable<(string, Graph)> Normalization()
    {
        yield return Make("batch norm", [4, 3, 5], b => b.BatchNorm("bn", b.Input, 1e-3f));
        yield return Make("batch norm on a vector", [4], b => b.BatchNorm("bn", b.Input, affine: false));
        yield return Make("batch norm on tokens", [3, 4], b => b.BatchNorm("bn", b.Input, axis: -1));
        yield return Make("batch norm on the middle axis", [3, 4, 5], b => b.BatchNorm("bn", b.Input, axis: 1));
        foreach (int axis in (int[])[-1, 0, 1])
        {
            yield return Make($"layer norm over {axis}", [3, 4, 5], b => b.LayerNorm("norm", b.Input, axis: axis));
            yield return Make($"layer norm without scales over {axis}", [3, 4, 5], b => b.LayerNorm("norm", b.Input, axis: axis, affine: false));
            yield return Make($"rms norm over {axis}", [3, 4, 5], b => b.RmsNorm("norm", b.Input, axis: axis));
            yield return Make($"simple norm over {axis}", [3, 4, 5], b => b.RmsNorm("norm", b.Input, axis: axis, centered: true, affine: axis == 0));
        }
        yield return Make("group norm", [6, 4, 5], b => b.GroupNorm("norm", b.Input, 3));
        yield return Make("group norm of a vector", [6], b => b.GroupNorm("norm", b.Input, 2));
        yield return Make("one group", [6, 4, 5], b => b.GroupNorm("norm", b.Input, 1));
    }

    private static IEnumerable<(string, Graph)> Pooling()
    {
        foreach (bool ceil in (bool[])[false, true])
        {
            yield return Make($"max pool, ceil {ceil}", s_map, b => b.MaxPool2d("pool", b.Input, 3, 2, 1, ceilMode: ceil));
            yield return Make($"max pool, ceil {ceil}, whose last window is outside", [2, 5, 5], b => b.MaxPool2d("pool", b.Input, 2, 3, 1, ceilMode: ceil));
            yield return Make($"dilated max pool, ceil {ceil}", s_map, b => b.MaxPool2d("pool", b.Input, 3, 2, 0, 2, ceilMode: ceil));
            foreach (bool include in (bool[])[false, true])
            {
                yield return Make($"average pool, ceil {ceil}, padding counts {include}", s_map, b => b.AvgPool2d("pool", b.Input, 3, 2, 1, ceil, include));
                yield return Make($"average pool, ceil {ceil}, padding counts {include}, even", [2, 8, 7], b => b.AvgPool2d("pool", b.Input, 2, 2, 0, ceil, include));
                yield return Make($"average pool, ceil {ceil}, padding counts {include}, last window outside", [2, 5, 5], b => b.AvgPool2d("pool", b.Input, 2, 3, 1, ceil, include));
                yield return Make($"average pool, ceil {ceil}, padding counts {include}, uneven padding", [2, 7, 8], b => b.AvgPool2d("pool", b.Input, 3, 2, new Padding(0, 1, 1, 0), ceil, include));
            }
        }
        yield return Make("padding as wide as the kernel", [2, 6, 6], b => b.MaxPool2d("pool", b.Input, 2, 1, 2, 3));
        // What ONNX Runtime's fusions make of a border of zeros before a pool.
        yield return Make("max pool over a border of zeros", [2, 6, 6], b => b.MaxPool2d("pool", b.Pad2d(b.Affine(b.Input, 1, -2), 1), 3, 2));
        yield return Make("average pool over a border of zeros", [2, 6, 6], b => b.AvgPool2d("pool", b.Pad2d(b.Affine(b.Input, 1, -2), 1), 3, 2, countIncludePad: false));
        yield return Make("average pool with padding over a border of zeros", [2, 6, 6], b => b.AvgPool2d("pool", b.Pad2d(b.Affine(b.Input, 1, -2), 1), 3, 2, 1, countIncludePad: false));
        yield return Make("convolution over a border of zeros", [2, 6, 6], b => b.Conv2d("conv", b.Pad2d(b.Affine(b.Input, 1, -2), 1), 3, 3));
        yield return Make("global pool", s_map, b => b.Module("pool", new AdaptiveAvgPool2dOp(1, 1), b.Input));
        yield return Make("adaptive pool that divides", [2, 8, 6], b => b.Module("pool", new AdaptiveAvgPool2dOp(4, 3), b.Input));
        yield return Make("adaptive pool that does not divide", [2, 8, 7], b => b.Module("pool", new AdaptiveAvgPool2dOp(3, 5), b.Input));
        foreach (ReduceKind kind in Enum.GetValues<ReduceKind>())
        {
            yield return Make($"{kind} over the map", [3, 4, 5], b => b.Reduce(b.Input, kind, [1, 2]));
            yield return Make($"{kind} over the last, kept", [3, 4, 5], b => b.Reduce(b.Input, kind, [-1], keepDims: true));
        }
    }

    private static IEnumerable<(string, Graph)> Resizing()
    {
        (int H, int W)[] sizes = [(11, 20), (4, 5), (1, 3)];
        foreach ((int h, int w) in sizes)
        {
            foreach (ResizeMode mode in Enum.GetValues<ResizeMode>())
                yield return Make($"resize {mode} to {h}×{w}", [2, 7, 9], b => b.Resize(b.Input, h, w, mode));
            foreach (ResizeMode mode in (ResizeMode[])[ResizeMode.Bilinear, ResizeMode.Bicubic])
            {
                yield return Make($"resize {mode} to {h}×{w}, corners aligned", [2, 7, 9], b => b.Resize(b.Input, h, w, mode, alignCorners: true));
                yield return Make($"resize {mode} to {h}×{w}, antialiased", [2, 7, 9], b => b.Resize(b.Input, h, w, mode, antialias: true));
            }
        }
        yield return Make("resize without channels", [7, 9], b => b.Resize(b.Input, 10, 11, ResizeMode.Bilinear));
        yield return Make("resize of groups", [2, 3, 7, 9], b => b.Resize(b.Input, 10, 11, ResizeMode.Bicubic));
        yield return Make("resampled position embedding", [36, 4], b =>
        {
            Node grid = b.Reshape(b.Parameter("pos_embed", [16, 4]), [4, 4, 4]);
            Node resampled = b.Permute(b.Resize(b.Permute(grid, [2, 0, 1]), 6, 6, ResizeMode.Bicubic, antialias: true), [1, 2, 0]);
            return b.Add(b.Input, b.Reshape(resampled, [36, 4]));
        });
    }

    private static (string, Graph) Make(string name, Shape input, Func<GraphBuilder, Node> build)
    {
        var b = new GraphBuilder(input);
        return (name, b.Build(build(b)));
    }
}
