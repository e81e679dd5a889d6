using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>
/// Combines the slices of a value along axes other than its contiguous one, where they lie: pixels of a channels-last map, tokens, splits of
/// channels; each times its factor where there are factors. A unit of work is four vectors of one row of the result.
/// </summary>
internal sealed unsafe class SliceReduceStep<T> : Step where T : struct, IVector<T>
{
    private readonly ReduceKind _kind;
    private readonly float _divisor;
    private readonly ValueView _input;
    private readonly ValueView? _factors;
    private readonly ValueView _result;
    private readonly LoopNest _loops;
    private readonly nint[] _slices;
    private readonly nint[] _factorSlices;
    private readonly int _blocks;

    /// <param name="kind">How values are combined.</param>
    /// <param name="divisor">What the sum of a mean is divided by.</param>
    /// <param name="input">Contiguous along an axis that is not reduced.</param>
    /// <param name="factors">For a mean: factors with the input's dimensions, contiguous or repeated along the same axis; null for none.</param>
    /// <param name="result">The input's axes, those that are reduced with size 1; contiguous along the same axis.</param>
    public SliceReduceStep(ReduceKind kind, long divisor, ValueView input, ValueView? factors, ValueView result)
    {
        (_kind, _divisor, _input, _factors, _result) = (kind, divisor, input, factors, result);
        _loops = new LoopNest(result, input, factors ?? input);
        _blocks = (_loops.Columns + Width - 1) / Width;
        _slices = [0];
        _factorSlices = [0];
        foreach (int axis in input.AxesInMemory())
        {
            if (result.Dims[axis] != 1)
                continue;
            _slices = Walk(_slices, input, axis);
            _factorSlices = Walk(_factorSlices, factors ?? input, axis);
        }
    }

    private static int Width => 4 * T.Count;

    public override void Execute(RunContext context) => context.Share(this, 0, _loops.RowsPerItem * _blocks * context.Batch, (long)_slices.Length * Math.Min(Width, _loops.Columns));

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        float* input = context.Address(_input), result = context.Address(_result), factors = _factors is null ? null : context.Address(_factors);
        nint factorStride = (nint)_loops.ColumnStrides[2];
        fixed (nint* slices = _slices, factorSlices = _factorSlices)
        {
            for (long unit = first; unit < end; unit++)
            {
                long row = unit / _blocks;
                int column = (int)(unit % _blocks) * Width, columns = Math.Min(Width, _loops.Columns - column);
                float* x = input + _loops.Offset(1, row) + column, y = result + _loops.Offset(0, row) + column;
                if (factors != null)
                    WeightedSum(x, slices, factors + _loops.Offset(2, row) + column * factorStride, factorSlices, factorStride, y, columns);
                else if (_kind == ReduceKind.Mean && columns == Width)
                    Sum4(x, slices, y);
                else
                    Combine(x, slices, y, columns);
            }
        }
    }

    private static nint[] Walk(nint[] starts, ValueView view, int axis)
    {
        int size = view.Dims[axis];
        var walked = new nint[starts.Length * size];
        for (int i = 0; i < walked.Length; i++)
            walked[i] = starts[i / size] + i % size * (nint)view.Strides[axis];
        return walked;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Load(float* source, nint left) => left >= T.Count ? T.Load(source) : T.LoadFirst(source, left);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(T value, float* target, nint left)
    {
        if (left >= T.Count)
            T.Store(value, target);
        else
            T.StoreFirst(value, target, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WeightedSum(float* x, nint* slices, float* factors, nint* factorSlices, nint factorStride, float* y, nint columns)
    {
        T divisor = T.Create(1 / _divisor);
        for (nint c = 0; c < columns; c += T.Count)
        {
            T sum = T.Zero;
            for (nint i = 0; i < _slices.Length; i++)
            {
                float* f = factors + factorSlices[i];
                sum = T.MultiplyAdd(Load(x + slices[i] + c, columns - c), factorStride == 0 ? T.Create(*f) : Load(f + c, columns - c), sum);
            }
            Store(sum * divisor, y + c, columns - c);
        }
    }

    /// <summary>Sums of four whole vectors, in two halves: shorter chains and smaller sums, so less rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Sum4(float* x, nint* slices, float* y)
    {
        T a0 = T.Zero, a1 = T.Zero, a2 = T.Zero, a3 = T.Zero, b0 = T.Zero, b1 = T.Zero, b2 = T.Zero, b3 = T.Zero;
        nint i = 0, count = _slices.Length;
        for (; i < count - 1; i += 2)
        {
            float* p = x + slices[i], q = x + slices[i + 1];
            a0 += T.Load(p);
            a1 += T.Load(p + T.Count);
            a2 += T.Load(p + 2 * T.Count);
            a3 += T.Load(p + 3 * T.Count);
            b0 += T.Load(q);
            b1 += T.Load(q + T.Count);
            b2 += T.Load(q + 2 * T.Count);
            b3 += T.Load(q + 3 * T.Count);
        }
        if (i < count)
        {
            float* p = x + slices[i];
            a0 += T.Load(p);
            a1 += T.Load(p + T.Count);
            a2 += T.Load(p + 2 * T.Count);
            a3 += T.Load(p + 3 * T.Count);
        }
        T divisor = T.Create(1 / _divisor);
        T.Store((a0 + b0) * divisor, y);
        T.Store((a1 + b1) * divisor, y + T.Count);
        T.Store((a2 + b2) * divisor, y + 2 * T.Count);
        T.Store((a3 + b3) * divisor, y + 3 * T.Count);
    }

    private void Combine(float* x, nint* slices, float* y, nint columns)
    {
        float each = 1f / _slices.Length;
        for (nint c = 0; c < columns; c += T.Count)
        {
            nint left = columns - c;
            T value = _kind switch
            {
                ReduceKind.Max => Fold<Larger>(x + c, slices, left, T.Zero),
                ReduceKind.L2 => T.Sqrt(Fold<Squares>(x + c, slices, left, T.Zero)),
                ReduceKind.Variance => Fold<Squares>(x + c, slices, left, Fold<Plus>(x + c, slices, left, T.Zero) * T.Create(each)) * T.Create(each),
                _ => Fold<Plus>(x + c, slices, left, T.Zero) * T.Create(1 / _divisor),
            };
            Store(value, y + c, left);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private T Fold<TFunction>(float* x, nint* slices, nint left, T centre) where TFunction : struct, IFoldFunction
    {
        T a = TFunction.Start, b = a;
        nint i = 0, count = _slices.Length;
        for (; i < count - 1; i += 2)
        {
            a = TFunction.Of(a, Load(x + slices[i], left), centre);
            b = TFunction.Of(b, Load(x + slices[i + 1], left), centre);
        }
        if (i < count)
            a = TFunction.Of(a, Load(x + slices[i], left), centre);
        return TFunction.Join(a, b);
    }

    private interface IFoldFunction
    {
        static abstract T Start { get; }

        static abstract T Of(T total, T x, T centre);

        static abstract T Join(T a, T b);
    }

    private readonly struct Plus : IFoldFunction
    {
        public static T Start => T.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T total, T x, T centre) => total + x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Join(T a, T b) => a + b;
    }

    /// <summary>Squared distances from a centre.</summary>
    private readonly struct Squares : IFoldFunction
    {
        public static T Start => T.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T total, T x, T centre) => T.MultiplyAdd(x - centre, x - centre, total);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Join(T a, T b) => a + b;
    }

    private readonly struct Larger : IFoldFunction
    {
        public static T Start => T.Create(float.NegativeInfinity);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Of(T total, T x, T centre) => T.Maximum(total, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static T Join(T a, T b) => T.Maximum(a, b);
    }
}
