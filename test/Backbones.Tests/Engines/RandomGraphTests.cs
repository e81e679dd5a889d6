using Backbones.Graphs;

namespace Backbones.Tests.Engines;

/// <summary>
/// Convolutions of any kind with activations, numbers, residuals and concatenations behind them, one after another: what steps take in of their neighbours meets in ways that nobody wrote down. The same values as
/// the reference engine's, and the same bits for any number of threads and at any place in a batch.
/// </summary>
[TestClass]
public sealed class RandomGraphTests
{
    private const int Graphs = 60;

    /// <summary>Up to five convolutions, each of which adds its own rounding.</summary>
    private const double Tolerance = 5e-6;

    [TestMethod]
    public void RandomGraphsMatchReferenceAndThemselves()
        => RandomGraphs.MatchReferenceAndThemselves(Graphs, Make, EngineComparison.RelativeError, Tolerance);

    private static (Graph Graph, string What) Make(Random random)
    {
        int size = random.Next(4) == 0 ? 4 : 24;
        var b = new GraphBuilder([random.Next(1, 71), random.Next(1, size), random.Next(1, size)]);
        Node x = b.Input;
        var outputs = new List<Node>();
        string what = $"{x.Shape}";
        for (int layer = random.Next(1, 5); layer > 0; layer--)
        {
            if (random.Next(4) == 0)
                x = Activate(b, $"act{layer}a", b.Conv2d($"wide{layer}", x, random.Next(1, 100), 1, bias: true), random);
            Node before = x;
            (x, string conv) = Convolve(b, $"conv{layer}", x, random);
            what += $" → {conv}";
            if (random.Next(4) == 0)
                x = b.BatchNorm($"bn{layer}", x);
            if (random.Next(4) == 0 && before.Shape == x.Shape)
                x = b.Add(x, before);
            x = Activate(b, $"act{layer}b", x, random);
            if (random.Next(4) == 0)
                x = b.BatchNorm($"bn{layer}b", x);
            if (random.Next(4) == 0 && before.Shape == x.Shape)
                x = b.Add(before, x);
            for (int i = random.Next(4); i > 0; i--)
            {
                Node number = b.Parameter($"number{layer}_{i}", random.Next(4) == 0 ? [x.Shape[0], 1, 1] : [1]);
                x = random.Next(2) == 0 ? b.Multiply(x, number) : b.Add(number, x);
                if (random.Next(12) == 0)
                    outputs.Add(x);
            }
            if (random.Next(6) == 0)
            {
                Node gates = b.Unary(b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true), UnaryKind.Sigmoid, "sigmoid");
                x = b.Conv2d($"project{layer}", random.Next(2) == 0 ? b.Multiply(x, gates) : b.Multiply(gates, x), random.Next(1, 140), 1);
            }
            if (random.Next(6) == 0 && before.Shape.Dimensions[1..].SequenceEqual(x.Shape.Dimensions[1..]))
                x = b.Concat(0, [before, x]);
        }
        return (b.Build(outputs.Append(x).Distinct()), what);
    }

    private static (Node Result, string What) Convolve(GraphBuilder b, string name, Node x, Random random)
    {
        int channels = x.Shape[0], height = x.Shape[1], width = x.Shape[2];
        int[] divisors = [.. Enumerable.Range(1, channels).Where(d => channels % d == 0)];
        int groups = random.Next(5) switch { 0 => 1, 1 => channels, _ => divisors[random.Next(divisors.Length)] };
        int outChannels = random.Next(3) == 0 ? groups * Math.Max(1, random.Next(1, 71) / groups) : channels;
        Size2 kernel = random.Next(4) switch { 0 => 1, 1 => new Size2(random.Next(1, 6), random.Next(1, 6)), _ => 3 };
        Size2 stride = random.Next(2) == 0 ? 1 : new Size2(random.Next(1, 4), random.Next(1, 4)), dilation = random.Next(5) == 0 ? new Size2(random.Next(1, 4), random.Next(1, 4)) : 1;
        int spanH = (kernel.H - 1) * dilation.H, spanW = (kernel.W - 1) * dilation.W;
        // At least as much as makes one output.
        var padding = random.Next(2) == 0 ? new Padding(spanH / 2, spanW / 2, spanH - spanH / 2, spanW - spanW / 2)
            : new Padding(Math.Max(0, spanH + 1 - height) + random.Next(3), Math.Max(0, spanW + 1 - width) + random.Next(3), random.Next(3), random.Next(3));
        return (b.Conv2d(name, x, outChannels, kernel, stride, padding, dilation, groups, random.Next(2) == 0), $"{outChannels} by {kernel}, {stride}, {padding}, {dilation}, {groups} groups");
    }

    private static Node Activate(GraphBuilder b, string name, Node x, Random random) => random.Next(7) switch
    {
        0 or 1 => b.Act(name, x, UnaryKind.Relu),
        2 => b.Act(name, x, UnaryKind.Relu6),
        3 => b.Function(name, new UnaryOp(UnaryKind.Clamp, -random.NextSingle(), random.NextSingle()), x),
        4 => b.Act(name, x, UnaryKind.HardSwish),
        5 => b.Act(name, x, UnaryKind.Gelu),
        _ => x,
    };
}
