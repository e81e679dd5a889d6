namespace Backbones.Engines.Managed;

/// <summary>What one GEMM tile works on. Strides are in floats.</summary>
internal unsafe struct TileArguments
{
    /// <summary>
    /// Left matrix: row i starts at A + i·Lda. Its values are <see cref="Runs"/> runs of K contiguous ones; run r starts at RunOffsets[r] from
    /// the row's start. A convolution reads its patches from the map so: a run for each tap, or for each line of taps.
    /// </summary>
    public float* A;
    public nint Lda;
    public nint* RunOffsets;
    public nint Runs;

    /// <summary>Values of a run.</summary>
    public nint K;

    /// <summary>Packed right panel: for every value of all runs a row of as many vectors as the tile has columns, 64-byte aligned.</summary>
    public float* B;

    /// <summary>Result rows.</summary>
    public float* C;
    public nint Ldc;

    /// <summary>What the sums start from, rows at distance <see cref="StartDistance"/>: a bias (distance 0), the sums so far (those of C itself, too); null for zero.</summary>
    public float* Start;
    public nint StartDistance;

    /// <summary>Added at the end, rows at distance <see cref="Ldr"/>; null for none.</summary>
    public float* Residual;
    public nint Ldr;

    /// <summary>Bounds applied at the end when <see cref="Clamp"/> is set.</summary>
    public float Low;
    public float High;

    /// <summary>Valid lanes of the last column of vectors; the others are not written.</summary>
    public nint LastLanes;

    public bool Clamp;
}
