using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>Sizes of a 2-D convolution of one batch item.</summary>
internal sealed record ConvolutionGeometry(int Channels, int Height, int Width, int OutChannels, int OutHeight, int OutWidth,
    Size2 Kernel, Size2 Stride, Size2 Dilation, int Top, int Left, int Groups)
{
    public int GroupChannels => Channels / Groups;

    public int GroupOutChannels => OutChannels / Groups;

    /// <summary>One of the groups.</summary>
    public ConvolutionGeometry OneGroup => this with { Channels = GroupChannels, OutChannels = GroupOutChannels, Groups = 1 };

    public bool IsPointwise => Kernel == 1 && Stride == 1 && Top == 0 && Left == 0 && OutHeight == Height && OutWidth == Width;

    /// <summary>Whether some pixels of the map, at the distance of the stride, are all that is read.</summary>
    public bool IsStridedPointwise => Kernel == 1 && Top == 0 && Left == 0 && (OutHeight - 1) * Stride.H < Height && (OutWidth - 1) * Stride.W < Width;

    /// <summary>Whether every channel is convolved on its own, and a vector of that many lanes holds all outputs of its channels.</summary>
    public bool IsDepthwise(int lanes) => Groups > 1 && GroupChannels == 1 && lanes % GroupOutChannels == 0;

    public static ConvolutionGeometry Of(Conv2dOp op, Shape input, Shape weight, Shape output)
        => new(input[0], input[1], input[2], output[0], output[1], output[2], new Size2(weight[2], weight[3]), op.Stride, op.Dilation, op.Padding.Top, op.Padding.Left, op.Groups);

    /// <summary>
    /// A dilated convolution is dilation.H × dilation.W ordinary ones, each of every so many lines and columns: that of the outputs that begin at <paramref name="line"/> and <paramref name="column"/>,
    /// and the first line and column of its input.
    /// </summary>
    public (ConvolutionGeometry Geometry, int FirstLine, int FirstColumn) Undilated(int line, int column)
    {
        (int firstLine, int height, int outHeight, int top) = Along(line, Height, OutHeight, Dilation.H, Top);
        (int firstColumn, int width, int outWidth, int left) = Along(column, Width, OutWidth, Dilation.W, Left);
        return (this with { Height = height, Width = width, OutHeight = outHeight, OutWidth = outWidth, Dilation = 1, Top = top, Left = left }, firstLine, firstColumn);

        static (int First, int Size, int Outputs, int Before) Along(int start, int size, int outputs, int dilation, int before)
        {
            int first = ((start - before) % dilation + dilation) % dilation;
            return (first, Every(size - first, dilation), Every(outputs - start, dilation), (first - start + before) / dilation);
        }

        static int Every(int count, int step) => (count + step - 1) / step;
    }

    /// <summary>
    /// The same convolution with neighbouring groups joined, weights between them zero, so that a group fills a vector:
    /// lanes would be idle otherwise, and idle lanes cost as much as zeros.
    /// </summary>
    /// <param name="weights">[O, C/groups, kH, kW].</param>
    /// <param name="join">How many groups become one; divides the number of groups.</param>
    public (ConvolutionGeometry Geometry, float[] Weights) JoinGroups(ReadOnlySpan<float> weights, int join)
    {
        int taps = Kernel.H * Kernel.W, row = GroupChannels * taps;
        var joined = new float[(long)OutChannels * row * join];
        for (int o = 0; o < OutChannels; o++)
        {
            int place = o / GroupOutChannels % join;
            weights.Slice(o * row, row).CopyTo(joined.AsSpan((o * join + place) * row));
        }
        return (this with { Groups = Groups / join }, joined);
    }

    /// <summary>How many groups to join for vectors of that many lanes.</summary>
    public int BestJoin(int lanes)
    {
        int best = 1;
        for (int join = 2; join <= Groups && join * GroupOutChannels <= 4 * lanes; join++)
        {
            if (Groups % join == 0 && Cost(join) < Cost(best))
                best = join;
        }
        return best;

        // Multiply-adds, idle lanes included; a tile of one vector reaches about half the speed of wider ones.
        double Cost(int join)
        {
            int vectors = (join * GroupOutChannels + lanes - 1) / lanes;
            return (double)Groups / join * (join * GroupChannels) * (vectors == 1 ? 1.6 : vectors);
        }
    }
}
