using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <content>Functions of single elements, and of two tensors with broadcasting.</content>
internal sealed partial class KernelBinder
{
    private Kernel Unary(UnaryOp op, bool inPlace)
    {
        Func<Tensor, Tensor> function = Function(op, inPlace);
        return x => function(x[0]);
    }

    /// <summary>
    /// A function of each element. In place its result is in its argument's memory where PyTorch has such a form, and perhaps another object
    /// (some of TorchSharp's in-place functions give a second handle).
    /// </summary>
    private Func<Tensor, Tensor> Function(UnaryOp op, bool inPlace)
    {
        switch (op.Kind)
        {
            case UnaryKind.Relu: return inPlace ? x => x.relu_() : x => x.relu();
            case UnaryKind.Relu6: return inPlace ? x => x.relu6_() : x => x.relu6();
            case UnaryKind.Silu: return inPlace ? x => x.silu_() : x => x.silu();
            case UnaryKind.Mish: return x => F.mish(x);
            case UnaryKind.Gelu: return inPlace ? x => x.gelu_() : x => x.gelu();
            case UnaryKind.GeluTanh: return inPlace ? x => x.gelu_(TorchSharp.Modules.GELU.Approximate.tanh) : x => x.gelu(TorchSharp.Modules.GELU.Approximate.tanh);
            case UnaryKind.QuickGelu: return QuickGelu(inPlace);
            case UnaryKind.Sigmoid: return inPlace ? x => x.sigmoid_() : x => x.sigmoid();
            case UnaryKind.HardSigmoid: return inPlace ? x => x.hardsigmoid_() : x => x.hardsigmoid();
            case UnaryKind.HardSwish: return inPlace ? x => x.hardswish_() : x => x.hardswish();
            case UnaryKind.HardMish: return HardMish();
            case UnaryKind.Tanh: return inPlace ? x => x.tanh_() : x => x.tanh();
            case UnaryKind.LeakyRelu: Scalar slope = Number(op.Alpha); return inPlace ? x => x.leaky_relu_(slope) : x => x.leaky_relu(slope);
            case UnaryKind.Elu: Scalar alpha = Number(op.Alpha), one = Number(1); return inPlace ? x => x.elu_(alpha, one, one) : x => x.elu(alpha, one, one);
            case UnaryKind.Selu: return inPlace ? x => x.selu_() : x => x.selu();
            case UnaryKind.Softplus: return x => x.softplus();
            case UnaryKind.Exp: return inPlace ? x => x.exp_() : x => x.exp();
            case UnaryKind.Log: return inPlace ? x => x.log_() : x => x.log();
            case UnaryKind.Negate: return inPlace ? x => x.neg_() : x => x.neg();
            case UnaryKind.Abs: return inPlace ? x => x.abs_() : x => x.abs();
            case UnaryKind.Sqrt: return inPlace ? x => x.sqrt_() : x => x.sqrt();
            case UnaryKind.Rsqrt: return inPlace ? x => x.rsqrt_() : x => x.rsqrt();
            case UnaryKind.Reciprocal: return inPlace ? x => x.reciprocal_() : x => x.reciprocal();
            case UnaryKind.Square: return inPlace ? x => x.mul_(x) : x => x.mul(x);
            case UnaryKind.Affine: return Affine(op.Alpha, op.Beta, inPlace);
            case UnaryKind.Clamp: Scalar low = Number(op.Alpha), high = Number(op.Beta); return inPlace ? x => x.clamp_(low, high) : x => x.clamp(low, high);
            case UnaryKind.Sin: return inPlace ? x => x.sin_() : x => x.sin();
            case UnaryKind.Cos: return inPlace ? x => x.cos_() : x => x.cos();
            default: throw new NotSupportedException($"The TorchSharp engine has no mapping for {op.Kind}.");
        }
    }

    private Func<Tensor, Tensor> QuickGelu(bool inPlace)
    {
        Scalar steepness = Number(1.702f);
        return x =>
        {
            // The gate is not written over: a backward pass needs it.
            using Tensor gate = x.mul(steepness).sigmoid_();
            return inPlace ? x.mul_(gate) : x.mul(gate);
        };
    }

    private Func<Tensor, Tensor> HardMish()
    {
        Scalar zero = Number(0), two = Number(2), half = Number(0.5f);
        return x => x.add(two).clamp_(zero, two).mul_(x).mul_(half);
    }

    private Func<Tensor, Tensor> Affine(float scale, float shift, bool inPlace)
    {
        Scalar a = Number(scale), b = Number(shift);
        return (scale, shift, inPlace) switch
        {
            (1, _, true) => x => x.add_(b),
            (1, _, false) => x => x.add(b),
            (_, 0, true) => x => x.mul_(a),
            (_, 0, false) => x => x.mul(a),
            (_, _, true) => x => x.mul_(a).add_(b),
            _ => x => x.mul(a).add_(b),
        };
    }

    private static Kernel Binary(BinaryOp op, Node node, int overwrites)
    {
        Func<Tensor, Tensor, Tensor> function = (op.Kind, overwrites) switch
        {
            (BinaryKind.Add, 0) => (a, b) => a.add_(b),
            (BinaryKind.Add, 1) => (a, b) => b.add_(a),
            (BinaryKind.Add, _) => (a, b) => a.add(b),
            (BinaryKind.Subtract, 0) => (a, b) => a.sub_(b),
            (BinaryKind.Subtract, _) => (a, b) => a.sub(b),
            (BinaryKind.Multiply, 0) => (a, b) => a.mul_(b),
            (BinaryKind.Multiply, 1) => (a, b) => b.mul_(a),
            (BinaryKind.Multiply, _) => (a, b) => a.mul(b),
            (BinaryKind.Divide, 0) => (a, b) => a.div_(b),
            (BinaryKind.Divide, _) => (a, b) => a.div(b),
            (BinaryKind.Max, _) => (a, b) => a.maximum(b),
            (BinaryKind.Min, _) => (a, b) => a.minimum(b),
            _ => throw new NotSupportedException($"The TorchSharp engine has no mapping for {op.Kind} (node '{node.Name}')."),
        };
        return Aligned(node, node.Shape.Rank, function);
    }
}
