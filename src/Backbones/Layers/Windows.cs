using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// Maps with channels last <c>[H, W, C]</c> as windows of tokens <c>[windows, h · w, C]</c>, row by row: timm's <c>window_partition</c> and <c>window_reverse</c>, and the shifted
/// windows of Swin. Paper: Swin Transformer, https://arxiv.org/abs/2103.14030
/// </summary>
internal static class Windows
{
    /// <summary>Attention within windows, whose tokens are <c>[windows, h · w, C]</c>; the mask <c>[windows, 1, h · w, h · w]</c> is null where windows are not shifted.</summary>
    internal delegate Node WindowAttention(GraphBuilder b, Node windows, Node? mask);

    /// <summary>Cuts a map, whose sides the window's divide, into windows <c>[windows, h · w, C]</c>.</summary>
    public static Node Partition(GraphBuilder b, Node x, Size2 window)
    {
        (int rows, int columns, int channels) = (x.Shape[0] / window.H, x.Shape[1] / window.W, x.Shape[2]);
        x = b.Reshape(x, [rows, window.H, columns, window.W, channels], "view");
        x = b.Permute(x, [0, 2, 1, 3, 4]);
        return b.Reshape(x, [rows * columns, window.H * window.W, channels], "view");
    }

    /// <summary>timm's <c>grid_partition</c>: pixels that lie far apart as windows <c>[windows, h · w, C]</c>, a grid of h × w for each place between its lines.</summary>
    public static Node GridPartition(GraphBuilder b, Node x, Size2 grid)
    {
        (int rows, int columns, int channels) = (x.Shape[0] / grid.H, x.Shape[1] / grid.W, x.Shape[2]);
        x = b.Reshape(x, [grid.H, rows, grid.W, columns, channels], "view");
        x = b.Permute(x, [1, 3, 0, 2, 4]);
        return b.Reshape(x, [rows * columns, grid.H * grid.W, channels], "view");
    }

    /// <summary>timm's <c>grid_reverse</c>: puts the pixels of grids back into a map of that size.</summary>
    public static Node GridReverse(GraphBuilder b, Node windows, Size2 grid, Size2 map) => b.Leaf("grid_reverse", () =>
    {
        Node x = b.Reshape(windows, [map.H / grid.H, map.W / grid.W, grid.H, grid.W, windows.Shape[^1]]);
        return b.Reshape(b.Permute(x, [2, 0, 3, 1, 4]), [map.H, map.W, windows.Shape[^1]]);
    });

    /// <summary>Puts windows <c>[windows, h · w, C]</c> together to a map of that size.</summary>
    public static Node Reverse(GraphBuilder b, Node windows, Size2 window, Size2 map) => b.Leaf("window_reverse", () => Join(b, windows, window, map));

    /// <summary>The same without a node of its own name: the last step is named after <paramref name="target"/>.</summary>
    public static Node Join(GraphBuilder b, Node windows, Size2 window, Size2 map, string target = "view")
    {
        (int rows, int columns, int channels) = (map.H / window.H, map.W / window.W, windows.Shape[^1]);
        Node x = b.Reshape(windows, [rows, columns, window.H, window.W, channels], "view");
        return b.Reshape(b.Permute(x, [0, 2, 1, 3, 4]), [map.H, map.W, channels], target);
    }

    /// <summary>Swin's attention over a map <c>[H, W, C]</c>: shifted cyclically, filled up with zeros to whole windows, attended to within them, and all of it undone.</summary>
    /// <param name="b">The builder.</param>
    /// <param name="x">The map.</param>
    /// <param name="window">Size of a window.</param>
    /// <param name="shift">Rows and columns that the windows are shifted by; zero for none.</param>
    /// <param name="masksPadding">The mask covers the filled map; otherwise shifted windows have to divide the map.</param>
    /// <param name="attention">The attention.</param>
    /// <param name="padsFirst">The filled map is shifted (torchvision), so that the border moves with it.</param>
    /// <exception cref="GraphException">Shifted windows do not divide the map.</exception>
    public static Node Attend(GraphBuilder b, Node x, Size2 window, Size2 shift, bool masksPadding, WindowAttention attention, bool padsFirst = false)
    {
        Size2 map = (x.Shape[0], x.Shape[1]), padded = (RoundUp(map.H, window.H), RoundUp(map.W, window.W));
        bool shifted = shift != default(Size2);
        if (shifted && !masksPadding && padded != map)
        {
            throw new GraphException($"Shifted windows of {window.H}×{window.W} do not divide a map of {map.H}×{map.W}; the nearest map that they do is {padded.H}×{padded.W}. "
                + "Choose an image size with such maps.");
        }
        if (padsFirst)
            x = Pad(b, x, padded);
        if (shifted)
            x = Roll(b, x, -shift.H, -shift.W);
        if (!padsFirst)
            x = Pad(b, x, padded);
        x = Partition(b, x, window);
        x = attention(b, x, shifted ? ShiftMask(b, padded, window, shift) : null);
        x = Reverse(b, x, window, padded);
        if (!padsFirst)
            x = Crop(b, x, map);
        if (shifted)
            x = Roll(b, x, shift.H, shift.W);
        return padsFirst ? Crop(b, x, map) : x;
    }

    /// <summary>Window and shift for a map: no window is larger than the map, and where one window covers a side nothing is shifted along it.</summary>
    public static (Size2 Window, Size2 Shift) Fit(Size2 map, Size2 window, bool shifted)
    {
        Size2 fitted = (Math.Min(map.H, window.H), Math.Min(map.W, window.W));
        return (fitted, shifted ? (map.H <= fitted.H ? 0 : window.H / 2, map.W <= fitted.W ? 0 : window.W / 2) : (0, 0));
    }

    /// <summary>The size that timm fits a stage's windows to: halves are rounded down, where the merging of patches fills odd maps up and so rounds up.</summary>
    /// <param name="grid">The first stage's map.</param>
    /// <param name="stage">The stage's number, from 0.</param>
    /// <exception cref="GraphException">Nothing is left.</exception>
    public static Size2 CountedSize(Size2 grid, int stage) => (grid.H >> stage, grid.W >> stage) is ( > 0, > 0) and var (h, w) ? (h, w)
        : throw new GraphException($"{grid.H}×{grid.W} patches are too few: they are halved {stage} times for the windows of stage {stage}. Choose an image with {1 << stage}×{1 << stage} patches or more.");

    /// <summary>Zeros below and to the right of a map <c>[H, W, C]</c> until it has that size.</summary>
    public static Node Pad(GraphBuilder b, Node x, Size2 size, string target = "pad")
    {
        var border = new Padding(0, 0, size.H - x.Shape[0], size.W - x.Shape[1]);
        return border == default ? b.Identity(target, x) : b.Leaf(target, () => b.Permute(b.Pad2d(b.Permute(x, [2, 0, 1]), border), [1, 2, 0]));
    }

    private static Node Crop(GraphBuilder b, Node x, Size2 size)
        => (x.Shape[0], x.Shape[1]) == (size.H, size.W) ? x : b.Slice(b.Slice(x, 0, 0, size.H), 1, 0, size.W);

    /// <summary>The least multiple of <paramref name="step"/> that is not below <paramref name="size"/>.</summary>
    internal static int RoundUp(int size, int step) => (size + step - 1) / step * step;

    private static Node Roll(GraphBuilder b, Node x, int rows, int columns) => b.Leaf("roll", () => b.Roll(b.Roll(x, 0, rows), 1, columns));

    /// <summary>-100 between pixels of a shifted window that are no neighbours in the map: <c>[windows, 1, h · w, h · w]</c>.</summary>
    private static Node ShiftMask(GraphBuilder b, Size2 map, Size2 window, Size2 shift)
    {
        (int rows, int columns, int area) = (map.H / window.H, map.W / window.W, window.H * window.W);
        var values = new float[PositionTable.OfWindows((long)rows * columns, area)];
        var regions = new int[area];
        for (int w = 0, at = 0; w < rows * columns; w++)
        {
            for (int i = 0; i < area; i++)
                regions[i] = 3 * Region(w / columns * window.H + i / window.W, map.H, window.H, shift.H) + Region(w % columns * window.W + i % window.W, map.W, window.W, shift.W);
            for (int q = 0; q < area; q++)
                for (int k = 0; k < area; k++)
                    values[at++] = regions[q] == regions[k] ? 0 : -100;
        }
        return b.Constant([rows * columns, 1, area, area], values, "attn_mask");

        static int Region(int at, int size, int window, int shift) => shift == 0 || at < size - window ? 0 : at < size - shift ? 1 : 2;
    }
}
