namespace Backbones.Engines.Managed;

/// <summary>Products of two activations […, M, K] · […, K, N]. The right matrices are packed first, then blocks of rows are multiplied.</summary>
internal sealed unsafe class MatMulStep<T> : Step where T : struct, IVector<T>
{
    private const int BlockRows = 96;

    private readonly ValueView _left;
    private readonly ValueView _right;
    private readonly ValueView _result;
    private readonly LeadingAxes _leftMatrices;
    private readonly LeadingAxes _rightMatrices;
    private readonly LeadingAxes _resultMatrices;
    private readonly int _m;
    private readonly int _k;
    private readonly int _n;

    /// <param name="left">Rows contiguous along K.</param>
    /// <param name="right">[…, K, N], contiguous along one of the two.</param>
    /// <param name="result">Contiguous along N.</param>
    public MatMulStep(ValueView left, ValueView right, ValueView result)
    {
        (_left, _right, _result) = (left, right, result);
        (_m, _k, _n) = (result.Dims[^2], left.Dims[^1], result.Dims[^1]);
        ReadOnlySpan<int> leading = result.Dims.AsSpan(..^2);
        (_leftMatrices, _rightMatrices, _resultMatrices) = (new(left, leading), new(right, leading), new(result, leading));
    }

    public override long MultiplyAdds => (long)_resultMatrices.Count * _m * _n * _k;

    public override long SharedScratch(int batch) => batch * _rightMatrices.Count * PanelPacker<T>.Size(_k, _n);

    private int Blocks => (_m + BlockRows - 1) / BlockRows;

    public override void Execute(RunContext context)
    {
        long matrices = (long)context.Batch * _resultMatrices.Count;
        context.Share(this, 0, matrices, PanelPacker<T>.Size(_k, _n));
        context.Share(this, 1, matrices * Blocks, (long)Math.Min(_m, BlockRows) * _n * _k / 16);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        long size = PanelPacker<T>.Size(_k, _n);
        (long first, long end) = context.Units(index);
        if (phase == 0)
        {
            for (int i = (int)first; i < end; i++)
            {
                float* source = context.Address(_right) + i / _resultMatrices.Count * _right.ItemStride + _rightMatrices.Offset(i % _resultMatrices.Count);
                PanelPacker<T>.Pack(source, (nint)_right.Strides[^2], (nint)_right.Strides[^1], _k, _n, context.SharedScratch + i * size);
            }
            return;
        }
        for (long block = first; block < end; block++)
        {
            int i = (int)(block / Blocks), row = (int)(block % Blocks) * BlockRows;
            int item = i / _resultMatrices.Count, group = i % _resultMatrices.Count;
            float* left = context.Address(_left) + item * _left.ItemStride + _leftMatrices.Offset(group) + row * _left.Strides[^2];
            float* target = context.Address(_result) + item * _result.ItemStride + _resultMatrices.Offset(group) + row * _result.Strides[^2];
            PanelPacker<T>.Multiply(left, (nint)_left.Strides[^2], Math.Min(BlockRows, _m - row), context.SharedScratch + i * size, _k, _n, target, (nint)_result.Strides[^2], wholeVectors: false);
        }
    }
}
