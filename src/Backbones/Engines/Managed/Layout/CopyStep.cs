using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Copies a view to another of the same dimensions and any order in memory: as rows where both are contiguous along the same axis,
/// as transpositions where along different ones.
/// </summary>
internal sealed unsafe class CopyStep<T> : Step where T : struct, IVector<T>
{
    /// <summary>Values of the source's contiguous axis in one transposition: whole cache lines are read.</summary>
    private const int Strip = 64;

    private static readonly Axis s_single = new(1, 0, 0);

    private readonly ValueView _source;
    private readonly ValueView _target;

    // Joined axes, outermost of the target first; the last is its innermost.
    private readonly Axis[] _outer;
    private readonly Axis _inner;
    private readonly Axis? _across;
    private readonly long _outerCount;

    public CopyStep(ValueView source, ValueView target)
    {
        (_source, _target) = (source, target);
        var axes = new List<Axis>();
        foreach (int axis in target.AxesInMemory())
        {
            var next = new Axis(target.Dims[axis], source.Strides[axis], target.Strides[axis]);
            if (axes.Count > 0 && axes[^1].Target == next.Target * next.Size && axes[^1].Source == next.Source * next.Size)
                axes[^1] = next with { Size = axes[^1].Size * next.Size };
            else
                axes.Add(next);
        }
        if (axes.Count == 0)
            axes.Add(new Axis(1, 1, 1));
        _inner = axes[^1];
        axes.RemoveAt(axes.Count - 1);
        if (_inner.Source != 1 && _inner.Target == 1 && axes.FindIndex(a => a.Source == 1) is >= 0 and int across)
        {
            _across = axes[across];
            axes.RemoveAt(across);
        }
        _outer = [.. axes];
        _outerCount = 1;
        foreach (Axis axis in axes)
            _outerCount *= axis.Size;
    }

    private int Strips => _across is { } across ? (across.Size + Strip - 1) / Strip : 1;

    public override void Execute(RunContext context)
        => context.Share(this, 0, _outerCount * Strips * context.Batch, (long)_inner.Size * (_across is { } across ? Math.Min(across.Size, Strip) : 1));

    public override void RunPiece(RunContext context, int phase, int index, int worker)
    {
        (long first, long end) = context.Units(index);
        // Units along the innermost of the outer axes are equally far apart: only the first needs the full arithmetic, which costs as much as a copy of a hundred floats.
        Axis run = _across is null && _outer.Length > 0 ? _outer[^1] : s_single;
        for (long unit = first; unit < end;)
        {
            long item = unit / Strips / _outerCount, rest = unit / Strips % _outerCount;
            long count = Math.Min(run.Size - rest % run.Size, end - unit);
            float* source = context.Address(_source) + item * _source.ItemStride, target = context.Address(_target) + item * _target.ItemStride;
            for (int i = _outer.Length - 1; i >= 0; i--)
            {
                long position = rest % _outer[i].Size;
                rest /= _outer[i].Size;
                source += position * _outer[i].Source;
                target += position * _outer[i].Target;
            }
            if (_across is { } across)
            {
                nint start = (nint)(unit % Strips) * Strip;
                Transposition.Run(source + start, (nint)_inner.Source, target + start * (nint)across.Target, (nint)across.Target, _inner.Size, Math.Min(Strip, across.Size - start));
            }
            else
            {
                for (long i = 0; i < count; i++)
                    Copy(source + i * run.Source, (nint)_inner.Source, target + i * run.Target, (nint)_inner.Target, _inner.Size);
            }
            unit += count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* source, nint sourceStride, float* target, nint targetStride, nint count)
    {
        nint i = 0;
        if (sourceStride == 1 && targetStride == 1)
        {
            for (; i <= count - T.Count; i += T.Count)
                T.Store(T.Load(source + i), target + i);
            if (i < count)
                T.StoreFirst(T.LoadFirst(source + i, count - i), target + i, count - i);
            return;
        }
        for (; i < count; i++)
            target[i * targetStride] = source[i * sourceStride];
    }

    /// <summary>An axis, and the distances of its elements in both views. A class, as .NET compiles anew what collections do with structs, in the time of a first output.</summary>
    private sealed record Axis(int Size, long Source, long Target);
}
