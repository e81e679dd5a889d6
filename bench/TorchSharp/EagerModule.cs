using System.Runtime.InteropServices;
using Backbones.Engines;
using Backbones.Engines.Torch;
using Backbones.Graphs;
using TorchSharp;

namespace Bench.Torch;

/// <summary>
/// A graph as PyTorch runs timm's modules: eager, in evaluation and inference mode, NCHW, batch normalisations and activations as operators of
/// their own, intermediates kept until nobody reads them.
/// </summary>
internal sealed class EagerModule : IPlan
{
    private readonly GraphModule _module;
    private readonly torch.Device _device;
    private readonly torch.ScalarType _type;
    private readonly int _threads;

    public EagerModule(string name, Graph graph, IParameterSource parameters, Precision precision, BenchOptions options)
    {
        Graph = graph;
        _type = precision switch { Precision.Float16 => torch.float16, Precision.BFloat16 => torch.bfloat16, _ => torch.float32 };
        _device = torch.device(options.Device);
        _threads = options.Threads;
        _module = new GraphModule(name, graph, parameters);
        _module.to(_device, _type);
        _module.eval();
    }

    public Graph Graph { get; }

    public void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default)
    {
        torch.set_num_threads(_threads);
        using IDisposable inference = torch.inference_mode();
        using torch.Tensor flat = Over(inputs[0]), shaped = flat.reshape([batch, .. Graph.Inputs[0].Shape.Select(d => (long)d)]), input = shaped.to(_type, _device);
        torch.Tensor[] results = _module.call(input);
        for (int i = 0; i < results.Length; i++)
        {
            using torch.Tensor result = results[i], target = Over(outputs[i]), shapedTarget = target.reshape(result.shape);
            shapedTarget.copy_(result);
        }
    }

    private static torch.Tensor Over(ReadOnlyMemory<float> values)
        => MemoryMarshal.TryGetArray(values, out ArraySegment<float> array) ? torch.frombuffer(array.Array!, torch.float32, array.Count, array.Offset) : throw new ArgumentException("An array is needed.", nameof(values));

    public void Dispose() => _module.Dispose();
}
