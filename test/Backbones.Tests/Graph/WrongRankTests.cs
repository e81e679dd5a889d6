using System.Reflection;
using Backbones.Graphs;

namespace Backbones.Tests.Graphs;

/// <summary>Every method that makes a node, over inputs of any rank, with axes and sizes in and out of range: a node with elements, or a sentence that names the node to make.</summary>
[TestClass]
public class WrongRankTests
{
    private static readonly Shape[] s_shapes = [[], [4], [3, 4], [4, 6, 6], [2, 4, 6, 6]];
    private static readonly int[] s_numbers = [int.MinValue, -5, -1, 0, 1, 2, 3, 5, int.MaxValue];

    private static readonly Dictionary<string, Func<GraphBuilder, Node, Node, Func<int>, Node>> s_methods = new()
    {
        [nameof(GraphBuilder.Add)] = (b, x, y, _) => b.Add(x, y),
        [nameof(GraphBuilder.Subtract)] = (b, x, y, _) => b.Subtract(x, y),
        [nameof(GraphBuilder.Multiply)] = (b, x, y, _) => b.Multiply(x, y),
        [nameof(GraphBuilder.Divide)] = (b, x, y, _) => b.Divide(x, y),
        [nameof(GraphBuilder.Unary)] = (b, x, _, n) => b.Unary(x, (UnaryKind)n(), "f"),
        [nameof(GraphBuilder.Affine)] = (b, x, _, n) => b.Affine(x, n()),
        [nameof(GraphBuilder.Reshape)] = (b, x, y, _) => b.Reshape(x, y.Shape),
        [nameof(GraphBuilder.Flatten)] = (b, x, _, n) => b.Flatten(x, n()),
        [nameof(GraphBuilder.Permute)] = (b, x, _, n) => b.Permute(x, [n(), n(), n()]),
        [nameof(GraphBuilder.Transpose)] = (b, x, _, n) => b.Transpose(x, n(), n()),
        [nameof(GraphBuilder.Concat)] = (b, x, y, n) => n() == 0 ? b.Concat(n(), []) : b.Concat(n(), [x, y]),
        [nameof(GraphBuilder.Slice)] = (b, x, _, n) => b.Slice(x, n(), n(), n(), n()),
        [nameof(GraphBuilder.Reduce)] = (b, x, _, n) => b.Reduce(x, (ReduceKind)n(), [n(), n()], n() > 0),
        [nameof(GraphBuilder.MatMul)] = (b, x, y, n) => b.MatMul(x, y, n() > 0, n() > 0),
        [nameof(GraphBuilder.Softmax)] = (b, x, _, n) => b.Softmax(x, n()),
        [nameof(GraphBuilder.Attention)] = (b, x, y, n) => b.Attention(x, x, y, mask: n() > 0 ? y : null),
        [nameof(GraphBuilder.Pad2d)] = (b, x, _, n) => b.Pad2d(x, new Padding(n(), n(), n(), n()), (PadMode)n()),
        [nameof(GraphBuilder.Resize)] = (b, x, _, n) => b.Resize(x, n(), n(), (ResizeMode)n()),
        [nameof(GraphBuilder.Roll)] = (b, x, _, n) => b.Roll(x, n(), n()),
        [nameof(GraphBuilder.Gather)] = (b, x, _, n) => b.Gather(x, n(), [n(), n()]),
        [nameof(GraphBuilder.Expand)] = (b, x, y, _) => b.Expand(x, y.Shape),
        [nameof(GraphBuilder.Conv2d)] = (b, x, y, n) => n() > 0 ? b.Conv2d("m", x, n(), (n(), 1), (n(), 1), n(), dilation: 1, groups: n()) : b.Conv2d("m", x, y, n() > 0 ? x : null, n(), n(), n(), n()),
        [nameof(GraphBuilder.Linear)] = (b, x, _, n) => b.Linear("m", x, n()),
        [nameof(GraphBuilder.Lstm)] = (b, x, _, n) => b.Lstm("m", x, n()),
        [nameof(GraphBuilder.BatchNorm)] = (b, x, _, n) => b.BatchNorm("m", x, affine: n() > 0, axis: n()),
        [nameof(GraphBuilder.LayerNorm)] = (b, x, _, n) => b.LayerNorm("m", x, affine: n() > 0, axis: n()),
        [nameof(GraphBuilder.RmsNorm)] = (b, x, _, n) => b.RmsNorm("m", x, affine: n() > 0, axis: n()),
        [nameof(GraphBuilder.GroupNorm)] = (b, x, _, n) => b.GroupNorm("m", x, n()),
        [nameof(GraphBuilder.Act)] = (b, x, _, n) => b.Act("m", x, (UnaryKind)n()),
        [nameof(GraphBuilder.Identity)] = (b, x, _, _) => b.Identity("m", x),
        [nameof(GraphBuilder.MaxPool2d)] = (b, x, _, n) => b.MaxPool2d("m", x, (n(), n()), (n(), n()), n(), n()),
        [nameof(GraphBuilder.AvgPool2d)] = (b, x, _, n) => b.AvgPool2d("m", x, (n(), n()), (n(), n()), n()),
        [nameof(GraphBuilder.Leaf)] = (b, x, _, n) => b.Leaf("m", () => b.Softmax(x, n())),
        [nameof(GraphBuilder.Parameter)] = (b, x, _, n) => b.Parameter("m", [n()]),
        [nameof(GraphBuilder.Buffer)] = (b, x, _, n) => b.Buffer("m", [n()]),
        [nameof(GraphBuilder.Constant)] = (b, x, _, n) => b.Constant([n()], [1, 2]),
    };

    public static IEnumerable<object[]> Methods => s_methods.Keys.Select(m => new object[] { m });

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void AnyRankAndAxisGivesANodeOrASentence(string method)
    {
        var random = new Random(7);
        int made = 0;
        for (int i = 0; i < 1500; i++)
        {
            Shape first = Pick(s_shapes), second = random.Next(2) == 0 ? first : Pick(s_shapes);
            var b = new GraphBuilder(first);
            Node other = random.Next(2) == 0 ? b.Input : b.Parameter("other", second);
            try
            {
                Node node = s_methods[method](b, b.Input, other, () => Pick(s_numbers));
                Assert.IsTrue(node.Shape.Length > 0 || method is "Parameter" or "Buffer", $"{node}");
                made++;
            }
            catch (GraphException e)
            {
                Assert.Contains("'", e.Message, e.Message);
            }
            catch (ArgumentException) when (method is "Parameter" or "Buffer" or "Constant" or "Unary" or "Act")
            {
                // There is no node to name yet.
            }
        }
        Assert.IsGreaterThan(0, made, "No case was right.");

        T Pick<T>(T[] values) => values[random.Next(values.Length)];
    }

    [TestMethod]
    public void EveryMethodIsAmongThem()
    {
        string[] methods = [.. typeof(GraphBuilder).GetMethods(BindingFlags.Instance | BindingFlags.Public).Where(m => m.ReturnType == typeof(Node) && !m.IsSpecialName).Select(m => m.Name).Distinct()];
        CollectionAssert.AreEquivalent(methods, s_methods.Keys);
    }

    [TestMethod]
    public void ANormOfAScalarSaysWhatIsWrong()
    {
        var b = new GraphBuilder([]);
        using (b.Scope("stage"))
        {
            Says("'stage.norm' over 'x': expected channels first, [C, H, W] or [C], received [].", () => b.GroupNorm("norm", b.Input, 2));
            Says("'stage.norm' over 'x': Axis -1 is outside shape []; a scalar has no axes.", () => b.LayerNorm("norm", b.Input));
            Says("'stage.norm' over 'x': Axis 0 is outside shape []; a scalar has no axes.", () => b.BatchNorm("norm", b.Input));
            Says("'stage.rnn' over 'x': expected sequences […, L, C], received [].", () => b.Lstm("rnn", b.Input, 4));
            Says("'stage.fc' over 'x': expected features […, C], received [].", () => b.Linear("fc", b.Input, 4));
        }
        // What was refused has left nothing behind.
        Assert.IsEmpty(b.Build(b.Input).Parameters);

        static void Says(string sentence, Func<Node> make) => Assert.Contains(sentence, Assert.ThrowsExactly<GraphException>(make).Message);
    }
}
