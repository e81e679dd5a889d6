using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// Weights of a matrix product, laid out once as <see cref="GemmTile{T}"/> reads them: for each group of channels, panels of
/// <see cref="GemmTile{T}.Width"/> output columns, each K rows of contiguous columns. The last panel is only as many vectors wide as it needs.
/// </summary>
internal sealed unsafe class PackedMatrix<T> : IDisposable where T : struct, IVector<T>
{
    /// <summary>Weights that a thread converts at once.</summary>
    private const long Chunk = 1 << 18;

    private AlignedBuffer _panels;
    private bool _isHalf;
    private readonly AlignedBuffer? _bias;
    private readonly long _groupSize;
    private readonly int _paddedColumns;

    /// <summary>Weights that <see cref="Column"/> is used to fill in; zeros so far, and no bias.</summary>
    /// <param name="k">Rows.</param>
    /// <param name="columns">Output columns of one group.</param>
    /// <param name="groups">Number of groups.</param>
    /// <param name="arena">Whose memory it is; null for memory of its own, freed with it.</param>
    /// <param name="panelVectors">Vectors of a panel's row; 0 for those of a full tile.</param>
    public PackedMatrix(int k, int columns, int groups, NativeArena? arena, int panelVectors = 0)
    {
        PanelVectors = panelVectors == 0 ? T.TileColumns : panelVectors;
        K = k;
        Columns = columns;
        Groups = groups;
        Panels = (columns + PanelWidth - 1) / PanelWidth;
        _paddedColumns = (columns + T.Count - 1) / T.Count * T.Count;
        _groupSize = (long)_paddedColumns * K;
        _panels = new AlignedBuffer(_groupSize * groups, arena);
    }

    /// <param name="source">Weights, output-major: element (n, k) of group g at (g · columns + n) · sourceOffsets.Length + sourceOffsets[k].</param>
    /// <param name="sourceOffsets">For each k the position in a source row: how the source orders what the kernel reads one after another.</param>
    /// <param name="columns">Output columns of one group.</param>
    /// <param name="groups">Number of groups.</param>
    /// <param name="bias">One value per output column of all groups; empty for none.</param>
    /// <param name="arena">Whose memory it is; null for memory of its own, freed with it.</param>
    /// <param name="packing">Fills it in.</param>
    /// <param name="panelVectors">Vectors of a panel's row; 0 for those of a full tile.</param>
    public PackedMatrix(RowScaled source, int[] sourceOffsets, int columns, int groups, ReadOnlySpan<float> bias, NativeArena? arena, Packing packing, int panelVectors = 0)
        : this(sourceOffsets.Length, columns, groups, arena, panelVectors)
    {
        packing.For(groups * Panels, i => PackPanel(source, sourceOffsets, i / Panels, i % Panels));
        if (bias.IsEmpty)
            return;
        _bias = new AlignedBuffer((long)_paddedColumns * groups, arena);
        for (int g = 0; g < groups; g++)
            bias.Slice(g * columns, columns).CopyTo(_bias.Span[(g * _paddedColumns)..]);
    }

    public int K { get; }

    public int Columns { get; }

    public int Groups { get; }

    public int Panels { get; }

    /// <summary>Vectors in a row of a full panel.</summary>
    public int PanelVectors { get; }

    private int PanelWidth => PanelVectors * T.Count;

    /// <summary>Vectors in a row of that panel.</summary>
    public int Vectors(int panel) => Math.Min(PanelVectors, _paddedColumns / T.Count - panel * PanelVectors);

    /// <summary>Valid lanes of the last vector of that panel.</summary>
    public int LastLanes(int panel) => panel == Panels - 1 && Columns % T.Count != 0 ? Columns % T.Count : T.Count;

    /// <summary>
    /// Keeps the weights as 16-bit floats from now on, half as large, where they are in their range; others stay as they are. Rounded to nearest, a weight of 6e-5 or more is off by at most 2⁻¹¹ of itself.
    /// </summary>
    /// <param name="arena">Whose memory the halves are.</param>
    /// <returns>This matrix.</returns>
    public PackedMatrix<T> ToHalf(NativeArena arena)
    {
        long length = _groupSize * Groups;
        var halves = new AlignedBuffer((length + 1) / 2, arena);
        bool fits = true;
        Parallel.For(0, (length + Chunk - 1) / Chunk, chunk =>
        {
            float* source = _panels.Pointer;
            Half* target = (Half*)halves.Pointer;
            bool isFinite = true;
            for (long i = chunk * Chunk; i < Math.Min((chunk + 1) * Chunk, length); i++)
            {
                target[i] = (Half)source[i];
                isFinite &= Half.IsFinite(target[i]);
            }
            if (!isFinite)
                Volatile.Write(ref fits, false);
        });
        (fits ? _panels : halves).Dispose();
        if (fits)
            (_panels, _isHalf) = (halves, true);
        return this;
    }

    /// <summary>Floats of scratch that <see cref="Rows"/> needs for so many of them.</summary>
    public long RowScratch(int rows) => _isHalf ? (long)rows * PanelWidth : 0;

    /// <summary>Rows of a panel as floats: in place, or widened into scratch that stays in the second-level cache while a block of the other matrix's rows passes.</summary>
    /// <param name="group">The group.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="k">The first row.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="scratch">Room for <see cref="RowScratch"/> floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float* Rows(int group, int panel, int k, nint rows, float* scratch)
    {
        if (!_isHalf)
            return Panel(group, panel, k);
        nint length = rows * Vectors(panel) * T.Count;
        ushort* source = (ushort*)_panels.Pointer + (Panel(group, panel, k) - _panels.Pointer);
        for (nint i = 0; i < length; i += T.Count)
            T.Store(T.LoadHalf(source + i), scratch + i);
        return scratch;
    }

    /// <summary>The rows of a panel from <paramref name="k"/> on, of weights that are floats.</summary>
    public float* Panel(int group, int panel, int k)
        => _panels.Pointer + group * _groupSize + (long)panel * PanelWidth * K + (long)k * Vectors(panel) * T.Count;

    /// <summary>A column's first element; <paramref name="distance"/> floats on is that of the next row.</summary>
    public float* Column(int group, int column, out nint distance)
    {
        int panel = column / PanelWidth;
        distance = Vectors(panel) * T.Count;
        return Panel(group, panel, 0) + column % PanelWidth;
    }

    /// <summary>The bias of a panel's columns, or null.</summary>
    public float* Bias(int group, int panel) => _bias is null ? null : _bias.Pointer + group * _paddedColumns + panel * PanelWidth;

    public void Dispose()
    {
        _panels.Dispose();
        _bias?.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackPanel(RowScaled source, int[] sourceOffsets, int group, int panel)
    {
        // Rows of the panel that stay in the first-level cache while column after column goes into them.
        const int rows = 64;
        ReadOnlySpan<float> elements = source.Elements.Span;
        int first = panel * PanelWidth, width = Vectors(panel) * T.Count, end = Math.Min(first + width, Columns);
        for (int k = 0; k < K; k += rows)
        {
            ReadOnlySpan<int> offsets = sourceOffsets.AsSpan(k, Math.Min(rows, K - k));
            float* target = Panel(group, panel, k);
            for (int n = first; n < end; n++)
            {
                ReadOnlySpan<float> row = elements.Slice((group * Columns + n) * K, K);
                float factor = source.Factor(group * Columns + n);
                float* column = target + (n - first);
                for (int i = 0; i < offsets.Length; i++)
                    column[(nint)i * width] = row[offsets[i]] * factor;
            }
        }
    }
}
