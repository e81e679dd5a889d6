using Backbones.Graphs;

namespace TorchSharp;

/// <content>Functions of each element. A name that ends in <c>_</c> writes over the tensor and gives it back.</content>
public static partial class torch
{
    public sealed partial class Tensor
    {
        public Tensor relu() => Unary(UnaryKind.Relu);

        public Tensor relu_() => Store(UnaryKind.Relu);

        public Tensor relu6() => Unary(UnaryKind.Relu6);

        public Tensor relu6_() => Store(UnaryKind.Relu6);

        public Tensor silu() => Unary(UnaryKind.Silu);

        public Tensor silu_() => Store(UnaryKind.Silu);

        public Tensor gelu() => Unary(UnaryKind.Gelu);

        /// <summary>A second handle on the same memory, as in TorchSharp.</summary>
        public Tensor gelu_() => Store(UnaryKind.Gelu).alias();

        public Tensor gelu(Modules.GELU.Approximate approximate) => Unary(KindOf(approximate));

        /// <summary>A second handle on the same memory, as in TorchSharp.</summary>
        public Tensor gelu_(Modules.GELU.Approximate approximate) => Store(KindOf(approximate)).alias();

        public Tensor sigmoid() => Unary(UnaryKind.Sigmoid);

        public Tensor sigmoid_() => Store(UnaryKind.Sigmoid);

        public Tensor hardsigmoid() => Unary(UnaryKind.HardSigmoid);

        public Tensor hardsigmoid_() => Store(UnaryKind.HardSigmoid);

        public Tensor hardswish() => Unary(UnaryKind.HardSwish);

        public Tensor hardswish_() => Store(UnaryKind.HardSwish);

        public Tensor tanh() => Unary(UnaryKind.Tanh);

        public Tensor tanh_() => Store(UnaryKind.Tanh);

        public Tensor selu() => Unary(UnaryKind.Selu);

        public Tensor selu_() => Store(UnaryKind.Selu);

        public Tensor softplus() => Unary(UnaryKind.Softplus);

        public Tensor exp() => Unary(UnaryKind.Exp);

        public Tensor exp_() => Store(UnaryKind.Exp);

        public Tensor log() => Unary(UnaryKind.Log);

        public Tensor log_() => Store(UnaryKind.Log);

        public Tensor neg() => Unary(UnaryKind.Negate);

        public Tensor neg_() => Store(UnaryKind.Negate);

        public Tensor abs() => Unary(UnaryKind.Abs);

        public Tensor abs_() => Store(UnaryKind.Abs);

        public Tensor sqrt() => Unary(UnaryKind.Sqrt);

        public Tensor sqrt_() => Store(UnaryKind.Sqrt);

        public Tensor rsqrt() => Unary(UnaryKind.Rsqrt);

        public Tensor rsqrt_() => Store(UnaryKind.Rsqrt);

        public Tensor reciprocal() => Unary(UnaryKind.Reciprocal);

        public Tensor reciprocal_() => Store(UnaryKind.Reciprocal);

        public Tensor leaky_relu(Scalar negative_slope) => Unary(new UnaryOp(UnaryKind.LeakyRelu, negative_slope.Value));

        public Tensor leaky_relu_(Scalar negative_slope) => Store(new UnaryOp(UnaryKind.LeakyRelu, negative_slope.Value));

        /// <summary>With scales of 1, the only ones the engine asks for.</summary>
        public Tensor elu(Scalar alpha, Scalar scale, Scalar input_scale) => Unary(Elu(alpha, scale, input_scale));

        public Tensor elu_(Scalar alpha, Scalar scale, Scalar input_scale) => Store(Elu(alpha, scale, input_scale));

        public Tensor clamp(Scalar min, Scalar max) => Unary(new UnaryOp(UnaryKind.Clamp, min.Value, max.Value));

        public Tensor clamp_(Scalar min, Scalar max) => Store(new UnaryOp(UnaryKind.Clamp, min.Value, max.Value));

        public Tensor add(Scalar scalar) => Unary(new UnaryOp(UnaryKind.Affine, 1, scalar.Value));

        public Tensor add_(Scalar scalar) => Store(new UnaryOp(UnaryKind.Affine, 1, scalar.Value));

        public Tensor mul(Scalar target) => Unary(new UnaryOp(UnaryKind.Affine, target.Value));

        public Tensor mul_(Scalar target) => Store(new UnaryOp(UnaryKind.Affine, target.Value));

        public Tensor add(Tensor target) => Binary(BinaryKind.Add, target);

        public Tensor add_(Tensor target) => Store(BinaryKind.Add, target);

        public Tensor sub(Tensor target) => Binary(BinaryKind.Subtract, target);

        public Tensor sub_(Tensor target) => Store(BinaryKind.Subtract, target);

        public Tensor mul(Tensor target) => Binary(BinaryKind.Multiply, target);

        public Tensor mul_(Tensor target) => Store(BinaryKind.Multiply, target);

        public Tensor div(Tensor target) => Binary(BinaryKind.Divide, target);

        public Tensor div_(Tensor target) => Store(BinaryKind.Divide, target);

        public Tensor maximum(Tensor other) => Binary(BinaryKind.Max, other);

        public Tensor minimum(Tensor other) => Binary(BinaryKind.Min, other);

        private static UnaryKind KindOf(Modules.GELU.Approximate approximate) => approximate == Modules.GELU.Approximate.tanh ? UnaryKind.GeluTanh : UnaryKind.Gelu;

        private static UnaryOp Elu(Scalar alpha, Scalar scale, Scalar inputScale) => scale.Value == 1 && inputScale.Value == 1
            ? new UnaryOp(UnaryKind.Elu, alpha.Value)
            : throw new NotSupportedException("The embedded TorchSharp has ELU with scales of 1 alone.");

        private Tensor Unary(UnaryKind kind) => Unary(new UnaryOp(kind));

        private Tensor Unary(UnaryOp op) => Operators.Run(op, this);

        private Tensor Binary(BinaryKind kind, Tensor other) => Operators.Run(new BinaryOp(kind), this, other);

        private Tensor Store(UnaryKind kind) => Store(new UnaryOp(kind));

        private Tensor Store(UnaryOp op)
        {
            using Tensor result = Unary(op);
            return Store(result.ToArray());
        }

        private Tensor Store(BinaryKind kind, Tensor other)
        {
            using Tensor result = Binary(kind, other);
            return result.shape.SequenceEqual(shape) ? Store(result.ToArray())
                : throw new System.Runtime.InteropServices.ExternalException($"output with shape [{string.Join(", ", shape)}] doesn't match the broadcast shape [{string.Join(", ", result.shape)}]");
        }
    }
}
