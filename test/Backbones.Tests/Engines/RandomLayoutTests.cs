using Backbones.Graphs;

namespace Backbones.Tests.Engines;

/// <summary>
/// Permutations, reshapes, slices and concatenations between what computes: most are views of the memory of others, whose axes then lie in any order. The same values as the reference engine's, and the same bits
/// for any number of threads and at any place in a batch.
/// </summary>
[TestClass]
public sealed class RandomLayoutTests
{
    private const int Graphs = 150;

    /// <summary>Relative to the values, or to 0.01 where they cancel: up to eight steps, each of which adds its own rounding.</summary>
    private const double Tolerance = 5e-5;

    [TestMethod]
    public void RandomLayoutsMatchReferenceAndThemselves()
        => RandomGraphs.MatchReferenceAndThemselves(Graphs, Make, Error, Tolerance);

    private static double Error(float[] expected, float[] actual)
    {
        double difference = expected.Zip(actual, (e, a) => ((double)e - a) * ((double)e - a)).Sum(), norm = expected.Sum(e => (double)e * e);
        return double.IsFinite(difference) ? Math.Sqrt(difference / Math.Max(norm, 1e-4 * expected.Length)) : double.PositiveInfinity;
    }

    private static (Graph Graph, string What) Make(Random random)
    {
        int rank = random.Next(1, 5);
        int Size() => random.Next(4) == 0 ? 1 : random.Next(3) == 0 ? random.Next(1, 40) : random.Next(1, 9);
        var b = new GraphBuilder(Shape.Create([.. Enumerable.Range(0, rank).Select(_ => Size())]));
        Node x = b.Input;
        var outputs = new List<Node>();
        var seen = new List<Node> { x };
        string what = $"{x.Shape}";
        for (int i = random.Next(2, 9); i > 0; i--)
        {
            (Node next, string op) = Step(b, i, x, seen, random);
            if (next.Shape.Length is 0 or > 40000)
                continue;
            x = next;
            what += $" → {op} {x.Shape}";
            seen.Add(x);
            if (random.Next(8) == 0)
                outputs.Add(x);
            if (random.Next(10) == 0)
                x = seen[random.Next(seen.Count)];
        }
        return (b.Build(outputs.Append(seen[^1]).Distinct()), what);
    }

    private static (Node, string) Step(GraphBuilder b, int i, Node x, List<Node> seen, Random random)
    {
        int rank = x.Shape.Rank, axis = random.Next(rank);
        switch (random.Next(20))
        {
            case 0 or 1 or 2:
                int[] axes = [.. Enumerable.Range(0, rank)];
                random.Shuffle(axes);
                return (b.Permute(x, axes), $"permute {string.Join(' ', axes)}");
            case 3 or 4 or 5:
                List<int> dims = [];
                int left = (int)x.Shape.Length;
                while (left > 1 && dims.Count < 4)
                {
                    int[] divisors = [.. Enumerable.Range(1, left).Where(d => left % d == 0)];
                    int d = dims.Count == 3 ? left : divisors[random.Next(divisors.Length)];
                    dims.Add(d);
                    left /= d;
                }
                if (left > 1 || dims.Count == 0)
                    dims.Add(left);
                return (b.Reshape(x, Shape.Create([.. dims])), "reshape");
            case 6:
                int step = random.Next(1, 4), start = random.Next(x.Shape[axis]), most = (x.Shape[axis] - start + step - 1) / step;
                return (b.Slice(x, axis, start, random.Next(1, most + 1), step), $"slice {axis} {start} by {step}");
            case 7:
                Node[] others = [.. seen.Where(n => n.Shape.Rank == rank && Enumerable.Range(0, rank).All(a => a == axis || n.Shape[a] == x.Shape[a]))];
                return (b.Concat(axis, [x, others[random.Next(others.Length)], x]), $"concat {axis}");
            case 8:
                return (b.Roll(x, axis, random.Next(-3, 4)), $"roll {axis}");
            case 9:
                return (b.Softmax(x, axis), $"softmax {axis}");
            case 10:
                return (b.LayerNorm($"ln{i}", x, 0.1f, axis), $"layernorm {axis}");
            case 11:
                return (b.RmsNorm($"rms{i}", x, 0.1f, axis), $"rmsnorm {axis}");
            case 12:
                return (b.Linear($"fc{i}", x, random.Next(1, 50)), "linear");
            case 13:
                int[] reduced = [.. Enumerable.Range(0, rank).Where(_ => random.Next(2) == 0)];
                bool keep = reduced.Length == rank || random.Next(2) == 0;
                return reduced.Length == 0 ? (x, "") : (b.Reduce(x, random.Next(2) == 0 ? ReduceKind.Mean : ReduceKind.Max, reduced, keep), $"reduce {string.Join(' ', reduced)}");
            case 14 when rank >= 2:
                Node y = seen[random.Next(seen.Count)];
                bool ta = random.Next(2) == 0, tb = random.Next(2) == 0;
                int k = ta ? x.Shape[rank - 2] : x.Shape[rank - 1];
                Node right = y.Shape.Rank == rank && (tb ? y.Shape[rank - 1] : y.Shape[rank - 2]) == k && Enumerable.Range(0, rank - 2).All(a => y.Shape[a] == x.Shape[a]) ? y : x;
                if (right == x)
                    tb = !ta;
                return (b.MatMul(x, right, ta, tb), $"matmul {ta} {tb}");
            case 15:
                Node[] same = [.. seen.Where(n => n.Shape.Rank == rank && Enumerable.Range(0, rank).All(a => n.Shape[a] == x.Shape[a] || n.Shape[a] == 1))];
                Node other = random.Next(2) == 0 ? same[random.Next(same.Length)] : b.Parameter($"p{i}", Shape.Create([.. Enumerable.Range(0, rank).Select(a => random.Next(2) == 0 ? 1 : x.Shape[a])]));
                return random.Next(2) == 0 ? (b.Add(other, x), "add") : (b.Multiply(x, other), "mul");
            case 16:
                return (b.Unary(x, UnaryKind.Gelu, "gelu"), "gelu");
            case 17 when rank == 3:
                return (b.BatchNorm($"bn{i}", x), "bn");
            case 18 when rank == 3:
                return (b.Conv2d($"conv{i}", x, random.Next(1, 40), random.Next(2) == 0 ? 1 : 3, random.Next(1, 3), 1, bias: true), "conv");
            case 19 when rank == 3:
                return (b.MaxPool2d($"pool{i}", x, 3, random.Next(1, 3), 1), "pool");
            default:
                int[] indices = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(x.Shape[axis]))];
                return (b.Gather(x, axis, indices), $"gather {axis}");
        }
    }
}
