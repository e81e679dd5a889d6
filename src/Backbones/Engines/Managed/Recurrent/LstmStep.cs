using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// The steps of a bidirectional LSTM whose product with the inputs is there. A piece is a block of sequences in one direction: in each step one product of their
/// states with the recurrent weights, to which the tile adds the input's part, then the gates, all in the cache. A sequence's numbers do not depend on its block.
/// </summary>
/// <param name="gates">[…, L, 2 · 4 · hidden], row-major: input, forget, cell and output gates of the forward direction, then of the backward one, without the states' part.</param>
/// <param name="recurrent">For each direction the weights [hidden, 4 · hidden].</param>
/// <param name="result">[…, L, 2 · hidden], row-major.</param>
internal sealed unsafe class LstmStep<T>(ValueView gates, PackedMatrix<T> recurrent, ValueView result) : Step where T : struct, IVector<T>
{
    /// <summary>Two full tiles high.</summary>
    private const int BlockSequences = 2 * GemmTile<T>.Rows;

    private readonly int _length = gates.Dims[^2];
    private readonly long _sequences = gates.Length / (gates.Dims[^2] * gates.Dims[^1]);
    private readonly nint _gatesDistance = (nint)gates.Strides[^2];
    private readonly nint _resultDistance = (nint)result.Strides[^2];

    private int Hidden => recurrent.K;

    private int StateDistance => PanelPacker<T>.Padded(Hidden);

    private int GatesDistance => PanelPacker<T>.Padded(4 * Hidden);

    public override long MultiplyAdds => _sequences * _length * 8 * Hidden * Hidden;

    public override long WorkerScratch => (long)BlockSequences * (2 * StateDistance + GatesDistance);

    private int Blocks(RunContext context) => (int)((_sequences * context.Batch + BlockSequences - 1) / BlockSequences);

    public override void Execute(RunContext context) => context.Share(this, 0, 2 * Blocks(context));

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        int blocks = Blocks(context), direction = index / blocks;
        long first = (long)(index % blocks) * BlockSequences;
        int rows = (int)Math.Min(BlockSequences, _sequences * context.Batch - first);
        float* inputs = context.Address(gates) + first * _length * _gatesDistance + direction * 4 * Hidden;
        float* target = context.Address(result) + first * _length * _resultDistance + direction * Hidden;
        float* states = context.WorkerScratch(worker), cells = states + BlockSequences * StateDistance, sums = cells + BlockSequences * StateDistance;
        new Span<float>(cells, rows * StateDistance).Clear();
        for (int i = 0; i < _length; i++)
        {
            int t = direction == 0 ? i : _length - 1 - i;
            float* step = inputs + t * _gatesDistance;
            // The first states are zeros.
            if (i > 0)
                AddStates(direction, states, rows, step, sums);
            for (int row = 0; row < rows; row++)
            {
                float* sum = i > 0 ? sums + row * GatesDistance : step + row * _length * _gatesDistance;
                Cell(sum, cells + row * StateDistance, states + row * StateDistance, target + (row * _length + t) * _resultDistance);
            }
        }
    }

    private void AddStates(int direction, float* states, int rows, float* step, float* sums)
    {
        nint start = 0;
        TileArguments args = default;
        args.Lda = StateDistance;
        args.Ldc = GatesDistance;
        args.Ldr = _length * _gatesDistance;
        args.RunOffsets = &start;
        args.Runs = 1;
        args.K = Hidden;
        args.LastLanes = T.Count;
        for (int panel = 0; panel < recurrent.Panels; panel++)
        {
            int column = panel * GemmTile<T>.Width;
            args.B = recurrent.Panel(direction, panel, 0);
            args.Residual = step + column;
            GemmTile<T>.RunPanel(&args, states, sums + column, rows, recurrent.Vectors(panel));
        }
    }

    /// <summary>One sequence's step. Lanes beyond the last unit hold what nobody reads; they are not stored to the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Cell(float* sum, float* cell, float* state, float* target)
    {
        nint hidden = Hidden;
        for (nint k = 0; k < hidden; k += T.Count)
        {
            T update = VectorMath<T>.Sigmoid(T.Load(sum + k)) * VectorMath<T>.Tanh(T.Load(sum + 2 * hidden + k));
            T c = T.MultiplyAdd(VectorMath<T>.Sigmoid(T.Load(sum + hidden + k)), T.Load(cell + k), update);
            T h = VectorMath<T>.Sigmoid(T.Load(sum + 3 * hidden + k)) * VectorMath<T>.Tanh(c);
            T.Store(c, cell + k);
            T.Store(h, state + k);
            if (hidden - k >= T.Count)
                T.Store(h, target + k);
            else
                T.StoreFirst(h, target + k, hidden - k);
        }
    }
}
