using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <content>Convolution.</content>
internal sealed partial class PlanBuilder<T>
{
    /// <summary>Channels up to which planar images are read in place: beyond, channels-last patches are longer runs.</summary>
    private const int MaxPlanarChannels = 4;

    /// <summary>Groups that are convolved one after another by Winograd's filtering (split attention has two): with more of them each is little work...</summary>
    private const int MostWinogradGroups = 4;

    /// <summary>... unless it has that many channels: NFNet's six groups of 128 take 0.6 of the time, six of 64 as long as by the direct kernel.</summary>
    private const int WideWinogradGroup = 96;

    /// <summary>Channels from which the tiles of a product have full vectors, and Winograd's filtering of tiles pays.</summary>
    private const int FewChannels = 32;

    private ValueView Conv2d(Node node, Conv2dOp op)
    {
        (RowScaled weights, Shape weightShape) = (Filters(node.Inputs[1]), node.Inputs[1].Shape);
        ReadOnlySpan<float> bias = op.HasBias ? Values(node, 2) : default;
        UnaryOp? activation = op.Epilogue?.Activation;
        Node last = node;
        if (op.Epilogue is not { AddsResidual: true } && TakeScalars(ref last, ref activation) is var (scale, shift))
        {
            weights = RowScaled.Of(Array.ConvertAll(weights.ToArray(), w => w * scale));
            bias = Array.ConvertAll(bias.IsEmpty ? new float[weightShape[0]] : bias.ToArray(), b => b * scale + shift);
        }
        var geometry = ConvolutionGeometry.Of(op, node.Inputs[0].Shape, weightShape, node.Shape);
        Node? expansion = Expands(node.Inputs[0], node) ? node.Inputs[0] : null;
        ProductPrologue<T>? prologue = TakePrologue(node, out Node source);
        ValueView input = Value(expansion is null ? source : expansion.Inputs[0]);
        ValueView? residual = op.Epilogue is { AddsResidual: true } ? PixelRows(Value(node.Inputs[^1])) : null;
        ChannelBounds? bounds = expansion is not null || geometry.IsDepthwise(T.Count) ? ChannelBounds.Of(activation, geometry.OutChannels) : null;
        ValueView? addend = null;
        if (bounds is not null && residual is null && ChannelBounds.OfAll(activation) is not null && TakeNorm(ref last, out addend) is var (scales, shifts))
        {
            int taps = geometry.Kernel.H * geometry.Kernel.W;
            weights = RowScaled.Of([.. weights.ToArray().Select((w, i) => w * scales[i / taps])]);
            bias = bias.IsEmpty ? shifts : [.. bias.ToArray().Select((b, c) => b * scales[c] + shifts[c])];
            bounds = bounds.Scaled(scales, shifts);
        }
        ValueView result = _values[last] = MapResult(last);
        var epilogue = new ProductEpilogue<T>(residual, activation, addend);
        DepthwiseKernel<T>? kernel = bounds is null ? null : new DepthwiseKernel<T>(geometry, DepthwiseKernel<T>.Pack(weights.ToArray(), bias, bounds, geometry, _weights), result, epilogue);

        Step step;
        if (expansion is not null)
        {
            input = PixelRows(input);
            var expand = (Conv2dOp)expansion.Operator;
            var wide = ConvolutionGeometry.Of(expand, expansion.Inputs[0].Shape, expansion.Inputs[1].Shape, expansion.Shape);
            PackedMatrix<T> packed = Pack(Filters(expansion.Inputs[1]), [.. Enumerable.Range(0, wide.Channels)], wide, expand.HasBias ? Values(expansion, 2) : default,
                ExpandDepthwiseStep<T>.PanelVectors(geometry, _pool.Threads));
            step = new ExpandDepthwiseStep<T>(geometry, input, packed, new ProductEpilogue<T>(null, expand.Epilogue?.Activation), kernel!);
        }
        else if (kernel is not null)
        {
            input = ChannelsLast(input);
            step = new DepthwiseStep<T>(geometry, input, kernel);
        }
        else if (geometry is { Groups: 1, IsPointwise: true })
        {
            input = PixelRows(input);
            step = new ProductStep<T>(input, Pack(weights, [.. Enumerable.Range(0, geometry.Channels)], geometry, bias), result, epilogue, prologue);
        }
        else if (geometry is { Groups: 1, IsStridedPointwise: true } && (T.Count < Float16.Count || geometry.OutWidth < 2 * GemmTile<T>.Rows))
        {
            // The pixels are copied next to each other: lines of few do not fill the tiles of a product. Of narrow tiles the low ones wait for their own sums, so that there any line is too short.
            input = PixelRows(Grid(ChannelsLast(input), 0, 0, geometry.Stride, geometry.OutHeight, geometry.OutWidth));
            step = new ProductStep<T>(input, Pack(weights, [.. Enumerable.Range(0, geometry.Channels)], geometry, bias), result, epilogue);
        }
        else if (UsesWinograd(geometry, residual))
        {
            Winograd(geometry, ChannelsLast(input), weights, bias, result, residual, epilogue);
            return result;
        }
        else if (UsesGroupedKernel(geometry))
        {
            input = ChannelsLast(input);
            var channels = new GroupedChannels<T>(geometry, _weights);
            AlignedBuffer? paddedBias = bias.IsEmpty ? null : PadColumns(bias);
            step = LineWinogradStep<T>.Pays(geometry)
                ? new LineWinogradStep<T>(geometry, input, channels, Weights(LineWinogradStep<T>.Pack(weights, geometry, PackedTo)), paddedBias, result, epilogue)
                : new GroupedStep<T>(geometry, input, channels, Weights(GroupedStep<T>.Pack(weights.ToArray(), geometry, PackedTo)), paddedBias, result, epilogue);
        }
        else
        {
            int join = geometry.BestJoin(T.Count);
            if (join > 1)
            {
                (geometry, float[] joined) = geometry.JoinGroups(weights.ToArray(), join);
                weights = RowScaled.Of(joined);
            }
            bool planar = input.Strides[2] == 1 && geometry is { Channels: <= MaxPlanarChannels, Dilation.W: 1 };
            if (!planar)
                input = ChannelsLast(input);
            var layout = new PatchLayout(geometry, input, planar);
            step = new DirectStep<T>(geometry, layout, input, Pack(weights, layout.WeightOrder, geometry, bias), result, epilogue);
        }
        Add(step, result, input, residual, addend, prologue?.Scale);
        return result;
    }

    /// <summary>
    /// The batch normalisation that alone follows a depthwise convolution and its clamp (ConvMixer normalises behind every ReLU), as factors and shifts: like the scalars of <see cref="TakeScalars"/>
    /// they go into weights, bias and bounds. With it the addition that alone follows, if its other summand is there already.
    /// </summary>
    /// <param name="node">The last node of the convolution; becomes the last one that is taken in.</param>
    /// <param name="addend">The other summand.</param>
    private (float[] Scale, float[] Shift)? TakeNorm(ref Node node, out ValueView? addend)
    {
        addend = null;
        if (OnlyUser(node) is not { Operator: BatchNormOp op } norm || norm.Inputs[0] != node || norm.Shape.Axis(op.Axis) != 0 || ReferenceStep.IsNeeded(norm))
            return null;
        (float[] scale, float[] shift) = Affine(norm, op);
        if (!scale.Concat(shift).All(float.IsFinite))
            return null;
        node = norm;
        if (OnlyUser(norm) is { Operator: BinaryOp { Kind: BinaryKind.Add } } sum && sum.Inputs[sum.Inputs[0] == norm ? 1 : 0] is { IsBatched: true } other && other.Shape == norm.Shape
            && _values.TryGetValue(other, out ValueView? value))
        {
            // Nobody but the sum needs the norm's value: this only marks it as computed.
            (node, addend, _values[norm]) = (sum, PixelRows(value), value);
        }
        return (scale, shift);
    }

    /// <summary>
    /// A scale and a shift, one number each, that alone follow a convolution and its clamp: HGNetV2 learns such behind every ReLU. Clamp(x) · scale + shift is Clamp(x · scale + shift) within bounds that
    /// are scaled and shifted too, so they go into weights, bias and bounds.
    /// </summary>
    /// <param name="node">The convolution; becomes the last node that is taken in.</param>
    /// <param name="activation">Its activation; becomes the one with the other bounds.</param>
    private (float Scale, float Shift)? TakeScalars(ref Node node, ref UnaryOp? activation)
    {
        if (ChannelBounds.OfAll(activation) is not var (low, high))
            return null;
        float scale = 1, shift = 0;
        Node first = node;
        while (OnlyUser(node) is { Operator: BinaryOp { Kind: BinaryKind.Multiply or BinaryKind.Add } op } user && user.Shape == node.Shape)
        {
            Node other = user.Inputs[user.Inputs[0] == node ? 1 : 0];
            if (other.IsBatched || other.Shape.Length != 1)
                break;
            float number = _constants[other].Data[0];
            (float Scale, float Shift) all = op.Kind == BinaryKind.Multiply ? (scale * number, shift * number) : (scale, shift + number);
            // Bounds that are infinite are no bounds of nothing, as several small factors may be one after another.
            if (!float.IsNormal(all.Scale) || !float.IsFinite(all.Shift))
                break;
            (scale, shift) = all;
            node = user;
        }
        if (node == first)
            return null;
        if (activation is not null)
        {
            (low, high) = (low * scale + shift, high * scale + shift);
            activation = new UnaryOp(UnaryKind.Clamp, Math.Min(low, high), Math.Max(low, high));
        }
        return (scale, shift);
    }

    /// <summary>Whether a 1×1 convolution's values are needed by one depthwise convolution alone, which then computes them itself.</summary>
    private bool Expands(Node node, Node user)
    {
        if (node is not { IsBatched: true, Operator: Conv2dOp { Epilogue: not { AddsResidual: true } } op } || user is not { Operator: Conv2dOp depthwise } || OnlyUser(node) != user || user.Inputs[0] != node || user.Inputs.Count(i => i == node) > 1
            || ReferenceStep.IsNeeded(node) || ReferenceStep.IsNeeded(user))
        {
            return false;
        }
        var wide = ConvolutionGeometry.Of(op, node.Inputs[0].Shape, node.Inputs[1].Shape, node.Shape);
        // One of a single channel is depthwise itself, and may be left with an input that is not made.
        return wide is { Groups: 1, Channels: > 1, IsPointwise: true } && ExpandDepthwiseStep<T>.Pays(ConvolutionGeometry.Of(depthwise, node.Shape, user.Inputs[1].Shape, user.Shape), wide.Channels);
    }

    /// <summary>What a 1×1 convolution does to its input itself: gates or a batch normalisation and its activation that nobody else needs.</summary>
    /// <param name="node">The convolution.</param>
    /// <param name="source">What its input is made of then, else its input.</param>
    private ProductPrologue<T>? TakePrologue(Node node, out Node source)
    {
        if (GatedBy(node.Inputs[0], node) is var (map, gates))
        {
            source = map;
            return new ProductPrologue<T>(ContiguousAlong(Value(gates), 0), null, null);
        }
        if (NormalizedBy(node.Inputs[0], node) is { } norm)
        {
            source = norm.Inputs[0];
            (float[] scale, float[] shift) = Affine(norm, (BatchNormOp)norm.Operator);
            return new ProductPrologue<T>(Constant(scale), Constant(shift), node.Inputs[0].Operator as UnaryOp);
        }
        source = node.Inputs[0];
        return null;

        ValueView Constant(float[] values) => new(new Storage(StorageKind.Constant, 0) { Constant = PadColumns(values) }, 0, [values.Length], [1]);
    }

    /// <summary>Whether that node is left to the 1×1 convolution that alone uses it, or uses what is made of it.</summary>
    private bool IsPrologue(Node node) => OnlyUser(node) is { } user
        && (GatedBy(node, user) is not null || NormalizedBy(node, user) is not null || (node.Operator is BatchNormOp && OnlyUser(user) is { } next && NormalizedBy(user, next) == node));

    /// <summary>A map and the gates [C, 1, 1] it is multiplied by, if that is for one 1×1 convolution alone.</summary>
    private (Node Map, Node Gates)? GatedBy(Node node, Node user)
    {
        if (node is not { Operator: BinaryOp { Kind: BinaryKind.Multiply } } || !TakesPrologue(node, user))
            return null;
        (Node a, Node b) = (node.Inputs[0], node.Inputs[1]);
        return !a.IsBatched || !b.IsBatched ? null : IsGate(b) ? (a, b) : IsGate(a) ? (b, a) : null;

        bool IsGate(Node gates) => gates.Shape.Rank == 3 && gates.Shape[0] == node.Shape[0] && gates.Shape[1] == 1 && gates.Shape[2] == 1;
    }

    /// <summary>The batch normalisation that, with an activation or without, is for one 1×1 convolution alone.</summary>
    private Node? NormalizedBy(Node node, Node user)
    {
        Node norm = node.Operator is UnaryOp ? node.Inputs[0] : node;
        return norm is { IsBatched: true, Operator: BatchNormOp op } && norm.Shape.Axis(op.Axis) == 0 && norm.Inputs[0].IsBatched && !_values.ContainsKey(norm) && !ReferenceStep.IsNeeded(norm)
            && (norm == node || OnlyUser(norm) == node) && TakesPrologue(node, user) ? norm : null;
    }

    /// <summary>Whether a map is the input of a 1×1 convolution alone, which is done by <see cref="ProductStep{T}"/> with few columns, and not made yet.</summary>
    private bool TakesPrologue(Node node, Node user)
        => node is { IsBatched: true, Shape.Rank: 3 } && !_values.ContainsKey(node) && OnlyUser(node) == user && user is { Operator: Conv2dOp op } && user.Inputs[0] == node && user.Inputs.Count(i => i == node) == 1
            && node.Shape[1] * node.Shape[2] > 1 && !ReferenceStep.IsNeeded(node) && !ReferenceStep.IsNeeded(user) && !(OnlyUser(user) is { } next && Expands(user, next))
            && ConvolutionGeometry.Of(op, node.Shape, user.Inputs[1].Shape, user.Shape) is { Groups: 1, IsPointwise: true } geometry && geometry.OutChannels <= ProductPrologue<T>.MostColumns;

    /// <summary>Some channels of a map [C, H, W].</summary>
    private static ValueView Channels(ValueView map, int first, int count) => new(map.Storage, map.Offset + first * map.Strides[0], [count, .. map.Dims[1..]], map.Strides);

    /// <summary>Where fewer products pay for the transforms: 3×3 with stride 1, enough channels on both sides, and maps that hold more than a few tiles.</summary>
    private static bool UsesWinograd(ConvolutionGeometry g, ValueView? residual)
        => !PrefersLines(g) && g is { GroupChannels: >= FewChannels, GroupOutChannels: >= FewChannels, OutHeight: >= 4, OutWidth: >= 4 } && g.Kernel == new Size2(3, 3) && g.Stride == new Size2(1, 1)
        // Dilated ones are several ordinary ones, whose lines a residual has not.
        && (g.Dilation == new Size2(1, 1) || (residual is null && g.OutHeight / g.Dilation.H >= 4 && g.OutWidth / g.Dilation.W >= 4))
        // Several groups take whole vectors of their own channels each, and a residual is not divided among them.
        && (g.Groups == 1 || (residual is null && (g.Groups <= MostWinogradGroups || g.GroupChannels >= WideWinogradGroup) && g.GroupChannels % T.Count == 0 && g.GroupOutChannels % T.Count == 0));

    /// <summary>
    /// What is left of 3×3 convolutions: groups, and few channels on one side, where Winograd's filtering of lines pays, and where there is a stride groups of less than two vectors. (Wider ones fill the tiles of
    /// a product: 32 channels take 1.1 of the time, with eight lanes 16 take up to 1.25.)
    /// </summary>
    private static bool UsesGroupedKernel(ConvolutionGeometry g)
    {
        if (g is not { Kernel: { H: 3, W: 3 }, Dilation: { H: 1, W: 1 }, Stride.W: <= 2, GroupChannels: > 1, Channels: > MaxPlanarChannels } || !GroupedChannels<T>.Fit(g))
            return false;
        bool pays = LineWinogradStep<T>.Pays(g);
        return g.Groups > 1 ? pays || g.GroupChannels < 2 * T.Count : pays && (Math.Min(g.Channels, g.OutChannels) < FewChannels || PrefersLines(g));
    }

    /// <summary>Maps of 7×7 pixels, of which lines leave as many multiply-adds as tiles of 2×2 with less around them: 0.7 to 0.9 of the time up to 208 channels, 1.0 for 512, whose weights come from memory.</summary>
    private static bool PrefersLines(ConvolutionGeometry g)
        => g is { Groups: 1, Dilation: { H: 1, W: 1 }, Channels: < 256, OutHeight: < 8, OutWidth: < 8 } && LineWinogradStep<T>.Pays(g);

    /// <summary>One step for each group, and for each of the ordinary convolutions that a dilated one is.</summary>
    private void Winograd(ConvolutionGeometry geometry, ValueView input, RowScaled weights, ReadOnlySpan<float> bias, ValueView result, ValueView? residual, ProductEpilogue<T> epilogue)
    {
        // Small maps fit 4×4 tiles badly, and the larger tile's weights, four times the filter's, come from memory for few tiles.
        bool small = geometry.Undilated(0, 0).Geometry is var part && part.OutHeight * part.OutWidth < 100;
        ConvolutionGeometry one = geometry.OneGroup;
        for (int group = 0; group < geometry.Groups; group++)
        {
            RowScaled filter = weights.Rows(group * one.OutChannels, one.OutChannels, geometry.OutChannels);
            PackedMatrix<T> packed = small ? Packed<Winograd2<T>>(filter, one) : Packed<Winograd4<T>>(filter, one);
            AlignedBuffer? paddedBias = bias.IsEmpty ? null : PadColumns(bias.Slice(group * one.OutChannels, one.OutChannels));
            ValueView source = Channels(input, group * one.Channels, one.Channels), target = Channels(result, group * one.OutChannels, one.OutChannels);
            for (int i = 0; i < geometry.Dilation.H * geometry.Dilation.W; i++)
            {
                (int line, int column) = (i / geometry.Dilation.W, i % geometry.Dilation.W);
                (ConvolutionGeometry g, int firstLine, int firstColumn) = one.Undilated(line, column);
                ValueView from = Grid(source, firstLine, firstColumn, geometry.Dilation, g.Height, g.Width), to = Grid(target, line, column, geometry.Dilation, g.OutHeight, g.OutWidth);
                Add(small ? new WinogradStep<T, Winograd2<T>>(g, from, packed, paddedBias, to, epilogue) : new WinogradStep<T, Winograd4<T>>(g, from, packed, paddedBias, to, epilogue), result, input, residual);
            }
        }
    }

    /// <summary>Transformed weights. Heads that work on all levels of a pyramid have the same for each: they are there once, four times as large as the filters.</summary>
    private PackedMatrix<T> Packed<TTile>(RowScaled weights, ConvolutionGeometry geometry) where TTile : struct, IWinogradTile<T>
    {
        var key = new TransformedWeights(weights, typeof(TTile));
        if (!_transformed.TryGetValue(key, out PackedMatrix<T>? packed))
            _transformed[key] = packed = Weights(WinogradStep<T, TTile>.Pack(weights, geometry.OutChannels, geometry.Channels, PackedTo, _packing));
        return packed;
    }

    private sealed record TransformedWeights(RowScaled Weights, Type Tile);

    /// <summary>Every so many lines and columns of a map.</summary>
    private static ValueView Grid(ValueView map, int line, int column, Size2 step, int height, int width)
        => new(map.Storage, map.Offset + line * map.Strides[1] + column * map.Strides[2], [map.Dims[0], height, width], [map.Strides[0], map.Strides[1] * step.H, map.Strides[2] * step.W]);

    private PackedMatrix<T> Pack(RowScaled weights, int[] order, ConvolutionGeometry geometry, ReadOnlySpan<float> bias, int panelVectors = 0)
        => Weights(new PackedMatrix<T>(weights, order, geometry.GroupOutChannels, geometry.Groups, bias, PackedTo, _packing, panelVectors));
}
