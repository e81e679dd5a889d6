using Backbones.Graphs;

namespace Backbones.Tests.Torch.Kernels;

[TestClass]
public sealed class ElementwiseTests
{
    public static IEnumerable<object[]> Kinds => Enum.GetValues<UnaryKind>().Select(k => new object[] { k });

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void UnaryFunctionsMatchReference(UnaryKind kind)
    {
        var b = new GraphBuilder([4, 5]);
        // Positive where the function needs it; the first result is an output and must survive the second, which may write in place.
        Node x = kind is UnaryKind.Log or UnaryKind.Sqrt or UnaryKind.Rsqrt or UnaryKind.Reciprocal ? b.Affine(b.Unary(b.Input, UnaryKind.Square, "square"), 1, 0.5f) : b.Affine(b.Input, 3);
        var op = kind switch
        {
            UnaryKind.Affine => new UnaryOp(kind, -2, 0.75f),
            UnaryKind.Clamp => new UnaryOp(kind, -0.5f, 1.5f),
            _ => Activations.Of(kind),
        };
        Node y = b.Act("act", x, op);
        TorchComparison.Check(b.Build(y));
        TorchComparison.Check(b.Build(y, x));
    }

    [TestMethod]
    [DataRow(1f, 2f)]
    [DataRow(3f, 0f)]
    [DataRow(1f, 0f)]
    public void AffineShortForms(float scale, float shift)
    {
        var b = new GraphBuilder([6]);
        Node x = b.Affine(b.Input, 2, 1);
        TorchComparison.Check(b.Build(b.Affine(x, scale, shift)));
    }

    [TestMethod]
    [DataRow(BinaryKind.Add)]
    [DataRow(BinaryKind.Subtract)]
    [DataRow(BinaryKind.Multiply)]
    [DataRow(BinaryKind.Divide)]
    [DataRow(BinaryKind.Max)]
    [DataRow(BinaryKind.Min)]
    public void BinaryFunctionsBroadcast(BinaryKind kind)
    {
        var op = new BinaryOp(kind);
        var b = new GraphBuilder([3, 4, 5]);
        Node scaled = b.Affine(b.Input, 2, 9), row = b.Slice(scaled, 1, 0, 1);
        Node vector = b.Reshape(b.Slice(b.Slice(scaled, 0, 1, 1), 1, 1, 1), [5]);
        Node weight = b.Constant([4, 1], [1, 2, 3, 4]);
        Node same = b.Function("same", op, b.Affine(scaled, -1, 30), scaled);
        Node rows = b.Function("rows", op, row, b.Affine(scaled, 1, 1));
        Node ranks = b.Function("ranks", op, vector, same);
        Node weights = b.Function("weights", op, b.Affine(rows, 1, 5), weight);
        Node left = b.Function("left", op, weight, ranks);
        TorchComparison.Check(b.Build(weights, left), what: $"{kind}");
    }

    [TestMethod]
    public void ViewsAreNotWrittenOver()
    {
        var b = new GraphBuilder([2, 6]);
        Node x = b.Affine(b.Input, 2);
        Node view = b.Reshape(x, [3, 4]);
        Node part = b.Slice(view, 0, 1, 1);
        Node activated = b.Unary(part, UnaryKind.Relu, "relu");
        Node wide = b.Unary(b.Expand(b.Affine(b.Slice(x, 0, 0, 1), 3), [4, 6]), UnaryKind.Sigmoid, "sigmoid");
        Node input = b.Unary(b.Permute(b.Input, [1, 0]), UnaryKind.Relu, "relu");
        TorchComparison.Check(b.Build(b.Add(activated, view), wide, input));
    }

    [TestMethod]
    public void TheCallersInputIsNotWrittenOver()
    {
        var b = new GraphBuilder([8]);
        Graph graph = b.Build(b.Unary(b.Input, UnaryKind.Relu, "relu"));
        float[][] inputs = TorchComparison.Inputs(graph, 3);
        float[] before = [.. inputs[0]];
        TorchComparison.Run(TorchComparison.Engine(), graph, 3, inputs);
        CollectionAssert.AreEqual(before, inputs[0]);
    }

    [TestMethod]
    public void PReluBySingleSlopeAndByChannel()
    {
        foreach (int slopes in (int[])[1, 3])
        {
            var b = new GraphBuilder([3, 4, 4]);
            Node slope = b.Parameter("weight", [slopes]);
            TorchComparison.Check(b.Build(b.Module("act", new PReluOp(), b.Input, slope)));
        }
    }
}
