using Backbones.Graphs;

namespace Backbones.Onnx;

/// <content>Normalisations.</content>
internal sealed partial class OnnxGraphBuilder
{
    private string BatchNorm(Node n, BatchNormOp op)
    {
        int axis = n.Shape.Axis(op.Axis);
        if (axis == 0)
            return Op("BatchNormalization", [.. n.Inputs.Select(Value)], OnnxAttribute.Float("epsilon", op.Eps));

        // ONNX's operator has its channels behind the batch; anywhere else scale and shift are computed here.
        float[] weight = Constant(n.Inputs[1]), bias = Constant(n.Inputs[2]), mean = Constant(n.Inputs[3]), variance = Constant(n.Inputs[4]);
        double[] scale = [.. weight.Select((w, c) => w / Math.Sqrt((double)variance[c] + op.Eps))];
        int[] shape = [scale.Length, .. Enumerable.Repeat(1, n.Shape.Rank - 1 - axis)];
        string scaled = Times(Value(n.Inputs[0]), Store($"{n.Name}#scale", shape, [.. scale.Select(s => (float)s)]));
        return Op("Add", [scaled, Store($"{n.Name}#shift", shape, [.. bias.Select((b, c) => (float)(b - mean[c] * scale[c]))])]);
    }

    private string LayerNorm(Node n, LayerNormOp op)
    {
        int rank = n.Shape.Rank, axis = n.Shape.Axis(op.Axis);
        string[] affine = n.Inputs.Length > 1 ? [Value(n.Inputs[1]), Value(n.Inputs[2])] : [Filled(n.Shape[axis], 1)];
        OnnxMessage[] attributes = [OnnxAttribute.Integer("axis", -1), OnnxAttribute.Float("epsilon", op.Eps)];
        string x = Value(n.Inputs[0]);
        if (axis == rank - 1)
            return Op("LayerNormalization", [x, .. affine], attributes);

        int[] last = [.. Enumerable.Range(0, rank).Where(a => a != axis), axis];
        int[] back = [.. Enumerable.Range(0, rank).Select(a => Array.IndexOf(last, a))];
        return Transpose(Op("LayerNormalization", [Transpose(x, last), .. affine], attributes), back);
    }

    private string RmsNorm(Node n, RmsNormOp op)
    {
        string x = Value(n.Inputs[0]);
        int axis = n.Shape.Axis(op.Axis), size = n.Shape[axis];
        string y = op.Centered ? Op("Sub", [x, Mean(x, axis)]) : x;
        string power = Mean(Times(y, y), axis);
        if (op.Centered)
            power = Times(power, (float)(size / (size - 1.0)));
        string normalized = Op("Div", [x, Op("Sqrt", [Plus(power, op.Eps)])]);
        return n.Inputs.Length > 1 ? Times(normalized, PerChannel(n.Inputs[1], n.Shape, axis)) : normalized;
    }

    /// <summary>A group as one channel of an instance normalisation, then scale and shift by channel.</summary>
    private string GroupNorm(Node n, GroupNormOp op)
    {
        string groups = Reshape(Value(n.Inputs[0]), [op.Groups, (int)(n.Shape.Length / op.Groups)]);
        string normalized = Op("InstanceNormalization", [groups, Filled(op.Groups, 1), Filled(op.Groups, 0)], OnnxAttribute.Float("epsilon", op.Eps));
        return Op("Add", [Times(Reshape(normalized, n.Shape), PerChannel(n.Inputs[1], n.Shape, 0)), PerChannel(n.Inputs[2], n.Shape, 0)]);
    }

    /// <summary>Mean along one of an item's axes, which stays with size 1.</summary>
    private string Mean(string x, int axis) => Op("ReduceMean", [x], OnnxAttribute.Integers("axes", axis + 1), OnnxAttribute.Integer("keepdims", 1));
}
