using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>One function of a chain.</summary>
/// <param name="Function">A <see cref="UnaryOp"/> of the value so far, or a <see cref="BinaryOp"/> or <see cref="PReluOp"/> of it and another.</param>
/// <param name="Other">Its other argument; broadcast axes have stride 0, along the innermost axis it is contiguous or constant.</param>
/// <param name="IsSecond">Whether the value so far is the second argument.</param>
internal readonly record struct ElementLink(Operator Function, ValueView? Other = null, bool IsSecond = false);

/// <summary>
/// Functions of elements, one after another: a gate, its product with a map, the residual, an activation. A block of rows goes through all of them while it is in the first-level
/// cache, so that memory is read and written once and not once for each.
/// </summary>
internal sealed unsafe class ElementwiseStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Floats of a block: with its operands it stays in the first-level cache.</summary>
    private const int BlockFloats = 2048;

    /// <summary>Views of the loops before those of the links: the result and the start.</summary>
    private const int FirstOther = 2;

    private readonly ValueView _start;
    private readonly ImmutableArray<ElementLink> _links;
    private readonly ValueView _result;
    private readonly LoopNest _loops;

    /// <param name="start">The first value; an activation needs it contiguous as the result is.</param>
    /// <param name="links">What is done with it, at least one function.</param>
    /// <param name="result">Contiguous along its innermost axis.</param>
    public ElementwiseStep(ValueView start, ImmutableArray<ElementLink> links, ValueView result)
    {
        (_start, _links, _result) = (start, links, result);
        _loops = new LoopNest([result, start, .. links.Select(l => l.Other ?? result)]);
    }

    private long Work => (long)_loops.Columns * _links.Length;

    public override void Execute(RunContext context) => context.Share(this, 0, _loops.RowsPerItem * context.Batch, Work);

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        float* start = context.Address(_start), result = context.Address(_result);
        nint targetRow = (nint)_loops.InnerRowStride(0);
        long most = _links.Length == 1 ? long.MaxValue : Math.Max(1, BlockFloats / _loops.Columns);
        // Rows of the innermost outer loop are equally far apart in every view: only a block's first needs the full arithmetic.
        for (long row = first; row < end;)
        {
            int count = (int)Math.Min(Math.Min(_loops.InnerRows - row % _loops.InnerRows, end - row), most);
            float* target = result + _loops.Offset(0, row);
            var value = new Rows(start + _loops.Offset(1, row), (nint)_loops.InnerRowStride(1), (nint)_loops.ColumnStrides[1]);
            for (int i = 0; i < _links.Length; i++)
            {
                ElementLink link = _links[i];
                if (link.Function is UnaryOp activation)
                {
                    ActivationKernel<T>.Run(activation, value.Start, value.Distance, target, targetRow, count, _loops.Columns);
                }
                else
                {
                    int view = FirstOther + i;
                    var other = new Rows(context.Address(link.Other!) + _loops.Offset(view, row), (nint)_loops.InnerRowStride(view), (nint)_loops.ColumnStrides[view]);
                    if (link.IsSecond)
                        Run(link.Function, other, value, target, targetRow, count);
                    else
                        Run(link.Function, value, other, target, targetRow, count);
                }
                value = new Rows(target, targetRow, 1);
            }
            row += count;
        }
    }

    private void Run(Operator function, Rows a, Rows b, float* target, nint targetRow, int count)
    {
        switch ((function as BinaryOp)?.Kind)
        {
            case BinaryKind.Add: Run<Add>(a, b, target, targetRow, count, _loops.Columns); break;
            case BinaryKind.Subtract: Run<Subtract>(a, b, target, targetRow, count, _loops.Columns); break;
            case BinaryKind.Multiply: Run<Multiply>(a, b, target, targetRow, count, _loops.Columns); break;
            case BinaryKind.Divide: Run<Divide>(a, b, target, targetRow, count, _loops.Columns); break;
            case BinaryKind.Max: Run<Larger>(a, b, target, targetRow, count, _loops.Columns); break;
            case BinaryKind.Min: Run<Smaller>(a, b, target, targetRow, count, _loops.Columns); break;
            case null: Run<PRelu>(a, b, target, targetRow, count, _loops.Columns); break;
            default: throw new NotSupportedException($"The managed engine has no kernel for {function}.");
        }
    }

    private static void Run<TFunction>(Rows a, Rows b, float* target, nint targetRow, int count, int columns) where TFunction : struct, IFunction2
    {
        float* x = a.Start, z = b.Start;
        for (int r = 0; r < count; r++)
        {
            Row<TFunction>(x, a.Column, z, b.Column, target, columns);
            x += a.Distance;
            z += b.Distance;
            target += targetRow;
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

    /// <summary>Rows of an argument: where the first starts, how far they are apart, and whether their elements follow each other (1) or are all the same (0).</summary>
    private readonly struct Rows(float* start, nint distance, nint column)
    {
        public readonly float* Start = start;
        public readonly nint Distance = distance;
        public readonly nint Column = column;
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
        public static T Of(T a, T b) => T.Maximum(a, b);
    }

    private readonly struct Smaller : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => T.Minimum(a, b);
    }

    private readonly struct PRelu : IFunction2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T a, T b) => T.SelectLess(T.Zero, a, a, a * b);
    }
}
