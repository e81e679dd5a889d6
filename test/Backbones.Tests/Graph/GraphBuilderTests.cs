using Backbones.Graphs;

namespace Backbones.Tests.Graphs;

[TestClass]
public class GraphBuilderTests
{
    [TestMethod]
    public void ModulesAndFunctionsUsedAgainGetNumbers()
    {
        var b = new GraphBuilder([4, 8, 8]);
        using (b.Scope("layer1.0"))
        {
            Node x = b.Act("relu", b.Input, UnaryKind.Relu);
            x = b.Act("relu", x, UnaryKind.Relu);
            x = b.Add(x, b.Input);
            x = b.Act("relu", b.Add(x, b.Input), UnaryKind.Relu);
            Graph graph = b.Build(x);
            CollectionAssert.AreEqual(new[] { "x", "layer1.0.relu", "layer1.0.relu_1", "layer1.0.add", "layer1.0.add_1", "layer1.0.relu_2" }, graph.NodeNames.ToArray());
        }
    }

    [TestMethod]
    public void StateDictOrderIsThatOfRegistration()
    {
        var b = new GraphBuilder([4, 8, 8]);
        b.Declare("late", "early");
        Node x = b.BatchNorm("early", b.Input);
        x = b.Conv2d("late", x, 4, 1, bias: true);
        b.Parameter("gamma", [4]);
        string[] keys = [.. b.Build(x).Parameters.Select(p => p.Name)];
        CollectionAssert.AreEqual(new[] { "gamma", "late.weight", "late.bias", "early.weight", "early.bias", "early.running_mean", "early.running_var", "early.num_batches_tracked" }, keys);
    }

    [TestMethod]
    public void ATruncatedNameIsTheLastNodeBelow()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node x = b.Input;
        using (b.Scope("layer1"))
        {
            x = b.Conv2d("0", x, 4, 1);
            x = b.Act("1", x, UnaryKind.Relu);
        }
        using (b.Scope("layer10"))
            x = b.Act("0", x, UnaryKind.Relu);
        Graph graph = b.Build(x);
        Assert.AreEqual("layer1.1", graph.Find("layer1").Name);
        Assert.AreEqual("layer1.0", graph.Find("layer1.0").Name);
    }

    [TestMethod]
    public void AnUnknownNodeNamesTheNearest()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Graph graph;
        using (b.Scope("layer4.2"))
            graph = b.Build(b.Act("relu", b.Input, UnaryKind.Relu));
        string message = Assert.ThrowsExactly<GraphException>(() => graph.Find("layer4.2.rlu")).Message;
        StringAssert.Contains(message, "'layer4.2.rlu'");
        StringAssert.Contains(message, "Did you mean 'layer4.2.relu'");
    }

    // FX lists the reading of a parameter and arithmetic over it: the same for each image.
    [TestMethod]
    public void ValuesOfParametersAreListedWhereAskedFor()
    {
        var b = new GraphBuilder([2]);
        Node token = b.Parameter("token", [2]);
        b.ListedRead(token);
        Node x = b.Multiply(b.Input, token), scale;
        using (b.Scope("block"))
        {
            scale = b.Parameter("scale", [2]);
            b.ListedRead(scale);
            x = b.Multiply(x, b.Listed("mul", b.Affine(scale, 2)));
            b.Leaf("leaf", () => b.Add(x, b.Listed("hidden", scale)));
        }
        Graph graph = b.Build(x);
        CollectionAssert.AreEqual(new[] { "x", "token", "mul", "block.block_scale", "block.mul", "block.mul_1", "block.leaf" }, graph.NodeNames.ToArray());
        CollectionAssert.AreEqual(new[] { "token", "block.scale" }, graph.Parameters.Select(p => p.Name).ToArray());

        Graph chosen = graph.WithOutputs(graph.Find("block.mul"), graph.Find("token"));
        float[][] values = TestGraphs.Run(chosen, batch: 2);
        CollectionAssert.AreEqual(values[0][..2], values[0][2..]);
        CollectionAssert.AreEqual(TestGraphs.Run(chosen, batch: 1)[1], values[1][2..]);
    }

    [TestMethod]
    public void ALeafHidesItsInsidesAndKeepsItsKeys()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node x = b.Leaf("norm", () => b.Act("act", b.BatchNorm("bn", b.Input), UnaryKind.Relu));
        Graph graph = b.Build(x);
        CollectionAssert.AreEqual(new[] { "x", "norm" }, graph.NodeNames.ToArray());
        Assert.AreEqual("norm.bn.weight", graph.Parameters[0].Name);
        Assert.AreSame(x, graph.Find("norm"));
    }

    [TestMethod]
    public void ShapesThatDoNotFitNameTheNodeAndTheShapes()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Node small = b.AvgPool2d("pool", b.Input, 2);
        string message = Assert.ThrowsExactly<GraphException>(() => b.Add(b.Input, small)).Message;
        StringAssert.Contains(message, "'add'");
        StringAssert.Contains(message, "[4, 8, 8]");
        StringAssert.Contains(message, "[4, 4, 4]");
    }

    /// <summary>Kernels read and write without looking again, and graphs may come from files: what does not fit 32 bits, or is nothing, must end here.</summary>
    [TestMethod]
    public void NumbersThatNoKernelIsMadeForAreRefused()
    {
        const int max = int.MaxValue;
        Func<GraphBuilder, Node>[] wrong =
        [
            b => b.Slice(b.Input, 1, 1, max, 2), b => b.Slice(b.Input, 1, max, max), b => b.Slice(b.Input, 1, 2, 3, max), b => b.Slice(b.Input, 1, 0, 0),
            b => b.MaxPool2d("pool", b.Input, 1_000_000, dilation: max), b => b.MaxPool2d("pool", b.Input, (8, 1), (17, 5), new Padding(5, 2, 8, 3), (1, max), ceilMode: true),
            b => b.MaxPool2d("pool", b.Input, 3, padding: 3), b => b.MaxPool2d("pool", b.Input, 3, padding: max), b => b.MaxPool2d("pool", b.Input, 0), b => b.MaxPool2d("pool", b.Input, 2, stride: 0),
            b => b.AvgPool2d("pool", b.Input, 3, padding: -1), b => b.AvgPool2d("pool", b.Input, max, max), b => b.AvgPool2d("pool", b.Input, 2, padding: 2),
            b => b.Conv2d("conv", b.Input, 4, 3, dilation: max), b => b.Conv2d("conv", b.Input, 4, 3, padding: max), b => b.Conv2d("conv", b.Input, 4, 3, padding: -1), b => b.Conv2d("conv", b.Input, 4, 3, stride: 0),
            b => b.Conv2d("conv", b.Input, 4, 0), b => b.Conv2d("conv", b.Input, 4, 1, groups: 0), b => b.Conv2d("conv", b.Input, 0, 1), b => b.Conv2d("conv", b.Input, 4, 1, dilation: 0),
            b => b.Linear("fc", b.Input, 0), b => b.Lstm("lstm", b.Input, 0), b => b.Lstm("lstm", b.Input, max), b => b.Gather(b.Input, 1, []),
            b => b.Resize(b.Input, 0, 8, ResizeMode.Nearest), b => b.Resize(b.Input, 8, 8, (ResizeMode)9), b => b.Reduce(b.Input, (ReduceKind)9, [1]), b => b.Unary(b.Input, (UnaryKind)99, "f"),
            b => b.Concat(1, [b.Expand(b.Slice(b.Input, 1, 0, 1), [4, max, 8]), b.Input]), b => new GraphBuilder([4, 0, 8]).Input,
        ];
        for (int i = 0; i < wrong.Length; i++)
        {
            try
            {
                Assert.Fail($"Case {i} gives {wrong[i](new GraphBuilder([4, 8, 8])).Shape}.");
            }
            catch (Exception e) when (e is GraphException or ArgumentException)
            {
                // In words.
            }
        }
    }

    [TestMethod]
    public void AParameterDeclaredTwiceIsSharedOrRefused()
    {
        var b = new GraphBuilder([4, 8, 8]);
        Assert.AreSame(b.Parameter("w", [4]), b.Parameter("w", [4]));
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => b.Parameter("w", [5])).Message, "[5]");
    }

    [TestMethod]
    public void AnLstmTakesSequencesAndWeightsOfItsSize()
    {
        var b = new GraphBuilder([7, 5, 6]);
        Assert.AreEqual<Shape>([7, 5, 8], b.Lstm("rnn", b.Input, 4).Shape);
        CollectionAssert.AreEqual(new[] { "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0", "rnn.weight_ih_l0_reverse" },
            b.Build(b.Input).Parameters.Take(5).Select(p => p.Name).ToArray());
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => b.Lstm("vector", b.Reduce(b.Input, ReduceKind.Mean, [0, 1]), 4)).Message, "expected sequences […, L, C], received [6]");
        Node narrow = b.Parameter("narrow", [16, 5]), square = b.Parameter("square", [16, 4]), bias = b.Parameter("bias", [16]);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => b.Module("bad", new LstmOp(), b.Input, narrow, square, bias, bias, narrow, square, bias, bias)).Message,
            "expected weights [16, 6] and [16, 4] and two biases [16], received [16, 5]");
    }

    [TestMethod]
    public void AnIndexOutsideTheAxisIsRefused()
    {
        var b = new GraphBuilder([4, 8]);
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => b.Gather(b.Input, 1, [0, 8])).Message, "index 8 is outside the 8 along axis 1 of [4, 8]");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => b.Gather(b.Input, 1, [-1])).Message, "index -1 is outside");
    }
}
