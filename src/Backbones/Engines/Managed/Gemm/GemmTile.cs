using System.Runtime.CompilerServices;
using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>
/// The register-blocked heart of every matrix product: up to 6 rows by up to 4 vectors (2 where there are 16 registers), all K.
/// For each k one load per column vector and one broadcast per row serve rows × columns multiply-adds. Rows are read in place,
/// without packing: on Zen 5 this ran at 97 % of peak for any row distance, powers of two included, and 12×2 or packed tiles were no faster.
/// </summary>
internal static unsafe class GemmTile<T> where T : struct, IVector<T>
{
    /// <summary>Rows of a full tile.</summary>
    public const int Rows = 6;

    /// <summary>Floats of a full tile's row: the width of a packed panel.</summary>
    public static int Width => T.TileColumns * T.Count;

    private static readonly delegate*<TileArguments*, void>[] s_tiles = MakeTiles();

    /// <summary>Runs a tile of 1 to 6 rows and 1 to <see cref="IVector{T}.TileColumns"/> vectors.</summary>
    public static void Run(int rows, int columns, TileArguments* args) => s_tiles[(rows - 1) * 4 + columns - 1](args);

    /// <summary>Has .NET compile the tiles of a full panel that nearly all products use, a classifier's one row among them: 9 ms each, for which a plan's first run would wait.</summary>
    public static void Prepare()
    {
        float* target = stackalloc float[Rows * Width];
        TileArguments args = default;
        args.C = target;
        args.Ldc = Width;
        args.LastLanes = T.Count;
        foreach (int rows in (ReadOnlySpan<int>)[6, 5, 4, 1, 3])
            Run(rows, T.TileColumns, &args);
    }

    /// <summary>
    /// All rows of a panel: A and C are those of the first row, and so are the start and the residual where there is one. An activation runs over each tile while it is in the first-level cache; over the whole panel
    /// it found its rows, far apart as they are, in the second-level cache at best.
    /// </summary>
    public static void RunPanel(TileArguments* args, float* a, float* target, int rows, int vectors, UnaryOp? activation = null)
    {
        // Tiles of nearly equal height: a single row left over would take as long as three.
        int tiles = (rows + Rows - 1) / Rows, row = 0;
        float* residual = args->Residual, start = args->Start;
        for (int i = 0; i < tiles; i++)
        {
            int height = (rows - row) / (tiles - i);
            args->A = a + row * args->Lda;
            args->C = target + row * args->Ldc;
            args->Start = start == null ? null : start + row * args->StartDistance;
            if (residual != null)
                args->Residual = residual + row * args->Ldr;
            Run(height, vectors, args);
            if (activation is not null)
                ActivationKernel<T>.Run(activation, args->C, args->Ldc, args->C, args->Ldc, height, (vectors - 1) * T.Count + (int)args->LastLanes);
            row += height;
        }
        args->Residual = null;
        args->Start = start;
    }

    private static delegate*<TileArguments*, void>[] MakeTiles()
    {
        var tiles = new delegate*<TileArguments*, void>[Rows * 4];
        tiles[0] = &Tile<Count1, Count1>;
        tiles[1] = &Tile<Count1, Count2>;
        tiles[2] = &Tile<Count1, Count3>;
        tiles[3] = &Tile<Count1, Count4>;
        tiles[4] = &Tile<Count2, Count1>;
        tiles[5] = &Tile<Count2, Count2>;
        tiles[6] = &Tile<Count2, Count3>;
        tiles[7] = &Tile<Count2, Count4>;
        tiles[8] = &Tile<Count3, Count1>;
        tiles[9] = &Tile<Count3, Count2>;
        tiles[10] = &Tile<Count3, Count3>;
        tiles[11] = &Tile<Count3, Count4>;
        tiles[12] = &Tile<Count4, Count1>;
        tiles[13] = &Tile<Count4, Count2>;
        tiles[14] = &Tile<Count4, Count3>;
        tiles[15] = &Tile<Count4, Count4>;
        tiles[16] = &Tile<Count5, Count1>;
        tiles[17] = &Tile<Count5, Count2>;
        tiles[18] = &Tile<Count5, Count3>;
        tiles[19] = &Tile<Count5, Count4>;
        tiles[20] = &Tile<Count6, Count1>;
        tiles[21] = &Tile<Count6, Count2>;
        tiles[22] = &Tile<Count6, Count3>;
        tiles[23] = &Tile<Count6, Count4>;
        return tiles;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows, TColumns>(TileArguments* args) where TRows : struct, ICount where TColumns : struct, ICount
    {
        nint lda = args->Lda;
        float* b = args->B;

        T c00 = T.Zero, c01 = T.Zero, c02 = T.Zero, c03 = T.Zero;
        T c10 = T.Zero, c11 = T.Zero, c12 = T.Zero, c13 = T.Zero;
        T c20 = T.Zero, c21 = T.Zero, c22 = T.Zero, c23 = T.Zero;
        T c30 = T.Zero, c31 = T.Zero, c32 = T.Zero, c33 = T.Zero;
        T c40 = T.Zero, c41 = T.Zero, c42 = T.Zero, c43 = T.Zero;
        T c50 = T.Zero, c51 = T.Zero, c52 = T.Zero, c53 = T.Zero;

        if (args->Start != null)
        {
            float* start = args->Start;
            c00 = T.Load(start);
            if (TColumns.Value > 1) c01 = T.Load(start + T.Count);
            if (TColumns.Value > 2) c02 = T.Load(start + 2 * T.Count);
            if (TColumns.Value > 3) c03 = T.Load(start + 3 * T.Count);
            start += args->StartDistance;
            if (TRows.Value > 1) c10 = T.Load(start);
            if (TRows.Value > 1 && TColumns.Value > 1) c11 = T.Load(start + T.Count);
            if (TRows.Value > 1 && TColumns.Value > 2) c12 = T.Load(start + 2 * T.Count);
            if (TRows.Value > 1 && TColumns.Value > 3) c13 = T.Load(start + 3 * T.Count);
            start += args->StartDistance;
            if (TRows.Value > 2) c20 = T.Load(start);
            if (TRows.Value > 2 && TColumns.Value > 1) c21 = T.Load(start + T.Count);
            if (TRows.Value > 2 && TColumns.Value > 2) c22 = T.Load(start + 2 * T.Count);
            if (TRows.Value > 2 && TColumns.Value > 3) c23 = T.Load(start + 3 * T.Count);
            start += args->StartDistance;
            if (TRows.Value > 3) c30 = T.Load(start);
            if (TRows.Value > 3 && TColumns.Value > 1) c31 = T.Load(start + T.Count);
            if (TRows.Value > 3 && TColumns.Value > 2) c32 = T.Load(start + 2 * T.Count);
            if (TRows.Value > 3 && TColumns.Value > 3) c33 = T.Load(start + 3 * T.Count);
            start += args->StartDistance;
            if (TRows.Value > 4) c40 = T.Load(start);
            if (TRows.Value > 4 && TColumns.Value > 1) c41 = T.Load(start + T.Count);
            if (TRows.Value > 4 && TColumns.Value > 2) c42 = T.Load(start + 2 * T.Count);
            if (TRows.Value > 4 && TColumns.Value > 3) c43 = T.Load(start + 3 * T.Count);
            start += args->StartDistance;
            if (TRows.Value > 5) c50 = T.Load(start);
            if (TRows.Value > 5 && TColumns.Value > 1) c51 = T.Load(start + T.Count);
            if (TRows.Value > 5 && TColumns.Value > 2) c52 = T.Load(start + 2 * T.Count);
            if (TRows.Value > 5 && TColumns.Value > 3) c53 = T.Load(start + 3 * T.Count);
        }

        for (nint run = 0; run < args->Runs; run++)
        {
            float* a0 = args->A + args->RunOffsets[run], a3 = a0 + 3 * lda;
            for (nint k = args->K; k > 0; k--)
            {
                T b0 = T.Load(b), b1 = default, b2 = default, b3 = default, x;
                if (TColumns.Value > 1) b1 = T.Load(b + T.Count);
                if (TColumns.Value > 2) b2 = T.Load(b + 2 * T.Count);
                if (TColumns.Value > 3) b3 = T.Load(b + 3 * T.Count);
                b += TColumns.Value * T.Count;

                x = T.Create(*a0);
                c00 = T.MultiplyAdd(x, b0, c00);
                if (TColumns.Value > 1) c01 = T.MultiplyAdd(x, b1, c01);
                if (TColumns.Value > 2) c02 = T.MultiplyAdd(x, b2, c02);
                if (TColumns.Value > 3) c03 = T.MultiplyAdd(x, b3, c03);
                if (TRows.Value > 1)
                {
                    x = T.Create(a0[lda]);
                    c10 = T.MultiplyAdd(x, b0, c10);
                    if (TColumns.Value > 1) c11 = T.MultiplyAdd(x, b1, c11);
                    if (TColumns.Value > 2) c12 = T.MultiplyAdd(x, b2, c12);
                    if (TColumns.Value > 3) c13 = T.MultiplyAdd(x, b3, c13);
                }
                if (TRows.Value > 2)
                {
                    x = T.Create(a0[2 * lda]);
                    c20 = T.MultiplyAdd(x, b0, c20);
                    if (TColumns.Value > 1) c21 = T.MultiplyAdd(x, b1, c21);
                    if (TColumns.Value > 2) c22 = T.MultiplyAdd(x, b2, c22);
                    if (TColumns.Value > 3) c23 = T.MultiplyAdd(x, b3, c23);
                }
                if (TRows.Value > 3)
                {
                    x = T.Create(*a3);
                    c30 = T.MultiplyAdd(x, b0, c30);
                    if (TColumns.Value > 1) c31 = T.MultiplyAdd(x, b1, c31);
                    if (TColumns.Value > 2) c32 = T.MultiplyAdd(x, b2, c32);
                    if (TColumns.Value > 3) c33 = T.MultiplyAdd(x, b3, c33);
                }
                if (TRows.Value > 4)
                {
                    x = T.Create(a3[lda]);
                    c40 = T.MultiplyAdd(x, b0, c40);
                    if (TColumns.Value > 1) c41 = T.MultiplyAdd(x, b1, c41);
                    if (TColumns.Value > 2) c42 = T.MultiplyAdd(x, b2, c42);
                    if (TColumns.Value > 3) c43 = T.MultiplyAdd(x, b3, c43);
                }
                if (TRows.Value > 5)
                {
                    x = T.Create(a3[2 * lda]);
                    c50 = T.MultiplyAdd(x, b0, c50);
                    if (TColumns.Value > 1) c51 = T.MultiplyAdd(x, b1, c51);
                    if (TColumns.Value > 2) c52 = T.MultiplyAdd(x, b2, c52);
                    if (TColumns.Value > 3) c53 = T.MultiplyAdd(x, b3, c53);
                }
                a0++;
                a3++;
            }
        }

        float* target = args->C, residual = args->Residual;

        Finish<TColumns>(args, target, residual, c00, c01, c02, c03);
        if (TRows.Value > 1)
        {
            target += args->Ldc;
            residual = residual == null ? null : residual + args->Ldr;
            Finish<TColumns>(args, target, residual, c10, c11, c12, c13);
        }
        if (TRows.Value > 2)
        {
            target += args->Ldc;
            residual = residual == null ? null : residual + args->Ldr;
            Finish<TColumns>(args, target, residual, c20, c21, c22, c23);
        }
        if (TRows.Value > 3)
        {
            target += args->Ldc;
            residual = residual == null ? null : residual + args->Ldr;
            Finish<TColumns>(args, target, residual, c30, c31, c32, c33);
        }
        if (TRows.Value > 4)
        {
            target += args->Ldc;
            residual = residual == null ? null : residual + args->Ldr;
            Finish<TColumns>(args, target, residual, c40, c41, c42, c43);
        }
        if (TRows.Value > 5)
        {
            target += args->Ldc;
            residual = residual == null ? null : residual + args->Ldr;
            Finish<TColumns>(args, target, residual, c50, c51, c52, c53);
        }
    }

    /// <summary>Adds the residual, clamps and stores one row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TColumns>(TileArguments* args, float* target, float* residual, T c0, T c1, T c2, T c3) where TColumns : struct, ICount
    {
        if (residual != null)
        {
            c0 += T.Load(residual);
            if (TColumns.Value > 1) c1 += T.Load(residual + T.Count);
            if (TColumns.Value > 2) c2 += T.Load(residual + 2 * T.Count);
            if (TColumns.Value > 3) c3 += T.Load(residual + 3 * T.Count);
        }
        if (args->Clamp)
        {
            T low = T.Create(args->Low), high = T.Create(args->High);
            c0 = T.Min(high, T.Max(low, c0));
            if (TColumns.Value > 1) c1 = T.Min(high, T.Max(low, c1));
            if (TColumns.Value > 2) c2 = T.Min(high, T.Max(low, c2));
            if (TColumns.Value > 3) c3 = T.Min(high, T.Max(low, c3));
        }
        if (TColumns.Value > 1) T.Store(c0, target);
        if (TColumns.Value > 2) T.Store(c1, target + T.Count);
        if (TColumns.Value > 3) T.Store(c2, target + 2 * T.Count);
        T last = TColumns.Value == 1 ? c0 : TColumns.Value == 2 ? c1 : TColumns.Value == 3 ? c2 : c3;
        float* end = target + (TColumns.Value - 1) * T.Count;
        if (args->LastLanes == T.Count)
            T.Store(last, end);
        else
            T.StoreFirst(last, end, args->LastLanes);
    }
}
