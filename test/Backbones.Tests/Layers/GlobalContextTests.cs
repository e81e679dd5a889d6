using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Tests.Graphs;

namespace Backbones.Tests.Layers;

[TestClass]
public sealed class GlobalContextTests
{
    [TestMethod]
    public void TheContextIsTheMeanWeightedByTheSoftmaxOfTheAttentionMap()
    {
        var b = new GraphBuilder([16, 3, 4]);
        Node result = GlobalContext.Build(b, "se", b.Input, 0.25);
        using (b.Scope("se"))
        {
            Node weights = b.Reshape(b.Softmax(b.Flatten(b.Conv2d("conv_attn", b.Input, 1, 1, bias: true)), 0), [1, 3, 4]);
            Node context = b.Reduce(b.Multiply(b.Input, weights), ReduceKind.Sum, [1, 2]);
            Node hidden;
            using (b.Scope("mlp_scale"))
            {
                hidden = b.LayerNorm("norm", Linear(b, "fc1", context, 4), 1e-6f);
                hidden = Linear(b, "fc2", b.Unary(hidden, UnaryKind.Relu, "relu"), 16);
            }
            Node factors = b.Reshape(b.Unary(hidden, UnaryKind.Sigmoid, "sigmoid"), [16, 1, 1]);
            float[][] values = TestGraphs.Run(b.Build(result, b.Multiply(b.Input, factors)));
            Assert.IsLessThan(1e-6, TestGraphs.Distance(values[0], values[1]));
        }
    }

    private static Node Linear(GraphBuilder b, string name, Node x, int width)
    {
        using (b.Scope(name))
            return b.Function("linear", new LinearOp(true), x, b.Reshape(b.Parameter("weight", [width, x.Shape[0], 1, 1]), [width, x.Shape[0]]), b.Parameter("bias", [width]));
    }
}
