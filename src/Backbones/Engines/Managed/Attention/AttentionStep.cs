namespace Backbones.Engines.Managed;

/// <summary>
/// softmax(q · kᵀ · scale + mask) · v. Keys and values of every head are packed once; then blocks of queries compute their scores,
/// normalise them and multiply with the values inside the second-level cache: the whole score matrix never exists. Heads with few queries (windows) are packed where
/// they are used.
/// </summary>
internal sealed unsafe class AttentionStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Queries of a block where a head has several.</summary>
    private const int BlockRows = 48;

    /// <summary>Queries of a head that has one block alone.</summary>
    private const int MostRows = 64;

    private readonly float _scale;
    private readonly ValueView _q;
    private readonly ValueView _k;
    private readonly ValueView _v;
    private readonly ValueView? _mask;
    private readonly ValueView _result;
    private readonly LeadingAxes _qHeads;
    private readonly LeadingAxes _kHeads;
    private readonly LeadingAxes _vHeads;
    private readonly LeadingAxes? _maskHeads;
    private readonly LeadingAxes _resultHeads;
    private readonly int _queries;
    private readonly int _keys;
    private readonly int _depth;
    private readonly int _valueDepth;

    /// <param name="scale">Factor of the scores.</param>
    /// <param name="q">[…, Lq, d], contiguous along d, as are <paramref name="k"/> [.., Lk, d], <paramref name="v"/> [.., Lk, dv] and the result.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="mask">Broadcast to [.., Lq, Lk], contiguous along Lk; null for none.</param>
    /// <param name="result">[.., Lq, dv].</param>
    public AttentionStep(float scale, ValueView q, ValueView k, ValueView v, ValueView? mask, ValueView result)
    {
        (_scale, _q, _k, _v, _mask, _result) = (scale, q, k, v, mask, result);
        (_queries, _depth, _keys, _valueDepth) = (q.Dims[^2], q.Dims[^1], k.Dims[^2], v.Dims[^1]);
        ReadOnlySpan<int> leading = result.Dims.AsSpan(..^2);
        (_qHeads, _kHeads, _vHeads, _resultHeads) = (new(q, leading), new(k, leading), new(v, leading), new(result, leading));
        _maskHeads = mask is null ? null : new(mask, leading);
    }

    public override long MultiplyAdds => (long)_resultHeads.Count * _queries * _keys * (_depth + _valueDepth);

    public override long SharedScratch(int batch) => Blocks > 1 ? batch * _resultHeads.Count * HeadSize : 0;

    public override long WorkerScratch => (long)MostRows * PanelPacker<T>.Padded(_keys) + (Blocks > 1 ? 0 : HeadSize);

    private long HeadSize => PanelPacker<T>.Size(_depth, _keys) + PanelPacker<T>.Size(_keys, _valueDepth);

    private int Blocks => _queries <= MostRows ? 1 : (_queries + BlockRows - 1) / BlockRows;

    public override void Execute(RunContext context)
    {
        long heads = (long)context.Batch * _resultHeads.Count;
        if (Blocks > 1)
            context.Share(this, 0, heads, HeadSize);
        context.Share(this, 1, heads * Blocks, (long)Math.Min(BlockRows, _queries) * _keys * (_depth + _valueDepth) / 16);
    }

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        if (phase == 0)
        {
            for (int i = (int)first; i < end; i++)
                PackHead(context, i, context.SharedScratch + i * HeadSize);
            return;
        }
        float* packed = context.WorkerScratch(worker) + (long)MostRows * PanelPacker<T>.Padded(_keys);
        for (long block = first; block < end; block++)
        {
            int head = (int)(block / Blocks);
            if (Blocks > 1)
                packed = context.SharedScratch + head * HeadSize;
            else
                PackHead(context, head, packed);
            // Blocks of nearly equal height: a single query left over would take as long as three.
            (long row, long endRow) = Pieces.Range(_queries, Blocks, (int)(block % Blocks));
            RunBlock(context, worker, head, packed, (int)row, (int)(endRow - row));
        }
    }

    private void PackHead(RunContext context, int index, float* target)
    {
        int item = index / _resultHeads.Count, head = index % _resultHeads.Count;
        PanelPacker<T>.Pack(context.Address(_k) + item * _k.ItemStride + _kHeads.Offset(head), 1, (nint)_k.Strides[^2], _depth, _keys, target);
        PanelPacker<T>.Pack(context.Address(_v) + item * _v.ItemStride + _vHeads.Offset(head), (nint)_v.Strides[^2], 1, _keys, _valueDepth, target + PanelPacker<T>.Size(_depth, _keys));
    }

    private void RunBlock(RunContext context, int worker, int index, float* packed, int row, int rows)
    {
        int item = index / _resultHeads.Count, head = index % _resultHeads.Count;
        float* scores = context.WorkerScratch(worker);
        nint distance = PanelPacker<T>.Padded(_keys);
        float* q = context.Address(_q) + item * _q.ItemStride + _qHeads.Offset(head) + row * _q.Strides[^2];
        PanelPacker<T>.Multiply(q, (nint)_q.Strides[^2], rows, packed, _depth, _keys, scores, distance, wholeVectors: true);

        float* mask = null;
        nint maskDistance = 0;
        if (_mask is not null)
        {
            maskDistance = _mask.Dims[^2] == 1 ? 0 : (nint)_mask.Strides[^2];
            mask = context.Address(_mask) + item * _mask.ItemStride + _maskHeads!.Offset(head) + row * maskDistance;
        }
        float* sums = stackalloc float[MostRows];
        SoftmaxRows<T>.Exponentials(scores, distance, rows, _keys, _scale, mask, maskDistance, sums);

        float* target = context.Address(_result) + item * _result.ItemStride + _resultHeads.Offset(head) + row * _result.Strides[^2];
        nint targetDistance = (nint)_result.Strides[^2];
        PanelPacker<T>.Multiply(scores, distance, rows, packed + PanelPacker<T>.Size(_depth, _keys), _keys, _valueDepth, target, targetDistance, wholeVectors: false);
        SoftmaxRows<T>.Divide(target, targetDistance, rows, _valueDepth, sums);
    }
}
