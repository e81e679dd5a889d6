using Backbones.Engines.Torch;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Weights;
using TorchSharp;

namespace Backbones.Tests.Torch;

/// <summary>The memory of intermediates while a plan runs, counted by PyTorch's storages: views are no bytes of their own.</summary>
[TestClass]
public sealed class LiveBytesTests
{
    private const int Batch = 4;

    [TestMethod]
    [DataRow("test_resnet", false)]
    [DataRow("test_resnet", true)]
    [DataRow("test_convnext", true)]
    [DataRow("test_vit", false)]
    [DataRow("test_efficientnet_evos", true)]
    [DataRow("resnet50", true)]
    [DataRow("regnety_002", true)]
    [DataRow("mobilenetv3_small_050", true)]
    public void ThePeakIsThatOfTheLivenessOfTheGraph(string name, bool channelsLast)
    {
        TorchComparison.Engine();
        BackboneGraph backbone = ModelCatalog.Find(name).Build(BuildOptions.Default with { ImageSize = 96 });
        Graph graph = SelectedFeatures.Choose(backbone, FeatureSelection.Pooled()).Graph;
        using ParameterStore store = TorchComparison.Store(graph);
        GraphProgram program = GraphProgram.Create(graph, store);
        HashSet<int> weights = [.. program.Constants.Select(c => c.Slot)];
        long peak = 0;
        using var device = new DeviceProgram(program, new WeightPool(new torch.Device(DeviceType.CPU)), torch.ScalarType.Float32, channelsLast, threads: 0)
        {
            StepDone = slots => peak = Math.Max(peak, Bytes(slots.Where((t, i) => t is not null && !weights.Contains(i))!)),
        };
        float[][] inputs = TorchComparison.Inputs(graph, Batch), outputs = [.. graph.Outputs.Select(o => new float[Batch * o.Shape.Length])];
        device.Run(Batch, [inputs[0]], [outputs[0]], default);

        (long planned, long all) = Planned(program);
        Assert.IsLessThanOrEqualTo(planned, peak, "the plan's own peak");
        Assert.IsLessThan(all / 2, peak, "all intermediates together");
        Assert.IsGreaterThanOrEqualTo(Batch * graph.Inputs[0].Shape.Length * sizeof(float), peak, "the input was there");
    }

    private static long Bytes(IEnumerable<torch.Tensor> tensors)
    {
        var storages = new Dictionary<nint, ulong>();
        // A storage holds a tensor of its own that it does not free.
        using IDisposable scope = torch.NewDisposeScope();
        foreach (torch.Tensor tensor in tensors)
        {
            var storage = tensor.storage<float>();
            storages[storage.data_ptr()] = storage.nbytes();
        }
        return storages.Values.Sum(b => (long)b);
    }

    /// <summary>The largest sum of values between their first and last use, with an operator's inputs and result at once and nothing done in place; and the sum of all.</summary>
    private static (long Peak, long All) Planned(GraphProgram program)
    {
        static long Size(Node node) => Batch * node.Shape.Length * sizeof(float);
        var owners = program.Prepared.Inputs.ToDictionary(i => i, i => i);
        var lastUse = new Dictionary<Node, int>();
        for (int step = 0; step < program.Steps.Length; step++)
        {
            Node node = program.Steps[step].Node;
            owners[node] = node.Operator is IdentityOp or PermuteOp or SliceOp or ExpandOp ? owners[node.Inputs[0]] : node;
            foreach (Node input in node.Inputs.Where(i => i.IsBatched))
                lastUse[owners[input]] = step;
        }
        long live = program.Prepared.Inputs.Sum(Size), peak = live, all = live;
        for (int step = 0; step < program.Steps.Length; step++)
        {
            Node node = program.Steps[step].Node;
            long size = ReferenceEquals(owners[node], node) ? Size(node) : 0;
            live += size;
            all += size;
            peak = Math.Max(peak, live);
            live -= lastUse.Where(u => u.Value == step && !program.Prepared.Outputs.Contains(u.Key)).Sum(u => Size(u.Key));
        }
        return (peak, all);
    }
}
