using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>
/// What happens to a product before it leaves the cache: a residual is added and the result clamped inside the tile;
/// other activations run over each tile just written.
/// </summary>
internal sealed unsafe class ProductEpilogue<T> where T : struct, IVector<T>
{
    private readonly ValueView? _residual;
    private readonly ValueView? _addend;
    private readonly RowLayout _rows;
    private readonly RowLayout _addendRows;
    private readonly float _low = float.NegativeInfinity;
    private readonly float _high = float.PositiveInfinity;
    private readonly bool _clamp;

    /// <param name="residual">Added before the activation; its rows are those of the result.</param>
    /// <param name="activation">Applied at the end.</param>
    /// <param name="addend">Added behind the bounds, by depthwise convolutions alone; its rows are those of the result.</param>
    public ProductEpilogue(ValueView? residual, UnaryOp? activation, ValueView? addend = null)
    {
        (_residual, _addend) = (residual, addend);
        if (residual is not null)
            _rows = residual.Rows() ?? throw new ArgumentException("The rows of the residual must be equally far apart.", nameof(residual));
        if (addend is not null)
            _addendRows = addend.Rows() ?? throw new ArgumentException("The rows of the addend must be equally far apart.", nameof(addend));
        if (activation is not null && ChannelBounds.OfAll(activation) is var (low, high))
            (_low, _high, _clamp) = (low, high, true);
        else
            Activation = activation;
    }

    /// <summary>What is applied to the values that <see cref="GemmTile{T}"/> has stored; null where it clamps or leaves them.</summary>
    public UnaryOp? Activation { get; }

    /// <summary>The bounds, where there is no residual.</summary>
    public void Prepare(ref TileArguments args)
    {
        args.Clamp = _clamp;
        args.Low = _low;
        args.High = _high;
    }

    public void Prepare(RunContext context, ref TileArguments args, long row, int column)
    {
        Prepare(ref args);
        if (_residual is not null)
        {
            args.Residual = context.Address(_residual) + row * _rows.Distance + column;
            args.Ldr = (nint)_rows.Distance;
        }
    }

    /// <summary>All but the bounds, which depthwise convolutions have for each channel (<see cref="ChannelBounds"/>).</summary>
    public void Prepare(RunContext context, ref DepthwiseLine args, long row, int column)
    {
        args.Clamp = _clamp;
        if (_addend is not null)
        {
            args.Addend = context.Address(_addend) + row * _addendRows.Distance + column;
            args.AddendPixel = (nint)_addendRows.Distance;
        }
        if (_residual is not null)
        {
            args.Residual = context.Address(_residual) + row * _rows.Distance + column;
            args.ResidualPixel = (nint)_rows.Distance;
        }
    }

    public void Finish(float* target, int rows, int columns, nint distance)
    {
        if (Activation is not null)
            ActivationKernel<T>.Run(Activation, target, distance, target, distance, rows, columns);
    }

    /// <summary>Finishes a line of <paramref name="pixels"/> vectors, one per pixel, that lie one after another, and stores their first lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(RunContext context, float* values, T bias, float* target, nint pixelDistance, int pixels, int lanes, long row, int column)
    {
        T low = T.Create(_low), high = T.Create(_high);
        float* residual = _residual is null ? null : context.Address(_residual) + row * _rows.Distance + column;
        for (int x = 0; x < pixels; x++)
        {
            T value = T.Load(values + x * T.Count) + bias;
            if (residual != null)
                value += T.Load(residual + x * _rows.Distance);
            if (_clamp)
                value = T.Min(high, T.Max(low, value));
            if (lanes == T.Count)
                T.Store(value, target + x * pixelDistance);
            else
                T.StoreFirst(value, target + x * pixelDistance, lanes);
        }
        Finish(target, pixels, lanes, pixelDistance);
    }
}
