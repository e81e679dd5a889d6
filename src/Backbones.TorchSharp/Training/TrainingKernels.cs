using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>The engine's kernels for a module that trains: nothing is written in place, parameter arithmetic is computed in every pass, batch normalisations know both modes.</summary>
internal sealed class TrainingKernels : IDisposable
{
    private readonly torch.Device _device;
    private readonly ScalarType _type;
    private readonly double _momentum;
    private readonly KernelBinder _binder;
    private readonly Dictionary<Node, Kernel> _kernels = [];
    private readonly Dictionary<Node, ModuleEntry?> _counters = [];

    public TrainingKernels(Graph graph, Dictionary<string, ModuleEntry> entries, torch.Device device, ScalarType type, double momentum)
    {
        _device = device;
        _type = type;
        _momentum = momentum;
        _binder = new KernelBinder(device, type, full: []);
        try
        {
            foreach (Node node in graph.Nodes)
            {
                if (node.Operator is InputOp or ParameterOp or ConstantOp)
                    continue;
                _kernels[node] = node.IsBatched ? _binder.Bind(node, -1) : WithoutBatch(node);
                if (node is { IsBatched: true, Operator: BatchNormOp } && node.Inputs[3].Operator is ParameterOp mean)
                    _counters[node] = entries.GetValueOrDefault($"{mean.Spec.Name[..mean.Spec.Name.LastIndexOf('.')]}.num_batches_tracked");
            }
        }
        catch
        {
            _binder.Dispose();
            throw;
        }
    }

    public bool IsFor(Tensor input) => input.dtype == _type && input.device.type == _device.type && input.device.index == _device.index;

    public Tensor Run(Node node, Tensor[] x, bool training)
        => training && _counters.TryGetValue(node, out ModuleEntry? counter) ? TrainBatchNorm((BatchNormOp)node.Operator, node, x, counter) : _kernels[node](x);

    /// <summary>Weights have no batch dimension: they get one for the kernel and lose it again.</summary>
    private Kernel WithoutBatch(Node node)
    {
        Kernel kernel = _binder.Bind(new Node(node.Name, node.Operator, [.. node.Inputs.Select(i => new Node(i.Name, new InputOp(i.Shape), []))]), -1);
        return x =>
        {
            var batched = new Tensor[x.Length];
            for (int i = 0; i < x.Length; i++)
                batched[i] = x[i].unsqueeze(0);
            try
            {
                using Tensor result = kernel(batched);
                return result.squeeze(0);
            }
            finally
            {
                foreach (Tensor tensor in batched)
                    tensor.Dispose();
            }
        };
    }

    private Tensor TrainBatchNorm(BatchNormOp op, Node node, Tensor[] x, ModuleEntry? counter)
    {
        if (counter is not null)
            Count(counter.Value);
        long axis = node.Shape.Axis(op.Axis) + 1;
        using Tensor channelsSecond = x[0].transpose(1, axis);
        using Tensor y = F.batch_norm(channelsSecond, x[3], x[4], x[1], x[2], true, _momentum, op.Eps);
        return y.transpose(1, axis);
    }

    private static void Count(Tensor counter)
    {
        using Scalar one = 1;
        counter.add_(one);
    }

    public void Dispose() => _binder.Dispose();
}
