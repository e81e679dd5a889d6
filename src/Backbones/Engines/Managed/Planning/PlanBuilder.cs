using Backbones.Graphs;

namespace Backbones.Engines.Managed;

/// <summary>Turns a graph into steps: chooses a kernel and a memory layout for each node, then plans the memory.</summary>
internal sealed partial class PlanBuilder<T> where T : struct, IVector<T>
{
    private readonly Graph _graph;
    private readonly IReadOnlyDictionary<Node, DenseTensor> _constants;
    private readonly IReadOnlyDictionary<Node, RowScaled> _stored;
    private readonly WorkerPool _pool;
    private readonly List<PlannedStep> _steps = [];
    private readonly Dictionary<Node, ValueView> _values = [];
    private readonly Dictionary<Node, List<Node>> _users = [];
    private readonly NativeArena _weights = new();
    private readonly List<IDisposable> _resources;
    private readonly Dictionary<TransformedWeights, PackedMatrix<T>> _transformed = [];
    private readonly Packing _packing = new();
    private readonly bool _halfWeights;
    private string _node = "";

    /// <param name="graph">The graph as it is to run.</param>
    /// <param name="constants">Its parameters and what is computed of them.</param>
    /// <param name="weights">Those that are only packed.</param>
    /// <param name="pool">Threads.</param>
    /// <param name="halfWeights">Keep the weights of products and convolutions as 16-bit floats.</param>
    public PlanBuilder(Graph graph, IReadOnlyDictionary<Node, DenseTensor> constants, IReadOnlyDictionary<Node, RowScaled> weights, WorkerPool pool, bool halfWeights)
    {
        _halfWeights = halfWeights;
        _graph = graph;
        _constants = constants;
        _stored = weights;
        _pool = pool;
        _resources = [_weights];
        foreach (Node node in graph.Nodes)
        {
            foreach (Node input in node.Inputs.Distinct())
            {
                if (!_users.TryGetValue(input, out List<Node>? users))
                    _users[input] = users = [];
                users.Add(node);
            }
        }
    }

    /// <param name="original">The graph that the caller knows; its inputs and outputs correspond to those of the prepared one.</param>
    public ManagedPlan Build(Graph original)
    {
        try
        {
            for (int i = 0; i < _graph.Inputs.Length; i++)
                _values[_graph.Inputs[i]] = Dense(StorageKind.Input, i, _graph.Inputs[i].Shape);
            PlaceConcatenations();
            foreach (Node node in _graph.Nodes)
            {
                // A step may have taken in a node that follows it, or will take in this one.
                if (!node.IsBatched || _values.ContainsKey(node) || JoinsItsUser(node) || (OnlyUser(node) is { } user && Expands(node, user)) || IsPrologue(node))
                    continue;
                _node = node.Name;
                _values[node] = Lower(node);
            }
            for (int i = 0; i < _graph.Outputs.Length; i++)
                Copy(Value(_graph.Outputs[i]), Dense(StorageKind.Output, i, _graph.Outputs[i].Shape));
            (Segment[] segments, long batchItemSize) = MemoryPlanner.Place(_steps, _pool.Threads);
            _packing.Wait();
            return new ManagedPlan(original, [.. _steps], segments, batchItemSize, [.. _resources], _pool);
        }
        catch
        {
            // Nobody writes to memory that is freed.
            _packing.Wait(ignoreErrors: true);
            foreach (IDisposable resource in _resources)
                resource.Dispose();
            throw;
        }
    }

    private ValueView Lower(Node node) => ReferenceStep.IsNeeded(node) ? Fallback(node) : node.Operator switch
    {
        Conv2dOp op => Conv2d(node, op),
        LinearOp op => Linear(node, op),
        UnaryOp or BinaryOp => Elementwise(node),
        MaxPool2dOp or AvgPool2dOp or AdaptiveAvgPool2dOp => Pool(node),
        ReduceOp op => Reduce(node, op),
        ReshapeOp => Reshape(node),
        PermuteOp op => Permute(node, op),
        SliceOp op => Slice(node, op),
        IdentityOp => Value(node.Inputs[0]),
        BatchNormOp op => BatchNorm(node, op),
        LayerNormOp op => LayerNorm(node, RowNorm.Layer, op.Axis, op.Eps),
        RmsNormOp op => LayerNorm(node, op.Centered ? RowNorm.Deviation : RowNorm.Rms, op.Axis, op.Eps),
        GroupNormOp op => GroupNorm(node, op),
        SoftmaxOp op => Softmax(node, op),
        LstmOp => Lstm(node),
        MatMulOp op => MatMul(node, op),
        AttentionOp op => Attention(node, op),
        ConcatOp op => Concat(node, op),
        ExpandOp => Expand(node),
        Pad2dOp op => Pad(node, op),
        RollOp op => Roll(node, op),
        GatherOp op => Gather(node, op),
        ResizeOp op => Resize(node, op),
        PReluOp => PRelu(node),
        _ => throw new NotSupportedException($"The managed engine has no lowering for {node.Operator.GetType().Name} (node '{node.Name}')."),
    };

    /// <summary>The view of a node's value; constants are stored, and functions of elements that were left to their user computed, on first use.</summary>
    private ValueView Value(Node node)
    {
        if (_values.TryGetValue(node, out ValueView? view))
            return view;
        if (node.IsBatched)
            return _values[node] = Elementwise(node);
        RowScaled constant = Filters(node);
        var buffer = new AlignedBuffer(constant.Elements.Length, _weights);
        constant.CopyTo(buffer.Span);
        int[] strides = node.Shape.Strides();
        return _values[node] = new ValueView(new Storage(StorageKind.Constant, 0) { Constant = buffer }, 0, node.Shape.Dimensions, Array.ConvertAll(strides, s => (long)s));
    }

    /// <summary>A constant as weights.</summary>
    private RowScaled Filters(Node node) => _stored.TryGetValue(node, out RowScaled? weights) ? weights : RowScaled.Of(_constants[node].Data);

    /// <summary>The elements of an input that is a constant.</summary>
    private float[] Values(Node node, int input) => _constants[node.Inputs[input]].Data;

    /// <summary>A copy of the values, padded to whole vectors.</summary>
    private AlignedBuffer PadColumns(ReadOnlySpan<float> values)
    {
        var buffer = new AlignedBuffer(RoundUp(values.Length), _weights);
        values.CopyTo(buffer.Span);
        return buffer;
    }

    /// <summary>The node that alone uses this one's value; null where there are several, or the value is an output.</summary>
    private Node? OnlyUser(Node node) => _users.TryGetValue(node, out List<Node>? users) && users.Count == 1 && !_graph.Outputs.Contains(node) ? users[0] : null;

    /// <summary>The activation that alone follows, for a step that applies it too: the node then becomes the activation's, whose value the step makes.</summary>
    private UnaryOp? TakeActivation(ref Node node)
    {
        if (OnlyUser(node) is not { Operator: UnaryOp activation } user)
            return null;
        node = user;
        return activation;
    }

    /// <summary>Where weights go that <see cref="Weights"/> gets: to memory of their own if they stay there only until they have been made halves.</summary>
    private NativeArena? PackedTo => _halfWeights ? null : _weights;

    private PackedMatrix<T> Weights(PackedMatrix<T> packed)
    {
        if (!_halfWeights)
            return packed;
        _packing.Wait();
        PackedMatrix<T> halves = packed.ToHalf(_weights);
        _resources.Add(halves);
        return halves;
    }

    private void Add(Step step, ValueView result, params ReadOnlySpan<ValueView?> inputs)
    {
        var reads = new List<Storage>();
        foreach (ValueView? input in inputs)
        {
            if (input is not null)
                reads.Add(input.Storage);
        }
        _steps.Add(new PlannedStep(step, _node, [.. reads], result.Storage));
    }

    private void Copy(ValueView source, ValueView target) => Add(new CopyStep<T>(source, target), target, source);

    private ValueView Fallback(Node node)
    {
        ValueView[] inputs = [.. node.Inputs.Select(Value)];
        ValueView result = IsMap(node.Inputs[0], node) ? AllocateMap(node.Shape) : Allocate(node.Shape);
        Add(new ReferenceStep(node, inputs, result), result, inputs);
        return result;
    }

    /// <summary>Whether a rank 3 result should be stored as a map: its input is.</summary>
    private bool IsMap(Node input, Node node) => node.Shape.Rank == 3 && input.IsBatched && input.Shape.Rank == 3 && IsChannelsLast(Value(input));
}
