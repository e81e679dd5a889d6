namespace Backbones.Engines.Managed;

/// <summary>Where the values of a convolution's patches lie in its input, or in the copy of it that has the border. Distances are in floats.</summary>
internal sealed class PatchLayout
{
    /// <param name="geometry">The convolution.</param>
    /// <param name="input">A channels-last map, or a planar one.</param>
    /// <param name="planar">Whether the columns are contiguous, not the channels.</param>
    public PatchLayout(ConvolutionGeometry geometry, ValueView input, bool planar)
    {
        ConvolutionGeometry g = geometry;
        int height = (g.OutHeight - 1) * g.Stride.H + (g.Kernel.H - 1) * g.Dilation.H + 1, width = (g.OutWidth - 1) * g.Stride.W + (g.Kernel.W - 1) * g.Dilation.W + 1;
        IsCopied = g.Top > 0 || g.Left > 0 || height > g.Height || width > g.Width;
        PlaneLines = height;
        CopiedLines = height * (planar ? g.Channels : 1);
        Pixel = planar ? 1 : IsCopied ? g.Channels : (nint)input.Strides[2];
        Line = IsCopied ? width * Pixel : (nint)input.Strides[1];
        nint plane = IsCopied ? height * Line : (nint)input.Strides[0];
        ItemFloats = CopiedLines * Line;
        Group = g.GroupChannels * (planar ? plane : 1);

        int taps = g.Kernel.H * g.Kernel.W;
        WeightOrder = new int[taps * g.GroupChannels];
        if (planar)
        {
            RunLength = g.Kernel.W;
            RunOffsets = Starts(g.GroupChannels, plane, g.Kernel.H, g.Dilation.H * Line);
            for (int i = 0; i < WeightOrder.Length; i++)
                WeightOrder[i] = i;
        }
        else
        {
            // Taps of a line follow each other without gaps where all channels of a pixel take part.
            bool joined = g.Dilation.W == 1 && Pixel == g.GroupChannels;
            RunLength = g.GroupChannels * (joined ? g.Kernel.W : 1);
            RunOffsets = Starts(g.Kernel.H, g.Dilation.H * Line, joined ? 1 : g.Kernel.W, g.Dilation.W * Pixel);
            for (int i = 0; i < WeightOrder.Length; i++)
                WeightOrder[i] = i % g.GroupChannels * taps + i / g.GroupChannels;
        }
    }

    private static nint[] Starts(int outer, nint outerDistance, int inner, nint innerDistance)
    {
        var starts = new nint[outer * inner];
        for (int i = 0; i < starts.Length; i++)
            starts[i] = i / inner * outerDistance + i % inner * innerDistance;
        return starts;
    }

    /// <summary>Whether the map has to be copied because taps fall outside of it.</summary>
    public bool IsCopied { get; }

    /// <summary>Lines of one plane of the copy.</summary>
    public int PlaneLines { get; }

    /// <summary>Lines of the copy of one item.</summary>
    public int CopiedLines { get; }

    /// <summary>From one item of the copy to the next.</summary>
    public long ItemFloats { get; }

    /// <summary>From a pixel to its neighbour on the right.</summary>
    public nint Pixel { get; }

    /// <summary>From a pixel to the one below.</summary>
    public nint Line { get; }

    /// <summary>From a group's channels to the next group's.</summary>
    public nint Group { get; }

    /// <summary>Contiguous values of a run.</summary>
    public int RunLength { get; }

    /// <summary>Where the runs of a patch start, from its first value.</summary>
    public nint[] RunOffsets { get; }

    /// <summary>For every value of a patch, run after run, its position in a weight row [C/groups, kH, kW].</summary>
    public int[] WeightOrder { get; }
}
