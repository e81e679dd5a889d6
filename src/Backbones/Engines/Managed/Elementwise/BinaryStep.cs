using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>Functions of two values.</summary>
internal enum ElementFunction
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Max,
    Min,

    /// <summary>The first where positive, else their product.</summary>
    PRelu,
}

/// <summary>A function of two values element by element, then an activation where one follows. Broadcast axes have stride 0; along the innermost axis each input is contiguous or constant.</summary>
internal sealed unsafe class BinaryStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Floats that the activation runs over at a time: they are still in the first-level cache.</summary>
    private const int ActivationFloats = 2048;

    private readonly ElementFunction _kind;
    private readonly ValueView _left;
    private readonly ValueView _right;
    private readonly UnaryOp? _activation;
    private readonly ValueView _result;
    private readonly LoopNest _loops;

    public BinaryStep(ElementFunction kind, ValueView left, ValueView right, UnaryOp? activation, ValueView result)
    {
        (_kind, _left, _right, _activation, _result) = (kind, left, right, activation, result);
        _loops = new LoopNest(result, left, right);
    }

    public override void Execute(RunContext context)
        => context.Share(this, 0, Pieces.Count(_loops.RowsPerItem * context.Batch, _loops.Columns, context.Pool.Threads));

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        long rows = _loops.RowsPerItem * context.Batch;
        (long first, long end) = Pieces.Range(rows, Pieces.Count(rows, _loops.Columns, context.Pool.Threads), index);
        switch (_kind)
        {
            case ElementFunction.Add: Rows<Add>(context, first, end); break;
            case ElementFunction.Subtract: Rows<Subtract>(context, first, end); break;
            case ElementFunction.Multiply: Rows<Multiply>(context, first, end); break;
            case ElementFunction.Divide: Rows<Divide>(context, first, end); break;
            case ElementFunction.Max: Rows<Larger>(context, first, end); break;
            case ElementFunction.Min: Rows<Smaller>(context, first, end); break;
            default: Rows<PRelu>(context, first, end); break;
        }
    }

    private void Rows<TFunction>(RunContext context, long first, long end) where TFunction : struct, IFunction2
    {
        float* left = context.Address(_left), right = context.Address(_right), result = context.Address(_result);
        nint leftStride = (nint)_loops.ColumnStrides[1], rightStride = (nint)_loops.ColumnStrides[2];
        long most = _activation is null ? long.MaxValue : Math.Max(1, ActivationFloats / _loops.Columns);
        // Rows of the innermost outer loop are equally far apart in every view: only its first needs the full arithmetic.
        for (long row = first; row < end;)
        {
            int count = (int)Math.Min(Math.Min(_loops.InnerRows - row % _loops.InnerRows, end - row), most);
            float* a = left + _loops.Offset(1, row), b = right + _loops.Offset(2, row), y = result + _loops.Offset(0, row);
            for (int r = 0; r < count; r++)
            {
                Row<TFunction>(a, leftStride, b, rightStride, y, _loops.Columns);
                y += _loops.InnerRowStride(0);
                a += _loops.InnerRowStride(1);
                b += _loops.InnerRowStride(2);
            }
            if (_activation is not null)
            {
                float* rows = result + _loops.Offset(0, row);
                ActivationKernel<T>.Run(_activation, rows, (nint)_loops.InnerRowStride(0), rows, (nint)_loops.InnerRowStride(0), count, _loops.Columns);
            }
            row += count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<TFunction>(float* a, nint aStride, float* b, nint bStride, float* y, nint count) where TFunction : struct, IFunction2
    {
        nint i = 0;
        if (aStride == 1 && bStride == 1)
        {
            for (; i <= count - T.Count; i += T.Count)
                T.Store(TFunction.Of(T.Load(a + i), T.Load(b + i)), y + i);
            if (i < count)
                T.StoreFirst(TFunction.Of(T.LoadFirst(a + i, count - i), T.LoadFirst(b + i, count - i)), y + i, count - i);
            return;
        }
        T constantA = T.Create(*a), constantB = T.Create(*b);
        for (; i <= count - T.Count; i += T.Count)
            T.Store(TFunction.Of(aStride == 0 ? constantA : T.Load(a + i), bStride == 0 ? constantB : T.Load(b + i)), y + i);
        if (i < count)
            T.StoreFirst(TFunction.Of(aStride == 0 ? constantA : T.LoadFirst(a + i, count - i), bStride == 0 ? constantB : T.LoadFirst(b + i, count - i)), y + i, count - i);
    }

    private interface IFunction2
    {
        static abstract T Of(T a, T b);
    }

    private readonly struct Add : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => a + b;
    }

    private readonly struct Subtract : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => a - b;
    }

    private readonly struct Multiply : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => a * b;
    }

    private readonly struct Divide : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => a / b;
    }

    private readonly struct Larger : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => T.Max(a, b);
    }

    private readonly struct Smaller : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => T.Min(a, b);
    }

    private readonly struct PRelu : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => T.SelectLess(T.Zero, a, a, a * b);
    }
}
