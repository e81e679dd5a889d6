using System.Runtime.CompilerServices;
using Backbones.Engines.Reference;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>Applies a function to every element of a matrix with contiguous rows; source and target may be the same.</summary>
internal static unsafe class ActivationKernel<T> where T : struct, IVector<T>
{
    public static void Run(UnaryOp op, float* source, nint sourceDistance, float* target, nint targetDistance, int rows, int columns)
    {
        switch (op.Kind)
        {
            case UnaryKind.Relu: Loop<Functions<T>.Relu>(); break;
            case UnaryKind.Relu6: Loop<Functions<T>.ClampTo>(0, 6); break;
            case UnaryKind.Clamp: Loop<Functions<T>.ClampTo>(op.Alpha, op.Beta); break;
            case UnaryKind.Silu: Loop<Functions<T>.Silu>(); break;
            case UnaryKind.Mish: Loop<Functions<T>.Mish>(); break;
            case UnaryKind.Gelu: Loop<Functions<T>.Gelu>(); break;
            case UnaryKind.GeluTanh: Loop<Functions<T>.GeluTanh>(); break;
            case UnaryKind.QuickGelu: Loop<Functions<T>.QuickGelu>(); break;
            case UnaryKind.Sigmoid: Loop<Functions<T>.Sigmoid>(); break;
            case UnaryKind.HardSigmoid: Loop<Functions<T>.HardSigmoid>(); break;
            case UnaryKind.HardSwish: Loop<Functions<T>.HardSwish>(); break;
            case UnaryKind.HardMish: Loop<Functions<T>.HardMish>(); break;
            case UnaryKind.Tanh: Loop<Functions<T>.Tanh>(); break;
            case UnaryKind.LeakyRelu: Loop<Functions<T>.LeakyRelu>(op.Alpha); break;
            case UnaryKind.Elu: Loop<Functions<T>.Elu>(op.Alpha, 1); break;
            case UnaryKind.Selu: Loop<Functions<T>.Elu>(1.6732632423543772f, 1.0507009873554805f); break;
            case UnaryKind.Exp: Loop<Functions<T>.Exp>(); break;
            case UnaryKind.Negate: Loop<Functions<T>.Negate>(); break;
            case UnaryKind.Abs: Loop<Functions<T>.Abs>(); break;
            case UnaryKind.Sqrt: Loop<Functions<T>.Sqrt>(); break;
            case UnaryKind.Rsqrt: Loop<Functions<T>.Rsqrt>(); break;
            case UnaryKind.Reciprocal: Loop<Functions<T>.Reciprocal>(); break;
            case UnaryKind.Square: Loop<Functions<T>.Square>(); break;
            case UnaryKind.Affine: Loop<Functions<T>.Affine>(op.Alpha, op.Beta); break;
            default: Scalar(); break;
        }

        void Loop<TFunction>(float alpha = 0, float beta = 0) where TFunction : struct, IFunction<T>
            => Rows<TFunction>(source, sourceDistance, target, targetDistance, rows, columns, alpha, beta);

        // Logarithms, sines: no backbone has them in a hot place (the angles of rotary embeddings are parameter arithmetic).
        void Scalar()
        {
            for (int r = 0; r < rows; r++)
            {
                for (int c = 0; c < columns; c++)
                    target[r * targetDistance + c] = ReferenceKernels.Apply(op, source[r * sourceDistance + c]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows<TFunction>(float* source, nint sourceDistance, float* target, nint targetDistance, int rows, int columns, float alpha, float beta)
        where TFunction : struct, IFunction<T>
    {
        T a = T.Create(alpha), b = T.Create(beta);
        for (int r = 0; r < rows; r++)
        {
            nint c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                T.Store(TFunction.Of(T.Load(source + c), a, b), target + c);
            if (c < columns)
                T.StoreFirst(TFunction.Of(T.LoadFirst(source + c, columns - c), a, b), target + c, columns - c);
            source += sourceDistance;
            target += targetDistance;
        }
    }
}
