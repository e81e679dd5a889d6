using Backbones.Graphs;
using Backbones.Layers;
using Backbones.Weights;

namespace Backbones.Tests.Layers;

/// <summary>Kernels of patch embeddings for other patch sizes.</summary>
[TestClass]
public sealed class PatchKernelTests
{
    /// <summary>That is what the pseudoinverse is for.</summary>
    [TestMethod]
    [DataRow(8, 16, false)]
    [DataRow(8, 16, true)]
    [DataRow(6, 9, false)]
    public void A_larger_kernel_says_of_an_enlarged_patch_what_it_said_of_the_patch(int from, int to, bool bilinear)
    {
        GraphBuilder b = new((Shape)[]);
        Node kernel = b.Parameter("kernel", [2, 3, from, from]), patch = b.Parameter("patch", [1, 3, from, from]);
        Node enlarged = b.Resize(patch, to, to, bilinear ? ResizeMode.Bilinear : ResizeMode.Bicubic, antialias: !bilinear);
        Node before = b.Reduce(b.Multiply(kernel, patch), ReduceKind.Sum, [1, 2, 3]), after = b.Reduce(b.Multiply(PatchKernel.Resize(b, kernel, to, bilinear), enlarged), ReduceKind.Sum, [1, 2, 3]);
        using ParameterStore weights = ParameterStore.FromRecipe([new("kernel", [2, 3, from, from]), new("patch", [1, 3, from, from])], 1);
        float[] expected = RemappedWeights.Tensor("y", before, weights).ToArray(), actual = RemappedWeights.Tensor("y", after, weights).ToArray();
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 1e-4);
    }

    [TestMethod]
    public void A_kernel_that_is_none_is_refused()
    {
        GraphBuilder b = new((Shape)[]);
        Assert.AreEqual<Shape>([2, 3, 4, 4], PatchKernel.Resize(b, b.Parameter("large", [2, 3, 9, 16]), 4, bilinear: false).Shape);
        foreach (Shape shape in new Shape[] { [2, 3], [2, 3, 0, 8], [1, 1, 8, 1000] })
            StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => PatchKernel.Resize(b, b.Parameter($"w{shape}", shape), 4, bilinear: false)).Message, "is no kernel of a patch embedding");
    }
}
