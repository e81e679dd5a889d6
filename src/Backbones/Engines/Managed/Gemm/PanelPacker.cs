using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>Lays out the right matrix of a product of two activations in the panels that <see cref="GemmTile{T}"/> reads.</summary>
internal static unsafe class PanelPacker<T> where T : struct, IVector<T>
{
    /// <summary>Floats of a packed K × N matrix.</summary>
    public static long Size(int k, int n) => (long)k * Padded(n);

    /// <summary>Columns with the padding to whole vectors.</summary>
    public static int Padded(int n) => (n + T.Count - 1) / T.Count * T.Count;

    /// <summary>Vectors of the panel that starts at <paramref name="column"/>.</summary>
    public static int Vectors(int n, int column) => Math.Min(T.TileColumns, (Padded(n) - column) / T.Count);

    /// <summary>Packs a matrix with element (k, n) at source[k · kDistance + n · nDistance], where one of the distances is 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(float* source, nint kDistance, nint nDistance, int k, int n, float* target)
    {
        for (int first = 0; first < n; first += GemmTile<T>.Width)
        {
            int width = Vectors(n, first) * T.Count, columns = Math.Min(width, n - first);
            float* panel = source + first * nDistance;
            if (nDistance == 1)
                PackRows(panel, kDistance, k, columns, target, width);
            else
                Transposition.Run(panel, nDistance, target, width, columns, k);
            if (columns < width)
                ClearColumns(target, k, columns, width);
            target += (nint)k * width;
        }
    }

    /// <summary>rows · packed → target, rows of any height.</summary>
    public static void Multiply(float* rows, nint distance, int count, float* packed, int k, int n, float* target, nint targetDistance, bool wholeVectors)
    {
        nint start = 0;
        TileArguments args = default;
        args.RunOffsets = &start;
        args.Runs = 1;
        args.Lda = distance;
        args.Ldc = targetDistance;
        args.K = k;
        for (int first = 0; first < n; first += GemmTile<T>.Width)
        {
            int vectors = Vectors(n, first), columns = Math.Min(vectors * T.Count, n - first);
            args.B = packed + (long)first * k;
            args.LastLanes = wholeVectors || columns % T.Count == 0 ? T.Count : columns % T.Count;
            GemmTile<T>.RunPanel(&args, rows, target + first, count, vectors);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRows(float* source, nint distance, int k, int columns, float* target, int width)
    {
        for (int i = 0; i < k; i++)
        {
            nint c = 0;
            for (; c <= columns - T.Count; c += T.Count)
                T.Store(T.Load(source + c), target + c);
            if (c < columns)
                T.Store(T.LoadFirst(source + c, columns - c), target + c);
            source += distance;
            target += width;
        }
    }

    private static void ClearColumns(float* target, int k, int first, int width)
    {
        for (int i = 0; i < k; i++)
            new Span<float>(target + (nint)i * width + first, width - first).Clear();
    }
}
