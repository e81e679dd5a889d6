namespace Backbones.Graphs;

/// <content>Functions: operators without a module, with the names FX gives them.</content>
public sealed partial class GraphBuilder
{
    /// <summary>a + b with broadcasting.</summary>
    public Node Add(Node a, Node b, string target = "add") => Function(target, new BinaryOp(BinaryKind.Add), a, b);

    /// <summary>a - b with broadcasting.</summary>
    public Node Subtract(Node a, Node b, string target = "sub") => Function(target, new BinaryOp(BinaryKind.Subtract), a, b);

    /// <summary>a · b with broadcasting.</summary>
    public Node Multiply(Node a, Node b, string target = "mul") => Function(target, new BinaryOp(BinaryKind.Multiply), a, b);

    /// <summary>a / b with broadcasting.</summary>
    public Node Divide(Node a, Node b, string target = "truediv") => Function(target, new BinaryOp(BinaryKind.Divide), a, b);

    /// <summary>A function of each element.</summary>
    public Node Unary(Node x, UnaryKind kind, string target) => Function(target, Activations.Of(kind), x);

    /// <summary>scale · x + shift with constant numbers.</summary>
    public Node Affine(Node x, float scale, float shift = 0, string target = "mul") => Function(target, new UnaryOp(UnaryKind.Affine, scale, shift), x);

    /// <summary>The same elements in another shape.</summary>
    public Node Reshape(Node x, Shape shape, string target = "reshape") => Function(target, new ReshapeOp(shape), x);

    /// <summary>All dimensions from <paramref name="startAxis"/> on as one (batch not counted: 0 is the first after it); a scalar becomes <c>[1]</c>.</summary>
    public Node Flatten(Node x, int startAxis = 0, string target = "flatten")
    {
        int start = x.Shape.Rank == 0 && startAxis is 0 or -1 ? 0 : AxisOf(target, x, startAxis), length = 1;
        foreach (int d in x.Shape.Dimensions[start..])
            length = checked(length * d);
        return Function(target, new ReshapeOp([.. x.Shape.Dimensions[..start], length]), x);
    }

    /// <summary>Dimension i of the result is dimension axes[i] of x (batch not counted).</summary>
    public Node Permute(Node x, ReadOnlySpan<int> axes, string target = "permute") => Function(target, new PermuteOp([.. axes]), x);

    /// <summary>Exchanges two axes (batch not counted).</summary>
    public Node Transpose(Node x, int axis0, int axis1, string target = "transpose")
    {
        int[] axes = [.. Enumerable.Range(0, x.Shape.Rank)];
        int a = AxisOf(target, x, axis0), b = AxisOf(target, x, axis1);
        (axes[a], axes[b]) = (axes[b], axes[a]);
        return Permute(x, axes, target);
    }

    /// <summary>One after another along an axis.</summary>
    public Node Concat(int axis, ReadOnlySpan<Node> inputs, string target = "cat") => Function(target, new ConcatOp(axis), inputs);

    /// <summary>length elements from start on along an axis.</summary>
    public Node Slice(Node x, int axis, int start, int length, int step = 1, string target = "getitem") => Function(target, new SliceOp(axis, start, length, step), x);

    /// <summary>Mean, sum or maximum along axes (batch not counted).</summary>
    public Node Reduce(Node x, ReduceKind kind, ReadOnlySpan<int> axes, bool keepDims = false, string? target = null)
        => Function(target ?? kind switch { ReduceKind.Mean => "mean", ReduceKind.Sum => "sum", ReduceKind.Max => "amax", ReduceKind.L2 => "norm", _ => "var" }, new ReduceOp(kind, [.. axes], keepDims), x);

    /// <summary>Matrix product of the last two dimensions.</summary>
    public Node MatMul(Node a, Node b, bool transposeA = false, bool transposeB = false, string target = "matmul") => Function(target, new MatMulOp(transposeA, transposeB), a, b);

    /// <summary>Softmax along an axis.</summary>
    public Node Softmax(Node x, int axis, string target = "softmax") => Function(target, new SoftmaxOp(axis), x);

    /// <summary>Scaled dot-product attention; scale 1/sqrt(d) unless given.</summary>
    public Node Attention(Node q, Node k, Node v, float? scale = null, Node? mask = null, string target = "scaled_dot_product_attention")
    {
        float s = scale ?? 1f / MathF.Sqrt(ShapeOf(target, q, 2, "queries […, L, d]")[^1]);
        return mask is null ? Function(target, new AttentionOp(s), q, k, v) : Function(target, new AttentionOp(s, true), q, k, v, mask);
    }

    /// <summary>A border around the last two dimensions.</summary>
    public Node Pad2d(Node x, Padding padding, PadMode mode = PadMode.Constant, float value = 0, string target = "pad") => Function(target, new Pad2dOp(padding, mode, value), x);

    /// <summary>Interpolates the last two dimensions.</summary>
    public Node Resize(Node x, int h, int w, ResizeMode mode, bool alignCorners = false, bool antialias = false, string target = "interpolate")
        => Function(target, new ResizeOp(h, w, mode, alignCorners, antialias), x);

    /// <summary>Cyclic shift along an axis.</summary>
    public Node Roll(Node x, int axis, int shift, string target = "roll") => Function(target, new RollOp(axis, shift), x);

    /// <summary>Chosen elements along an axis.</summary>
    public Node Gather(Node x, int axis, ReadOnlySpan<int> indices, string target = "getitem") => Function(target, new GatherOp(axis, [.. indices]), x);

    /// <summary>Repeats to a larger shape.</summary>
    public Node Expand(Node x, Shape shape, string target = "expand") => Function(target, new ExpandOp(shape), x);

    /// <summary>Lists a value that depends on no input under a name of the open scope, as FX does with arithmetic over parameters.</summary>
    internal Node Listed(string target, Node x)
    {
        string name = NodeName(target);
        // A parameter at the root is read under its own key, which is not listed otherwise.
        return Create(_parameters.ContainsKey(name) ? name : Unique(name), new IdentityOp(IsListed: true), [x]);
    }

    /// <summary>Lists the reading of a parameter of the open scope as FX does, after its key: <c>layer1.0.layer1_0_gamma</c>.</summary>
    internal Node ListedRead(Node parameter) => Listed(parameter.Name.Replace('.', '_'), parameter);
}
