namespace Backbones.Graphs;

/// <content>Modules: operators with a name and parameters of their own, as in torch.nn.</content>
public sealed partial class GraphBuilder
{
    /// <summary>A convolution (nn.Conv2d): x <c>[C, H, W]</c> → <c>[outChannels, H', W']</c>; parameters <c>weight</c>, <c>bias</c>.</summary>
    public Node Conv2d(string name, Node x, int outChannels, Size2 kernel, Size2? stride = null, Padding padding = default, Size2? dilation = null, int groups = 1, bool bias = false)
    {
        if (groups < 1 || x.Shape.Rank != 3)
            throw new GraphException($"'{Join(name)}' is to be a convolution of {x.Shape} in {groups} groups; expected a map [C, H, W] and 1 group or more.");
        RequireSize(name, Math.Min(outChannels, Math.Min(kernel.H, kernel.W)), "the number of channels and the sides of the kernel");
        Node weight, biasNode = x;
        using (Scope(name))
        {
            outChannels = ConvWidths?.GetValueOrDefault(Path, outChannels) ?? outChannels;
            weight = Parameter("weight", [outChannels, x.Shape[0] / groups, kernel.H, kernel.W]);
            if (bias)
                biasNode = Parameter("bias", [outChannels]);
        }
        return Conv2d(name, x, weight, bias ? biasNode : null, stride ?? 1, padding, dilation ?? 1, groups);
    }

    /// <summary>A convolution with given weight and bias nodes (standardised or shared weights).</summary>
    public Node Conv2d(string name, Node x, Node weight, Node? bias, Size2 stride, Padding padding, Size2 dilation, int groups = 1)
    {
        var op = new Conv2dOp(stride, padding, dilation, groups, bias is not null);
        return bias is null ? Module(name, op, x, weight) : Module(name, op, x, weight, bias);
    }

    /// <summary>A fully connected layer (nn.Linear) over the last dimension.</summary>
    public Node Linear(string name, Node x, int outFeatures, bool bias = true)
    {
        int inFeatures = ShapeOf(name, x, 1, "features […, C]")[^1];
        RequireSize(name, outFeatures, "the number of features");
        Node weight, biasNode = x;
        using (Scope(name))
        {
            weight = Parameter("weight", [outFeatures, inFeatures]);
            if (bias)
                biasNode = Parameter("bias", [outFeatures]);
        }
        return bias ? Module(name, new LinearOp(true), x, weight, biasNode) : Module(name, new LinearOp(false), x, weight);
    }

    /// <summary>A bidirectional LSTM of one layer (nn.LSTM, batch first) along the second to last axis: x <c>[…, L, C]</c> → <c>[…, L, 2 · hiddenSize]</c>; parameters <c>weight_ih_l0</c>, <c>weight_hh_l0</c>, <c>bias_ih_l0</c>, <c>bias_hh_l0</c>, and the same with <c>_reverse</c>.</summary>
    public Node Lstm(string name, Node x, int hiddenSize)
    {
        int features = ShapeOf(name, x, 2, "sequences […, L, C]")[^1];
        RequireSize(name, hiddenSize, "the hidden size", int.MaxValue / 4);
        int gates = 4 * hiddenSize;
        var inputs = new List<Node> { x };
        using (Scope(name))
        {
            foreach (string suffix in (string[])["l0", "l0_reverse"])
            {
                inputs.Add(Parameter($"weight_ih_{suffix}", [gates, features]));
                inputs.Add(Parameter($"weight_hh_{suffix}", [gates, hiddenSize]));
                inputs.Add(Parameter($"bias_ih_{suffix}", [gates]));
                inputs.Add(Parameter($"bias_hh_{suffix}", [gates]));
            }
        }
        return Module(name, new LstmOp(), [.. inputs]);
    }

    /// <summary>Batch normalisation with running statistics (nn.BatchNorm2d, BatchNorm1d).</summary>
    /// <param name="name">Module name.</param>
    /// <param name="x">Map <c>[C, H, W]</c> (axis 0), or tokens with <paramref name="axis"/> -1.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    /// <param name="axis">The channel axis.</param>
    public Node BatchNorm(string name, Node x, float eps = 1e-5f, bool affine = true, int axis = 0)
    {
        int channels = x.Shape[AxisOf(name, x, axis)];
        Node weight, bias, mean, variance;
        using (Scope(name))
        {
            weight = affine ? Parameter("weight", [channels]) : Constant([channels], Filled(channels, 1), "ones");
            bias = affine ? Parameter("bias", [channels]) : Constant([channels], Filled(channels, 0), "zeros");
            mean = Buffer("running_mean", [channels]);
            variance = Buffer("running_var", [channels]);
            Unused("num_batches_tracked", [], ElementType.Int64);
        }
        return Module(name, new BatchNormOp(eps, axis), x, weight, bias, mean, variance);
    }

    /// <summary>Layer normalisation over one axis: -1 for tokens, 0 for maps (timm's LayerNorm2d).</summary>
    public Node LayerNorm(string name, Node x, float eps = 1e-5f, int axis = -1, bool affine = true)
    {
        if (!affine)
            return Module(name, new LayerNormOp(axis, eps), x);
        int channels = x.Shape[AxisOf(name, x, axis)];
        Node weight, bias;
        using (Scope(name))
        {
            weight = Parameter("weight", [channels]);
            bias = Parameter("bias", [channels]);
        }
        return Module(name, new LayerNormOp(axis, eps), x, weight, bias);
    }

    /// <summary>Root-mean-square normalisation over one axis (timm's RmsNorm; SimpleNorm when centred).</summary>
    public Node RmsNorm(string name, Node x, float eps = 1e-6f, int axis = -1, bool affine = true, bool centered = false)
    {
        var op = new RmsNormOp(axis, eps, centered);
        if (!affine)
            return Module(name, op, x);
        int channels = x.Shape[AxisOf(name, x, axis)];
        Node weight;
        using (Scope(name))
            weight = Parameter("weight", [channels]);
        return Module(name, op, x, weight);
    }

    /// <summary>Group normalisation (nn.GroupNorm).</summary>
    public Node GroupNorm(string name, Node x, int groups, float eps = 1e-5f)
    {
        int channels = ShapeOf(name, x, 1, "channels first, [C, H, W] or [C]")[0];
        Node weight, bias;
        using (Scope(name))
        {
            weight = Parameter("weight", [channels]);
            bias = Parameter("bias", [channels]);
        }
        return Module(name, new GroupNormOp(groups, eps), x, weight, bias);
    }

    /// <summary>An activation module without parameters.</summary>
    internal Node Act(string name, Node x, UnaryOp activation) => Module(name, activation, x);

    /// <summary>An activation module without parameters.</summary>
    public Node Act(string name, Node x, UnaryKind kind) => Module(name, Activations.Of(kind), x);

    /// <summary>A module that does nothing at inference (dropout, drop path, nn.Identity), kept for its name.</summary>
    public Node Identity(string name, Node x) => Module(name, new IdentityOp(), x);

    /// <summary>nn.MaxPool2d.</summary>
    public Node MaxPool2d(string name, Node x, Size2 kernel, Size2? stride = null, Padding padding = default, Size2? dilation = null, bool ceilMode = false)
        => Module(name, new MaxPool2dOp(kernel, stride ?? kernel, padding, dilation ?? 1, ceilMode), x);

    /// <summary>nn.AvgPool2d.</summary>
    public Node AvgPool2d(string name, Node x, Size2 kernel, Size2? stride = null, Padding padding = default, bool ceilMode = false, bool countIncludePad = true)
        => Module(name, new AvgPool2dOp(kernel, stride ?? kernel, padding, ceilMode, countIncludePad), x);

    /// <summary>The shape of what a node is to be made of, before anything is declared for it.</summary>
    private Shape ShapeOf(string name, Node x, int rank, string expected)
        => x.Shape.Rank >= rank ? x.Shape : throw Refused($"'{Join(name)}' over '{x.Name}': expected {expected}, received {x.Shape}.");

    /// <summary>An axis of what a node is to be made of, from the front.</summary>
    private int AxisOf(string name, Node x, int axis)
    {
        try
        {
            return x.Shape.Axis(axis);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new GraphException($"'{Join(name)}' over '{x.Name}': {e.Message}", e);
        }
    }

    private void RequireSize(string name, int size, string what, int most = int.MaxValue)
    {
        if (size < 1 || size > most)
            throw Refused($"'{Join(name)}': {what} must be {(most == int.MaxValue ? "1 or more" : $"1 to {most}")}; received {size}.");
    }

    /// <summary>With a cause, as where a node's own shape fails: what a family refuses by itself has none.</summary>
    private static GraphException Refused(string message) => new(message, new ArgumentException(message));

    private static float[] Filled(int length, float value)
    {
        var values = new float[length];
        Array.Fill(values, value);
        return values;
    }
}
