using Backbones.Engines.Torch;
using Backbones.Graphs;
using Backbones.Models;
using ScalarType = TorchSharp.torch.ScalarType;

namespace Backbones.Tests.Torch;

[TestClass]
public sealed class MemoryLayoutTests
{
    [TestMethod]
    [DataRow("resnet50", true, true, false)]
    [DataRow("convnext_tiny", true, true, false)]
    [DataRow("mobilenetv3_large_100", true, true, false)]
    [DataRow("regnety_032", true, false, false)]
    [DataRow("vit_base_patch16_224", false, false, false)]
    public void IsChosenByWhatTheGraphComputes(string name, bool cpu, bool cudaHalf, bool cudaFloat)
    {
        Graph graph = ModelCatalog.Find(name).Build(BuildOptions.Default).Graph;
        Assert.AreEqual(cpu, MemoryLayout.PrefersChannelsLast(graph, false, ScalarType.Float32), "CPU, float32");
        Assert.AreEqual(cpu, MemoryLayout.PrefersChannelsLast(graph, false, ScalarType.BFloat16), "CPU, bfloat16");
        Assert.AreEqual(cudaHalf, MemoryLayout.PrefersChannelsLast(graph, true, ScalarType.Float16), "CUDA, float16");
        Assert.AreEqual(cudaFloat, MemoryLayout.PrefersChannelsLast(graph, true, ScalarType.Float32), "CUDA, float32");
    }
}
