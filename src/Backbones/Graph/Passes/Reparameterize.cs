using System.Collections.Immutable;

namespace Backbones.Graphs.Passes;

/// <summary>
/// Makes one convolution of what is linear: batch normalisations go into the convolutions before them (<see cref="FoldBatchNorm"/>), and parallel branches that are added or
/// subtracted (convolutions of different kernel sizes, batch normalisations of the input, the input itself, each scaled or not) into the branch with the largest kernel.
/// RepVGG, MobileOne, FastViT, RepViT and others train with such branches. timm does it per block (<c>reparameterize_model</c>), here one rule does it for all.
/// Paper: RepVGG, https://arxiv.org/abs/2101.03697
/// </summary>
internal static class Reparameterize
{
    /// <summary>The same values with fewer convolutions and no foldable batch normalisation. The new weights are parameter arithmetic, computed at compile time.</summary>
    public static Graph Run(Graph graph) => new Rewrite(graph).Run();

    /// <summary>A linear function of a map by itself.</summary>
    /// <param name="Source">The map.</param>
    /// <param name="Conv">The convolution; null where each channel is scaled by itself.</param>
    /// <param name="Weight">Its weight, or the channels' factors <c>[C]</c>; null for factors of one.</param>
    /// <param name="Bias">Bias <c>[C]</c>; null for none.</param>
    private sealed record Branch(Node Source, Conv2dOp? Conv, Node? Weight, Node? Bias);

    /// <summary>Where a kernel lies in another: the offset of its first row and column.</summary>
    private readonly record struct Place(int Top, int Left);

    private sealed class Rewrite
    {
        private static readonly BinaryOp s_add = new(BinaryKind.Add), s_multiply = new(BinaryKind.Multiply);

        private readonly Dictionary<Node, int> _uses;
        private readonly GraphRewriter _rewriter;

        public Rewrite(Graph graph)
        {
            _uses = graph.UseCounts();
            _rewriter = new GraphRewriter(graph);
        }

        public Graph Run() => _rewriter.Run((node, inputs) => node.Operator switch
        {
            BatchNormOp => FoldBatchNorm.Fold(_rewriter, _uses, node, inputs),
            BinaryOp { Kind: BinaryKind.Add } => Merge(node, inputs, subtracts: false),
            BinaryOp { Kind: BinaryKind.Subtract } => Merge(node, inputs, subtracts: true),
            BinaryOp { Kind: BinaryKind.Multiply } => Scale(node, inputs),
            _ => null,
        });

        /// <summary>A convolution times a factor for each channel.</summary>
        private Node? Scale(Node node, ImmutableArray<Node> inputs)
        {
            int at = inputs[0].IsBatched ? 0 : 1;
            (Node conv, Node factor) = (inputs[at], inputs[1 - at]);
            if (factor.IsBatched || node.Shape.Rank != 3 || factor.Shape != [node.Shape[0], 1, 1] || _uses[node.Inputs[at]] != 1 || !IsConvolution(conv))
                return null;
            int channels = node.Shape[0];
            Node column = Arithmetic(node, "column", new ReshapeOp([channels, 1, 1, 1]), factor);
            Node weight = Arithmetic(node, "weight", s_multiply, conv.Inputs[1], column);
            if (conv.Operator is not Conv2dOp { HasBias: true } op)
                return _rewriter.Create(node.Name, conv.Operator, conv.Inputs[0], weight);
            Node bias = Arithmetic(node, "bias", s_multiply, conv.Inputs[2], Arithmetic(node, "row", new ReshapeOp([channels]), factor));
            return _rewriter.Create(node.Name, op, conv.Inputs[0], weight, bias);
        }

        private Node? Merge(Node node, ImmutableArray<Node> inputs, bool subtracts)
        {
            (Node first, Node second) = (inputs[0], inputs[1]);
            if (first == second || first.Shape != second.Shape || first.Shape.Rank != 3 || !first.IsBatched || !second.IsBatched)
                return null;
            Node? a = SourceOf(first, node.Inputs[0]), b = SourceOf(second, node.Inputs[1]);
            if ((a is not null && (a == b || a == second) ? a : b == first ? b : null) is not { } source)
                return null;

            // The branch with the larger kernel takes the other in.
            bool swaps = KernelOf(second, source) is { } large2 && (KernelOf(first, source) is not { } large1 || large2.H * large2.W > large1.H * large1.W);
            (Node host, Node guest) = swaps ? (second, first) : (first, second);
            if (KernelOf(host, source) is not { } kernel || PlaceOf((Conv2dOp)host.Operator, kernel, guest, source) is not { } place)
                return null;
            var op = (Conv2dOp)host.Operator;
            Branch large = BranchOf(node, host, source), small = BranchOf(node, guest, source);
            if (subtracts)
                (large, small) = swaps ? (Negated(node, large), small) : (large, Negated(node, small));
            Node weight = Arithmetic(node, "weight", s_add, large.Weight!, Placed(node, small, op.Groups, large.Weight!.Shape, place));
            Node? bias = (large.Bias, small.Bias) is ({ } x, { } y) ? Arithmetic(node, "bias", s_add, x, y) : large.Bias ?? small.Bias;
            return bias is null ? _rewriter.Create(node.Name, op with { HasBias = false }, source, weight) : _rewriter.Create(node.Name, op with { HasBias = true }, source, weight, bias);
        }

        /// <summary>The map that a branch is a linear function of; null where it is none, or where somebody else needs its value.</summary>
        private Node? SourceOf(Node branch, Node old) => _uses[old] == 1 && (IsConvolution(branch) || branch.Operator is BatchNormOp { Axis: 0 }) ? branch.Inputs[0] : null;

        private static bool IsConvolution(Node node) => node.Operator is Conv2dOp { Epilogue: null } && node.IsBatched && !node.Inputs[1].IsBatched;

        /// <summary>Size of a convolution's kernel; null where the branch is none.</summary>
        private static Size2? KernelOf(Node branch, Node source) => branch != source && branch.Operator is Conv2dOp ? (branch.Inputs[1].Shape[2], branch.Inputs[1].Shape[3]) : null;

        /// <summary>Where the guest's kernel lies in the host's; null where it reads pixels that the host does not.</summary>
        private static Place? PlaceOf(Conv2dOp host, Size2 hostKernel, Node guest, Node source)
        {
            // What scales each channel by itself is a 1×1 convolution, for any number of groups.
            Size2? guestKernel = KernelOf(guest, source);
            Conv2dOp conv = guestKernel is null ? new(1, 0, 1, host.Groups) : (Conv2dOp)guest.Operator;
            Size2 kernel = guestKernel ?? 1;
            if (conv.Stride != host.Stride || conv.Groups != host.Groups)
                return null;
            int? top = Offset(host.Padding.Top - conv.Padding.Top, kernel.H, hostKernel.H, host.Dilation.H, conv.Dilation.H);
            int? left = Offset(host.Padding.Left - conv.Padding.Left, kernel.W, hostKernel.W, host.Dilation.W, conv.Dilation.W);
            return top is { } t && left is { } l ? new Place(t, l) : null;
        }

        private static int? Offset(int pixels, int size, int hostSize, int hostDilation, int dilation)
            => pixels >= 0 && pixels % hostDilation == 0 && pixels / hostDilation + size <= hostSize && (size == 1 || dilation == hostDilation) ? pixels / hostDilation : null;

        private Branch BranchOf(Node node, Node branch, Node source)
        {
            if (branch == source)
                return new Branch(source, null, null, null);
            if (branch.Operator is Conv2dOp conv)
                return new Branch(source, conv, branch.Inputs[1], conv.HasBias ? branch.Inputs[2] : null);
            (Node scale, Node shift) = FoldBatchNorm.ScaleAndShift(_rewriter, branch, branch.Inputs, bias: null);
            return new Branch(source, null, scale, shift);
        }

        private Branch Negated(Node node, Branch branch)
        {
            var negate = new UnaryOp(UnaryKind.Negate);
            Node weight = Arithmetic(node, "negative", negate, branch.Weight ?? Ones(node, branch.Source.Shape[0]));
            return branch with { Weight = weight, Bias = branch.Bias is null ? null : Arithmetic(node, "negative_bias", negate, branch.Bias) };
        }

        /// <summary>A branch's weight in the shape of the host's, zeros around it.</summary>
        private Node Placed(Node node, Branch branch, int groups, Shape target, Place place)
        {
            Node weight = branch.Conv is not null ? branch.Weight! : Diagonal(node, branch.Weight ?? Ones(node, target[0]), groups);
            (int h, int w) = (weight.Shape[2], weight.Shape[3]);
            var border = new Padding(place.Top, place.Left, target[2] - h - place.Top, target[3] - w - place.Left);
            return border == default ? weight : Arithmetic(node, "placed", new Pad2dOp(border), weight);
        }

        /// <summary>Factors of channels <c>[C]</c> as a 1×1 convolution <c>[C, C/groups, 1, 1]</c>.</summary>
        private Node Diagonal(Node node, Node factors, int groups)
        {
            int channels = factors.Shape[0], size = channels / groups;
            Node x = factors;
            if (size > 1)
            {
                // A factor and as many zeros as a row is long: row by row each stands one further to the right.
                x = Arithmetic(node, "factors", new ReshapeOp([groups, size, 1]), x);
                x = Arithmetic(node, "zeros", new Pad2dOp(new Padding(0, 0, 0, size)), x);
                x = Arithmetic(node, "rows", new ReshapeOp([groups, size * (size + 1)]), x);
                x = Arithmetic(node, "square", new SliceOp(1, 0, size * size), x);
            }
            return Arithmetic(node, "diagonal", new ReshapeOp([channels, size, 1, 1]), x);
        }

        private Node Ones(Node node, int channels) => Arithmetic(node, "ones", new ConstantOp([channels], [.. Enumerable.Repeat(1f, channels)]));

        private Node Arithmetic(Node node, string suffix, Operator op, params ReadOnlySpan<Node> inputs) => _rewriter.Create($"{node.Name}#{suffix}", op, inputs);
    }
}
