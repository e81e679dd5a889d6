using System.Collections.Immutable;
using Backbones.Graphs;
using Backbones.Graphs.Passes;
using Backbones.Weights;

namespace Backbones.Engines.Torch;

/// <summary>
/// A graph as a trainable module: input <c>[N, C, H, W]</c>, one tensor <c>[N, shape…]</c> for each of the graph's outputs. Parameters and
/// buffers are registered under timm's names, so that <c>state_dict</c> has timm's keys. In training mode batch normalisations use the
/// batch's statistics and update the running ones; dropout and drop path do nothing, as with timm's default rates.
/// </summary>
public sealed class GraphModule : torch.nn.Module<Tensor, Tensor[]>
{
    private readonly Graph _graph;
    private readonly ImmutableArray<ParameterSpec> _specs;
    private readonly Dictionary<string, ModuleEntry> _entries = [];
    private readonly Dictionary<Node, ModuleEntry> _leaves = [];
    private readonly Dictionary<Node, int> _slots = [];
    private readonly Dictionary<Node, int> _uses;
    private readonly double _momentum;
    private TrainingKernels? _kernels;

    /// <summary>Makes the module and copies the parameters into it.</summary>
    /// <param name="name">The module's name.</param>
    /// <param name="graph">The graph; its only input is the module's.</param>
    /// <param name="parameters">The values to begin with.</param>
    /// <param name="batchNormMomentum">Share of the batch in the running statistics (PyTorch's and timm's default 0.1).</param>
    /// <exception cref="TorchSharpUnavailableException">The native package is not there.</exception>
    public GraphModule(string name, Graph graph, IParameterSource parameters, double batchNormMomentum = 0.1) : base(Checked(name))
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(parameters);
        if (graph.Inputs.Length != 1)
            throw new ArgumentException($"A module has one input, the graph has {graph.Inputs.Length}: {string.Join(", ", graph.Inputs.Select(i => i.Name))}.", nameof(graph));
        _momentum = batchNormMomentum;
        _graph = RemoveIdentities.Run(graph);
        _specs = graph.Parameters;
        _uses = _graph.UseCounts();
        try
        {
            foreach (ParameterSpec spec in _specs)
                _entries[spec.Name] = ModuleEntry.Register(this, spec, parameters);
            foreach (Node node in _graph.Nodes)
            {
                _slots[node] = _slots.Count;
                if (node.Operator is ParameterOp p)
                    _leaves[node] = _entries[p.Spec.Name];
                else if (node.Operator is ConstantOp c)
                    _leaves[node] = ModuleEntry.Register(this, $"constant_{_leaves.Count}", c);
            }
        }
        catch
        {
            // With the tensors that it has already.
            Dispose();
            throw;
        }
    }

    /// <summary>Runs the graph. Gradients flow to the parameters where they are enabled.</summary>
    /// <param name="input"><c>[N, C, H, W]</c>, on the module's device.</param>
    /// <exception cref="ArgumentException">The input has another shape.</exception>
    public override Tensor[] forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Shape item = _graph.Inputs[0].Shape;
        if (input.shape.Length != item.Rank + 1 || !input.shape[1..].SequenceEqual(item.Select(d => (long)d)))
            throw new ArgumentException($"The module needs an input [N, {string.Join(", ", item.Select(d => $"{d}"))}], received [{string.Join(", ", input.shape.Select(d => $"{d}"))}].", nameof(input));

        if (_kernels is null || !_kernels.IsFor(input))
        {
            _kernels?.Dispose();
            _kernels = null;
            _kernels = new TrainingKernels(_graph, _entries, input.device, input.dtype, _momentum);
        }
        var values = new Tensor?[_slots.Count];
        var owned = new bool[_slots.Count];
        var remaining = new Dictionary<Node, int>(_uses);
        try
        {
            foreach (Node node in _graph.Nodes)
            {
                int slot = _slots[node];
                if (node.Operator is InputOp || _leaves.ContainsKey(node))
                {
                    values[slot] = node.Operator is InputOp ? input : _leaves[node].Value;
                    continue;
                }
                values[slot] = _kernels.Run(node, [.. node.Inputs.Select(i => values[_slots[i]]!)], training);
                owned[slot] = true;
                // Handles only: what the backward pass needs is kept by autograd.
                foreach (Node used in node.Inputs)
                {
                    if (--remaining[used] == 0 && owned[_slots[used]])
                        Free(_slots[used]);
                }
            }
            return [.. _graph.Outputs.Select(o => o.IsBatched ? values[_slots[o]]!.alias() : values[_slots[o]]!.expand([input.shape[0], .. o.Shape.Select(d => (long)d)]))];
        }
        finally
        {
            for (int i = 0; i < values.Length; i++)
            {
                if (owned[i] && values[i] is not null)
                    Free(i);
            }
        }

        void Free(int slot)
        {
            values[slot]!.Dispose();
            values[slot] = null;
        }
    }

    /// <summary>The parameters and buffers as they are now, in timm's order: save them with <see cref="SafetensorsWriter"/>, or compile them with any engine.</summary>
    public ParameterStore Snapshot() => ParameterStore.FromTensors(_specs.Select(Read), GetName());

    private ParameterTensor Read(ParameterSpec spec)
    {
        using Tensor detached = _entries[spec.Name].Value.detach();
        using Tensor host = detached.cpu();
        using Tensor packed = host.contiguous();
        if (spec.ElementType == ElementType.Int64)
            return new MemoryTensor(spec.Name, DType.Int64, spec.Shape, packed.bytes.ToArray());
        using Tensor full = packed.to_type(ScalarType.Float32);
        return new MemoryTensor(spec.Name, DType.Float32, spec.Shape, full.bytes.ToArray());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _kernels?.Dispose();
        base.Dispose(disposing);
    }

    private static string Checked(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return NativePackage.Problem is { } problem
            ? throw new TorchSharpUnavailableException($"Cannot make a module of '{name}': {problem.Message}.", problem.InnerException)
            : name;
    }
}

/// <summary>One segment of timm's parameter names (<c>layer1</c>, <c>0</c>, <c>conv1</c>) as a module that holds parameters, buffers and further segments.</summary>
internal sealed class ModuleScope(string name) : torch.nn.Module(name)
{
    /// <summary>The scope below this one for a dotted path, made where it is missing.</summary>
    public static torch.nn.Module Below(torch.nn.Module root, string path)
    {
        torch.nn.Module scope = root;
        foreach (string segment in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            torch.nn.Module? child = scope.named_children().FirstOrDefault(c => c.name == segment).module;
            if (child is null)
            {
                child = new ModuleScope(segment);
                scope.register_module(segment, child);
            }
            scope = child;
        }
        return scope;
    }
}
