using System.Collections;
using System.Runtime.CompilerServices;

namespace Backbones.Graphs;

/// <summary>The dimensions of one tensor, without the batch: a feature map is <c>[C, H, W]</c>, tokens are <c>[L, C]</c>, pooled features <c>[C]</c>.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>, IReadOnlyList<int>
{
    private readonly int[]? _dims;

    private Shape(int[] dims) => _dims = dims;

    /// <summary>Makes a shape of the given dimensions, each zero or more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is negative.</exception>
    public static Shape Create(ReadOnlySpan<int> dims)
    {
        foreach (int d in dims)
        {
            if (d < 0)
                throw new ArgumentOutOfRangeException(nameof(dims), d, $"The dimensions of a shape are 0 or more; received [{string.Join(", ", dims.ToArray().Select(n => $"{n}"))}].");
        }
        return new Shape(dims.ToArray());
    }

    /// <summary>Number of dimensions, batch not counted.</summary>
    public int Rank => _dims?.Length ?? 0;

    /// <summary>Number of elements of one batch item; 1 for a scalar.</summary>
    /// <exception cref="OverflowException">The product does not fit 64 bits.</exception>
    public long Length
    {
        get
        {
            long n = 1;
            foreach (int d in Dimensions)
                n = d == 0 || n <= long.MaxValue / d ? n * d : throw new OverflowException($"{this} has more elements than 64 bits can count.");
            return n;
        }
    }

    /// <summary>The dimensions as a span.</summary>
    public ReadOnlySpan<int> Dimensions => _dims;

    /// <summary>Dimension <paramref name="index"/>; <c>^1</c> is the last.</summary>
    public int this[int index] => Dimensions[index];

    int IReadOnlyCollection<int>.Count => Rank;

    /// <summary>Number of dimensions (for index-from-end and list patterns).</summary>
    public int Count => Rank;

    /// <summary>The same shape with dimension <paramref name="axis"/> set to <paramref name="value"/>.</summary>
    public Shape With(int axis, int value)
    {
        int[] dims = Dimensions.ToArray();
        dims[axis] = value;
        return Create(dims);
    }

    /// <summary>Turns a negative axis into one counted from the front.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The axis is outside <c>[-Rank, Rank)</c>.</exception>
    public int Axis(int axis)
    {
        int a = axis < 0 ? axis + Rank : axis;
        if ((uint)a >= (uint)Rank)
            throw new ArgumentOutOfRangeException(nameof(axis), axis, $"Axis {axis} is outside shape {this}; {(Rank == 0 ? "a scalar has no axes" : $"valid axes are {-Rank} to {Rank - 1}")}.");
        return a;
    }

    /// <summary>Row-major strides in elements, within one batch item.</summary>
    public int[] Strides()
    {
        var strides = new int[Rank];
        int s = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            strides[i] = s;
            s = checked(s * Dimensions[i]);
        }
        return strides;
    }

    /// <summary>NumPy broadcasting of two shapes (batch dimension not counted).</summary>
    /// <exception cref="GraphException">The shapes do not broadcast.</exception>
    public static Shape Broadcast(Shape a, Shape b)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        var dims = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            int x = i - (rank - a.Rank) is >= 0 and int ia ? a[ia] : 1;
            int y = i - (rank - b.Rank) is >= 0 and int ib ? b[ib] : 1;
            dims[i] = x == y || y == 1 ? x : x == 1 ? y : throw new GraphException($"Shapes {a} and {b} do not broadcast: {x} against {y} at axis {i - rank}.");
        }
        return Create(dims);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Dimensions.SequenceEqual(other.Dimensions);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int d in Dimensions)
            hash.Add(d);
        return hash.ToHashCode();
    }

    /// <summary>Whether two shapes have the same dimensions.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether two shapes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", this.Select(d => $"{d}"))}]";

    IEnumerator<int> IEnumerable<int>.GetEnumerator() => ((IEnumerable<int>)(_dims ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => (_dims ?? []).GetEnumerator();

    /// <summary>Enumerates the dimensions.</summary>
    public ReadOnlySpan<int>.Enumerator GetEnumerator() => Dimensions.GetEnumerator();
}
