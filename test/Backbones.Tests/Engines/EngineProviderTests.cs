using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Engines.Reference;
using Backbones.Models;
using Backbones.Weights;

namespace Backbones.Tests.Engines;

[TestClass]
public sealed class EngineProviderTests
{
    [TestMethod]
    [DataRow("cpu")]
    [DataRow("CPU")]
    [DataRow("auto")]
    public void The_cpu_is_always_there(string device)
    {
        DeviceEngine found = EngineProvider.For(device, Precision.Float32);
        Assert.AreSame(DefaultEngine.Instance, found.Engine);
        Assert.AreEqual("cpu", found.Device);
        Assert.AreEqual(Precision.Float32, found.Precision);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("gpu")]
    [DataRow("cpu:0")]
    [DataRow("auto:1")]
    [DataRow("cuda:")]
    [DataRow("cuda:-1")]
    [DataRow("cuda:1:2")]
    [DataRow("cuda:x")]
    public void What_is_no_device_is_refused(string device)
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => EngineProvider.Check(device)).Message, $"'{device}' is not a device");
        Assert.ThrowsExactly<ArgumentException>(() => EngineProvider.For(device, fallbackToCpu: true));
    }

    [TestMethod]
    public void A_device_that_is_not_there_is_an_error_or_a_warning()
    {
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => EngineProvider.For("cuda:3")).Message, "'cuda:3'");
        var warnings = new List<string>();
        Assert.AreEqual("cpu", EngineProvider.For("cuda:3", Precision.Float16, fallbackToCpu: true, warnings.Add).Device);
        StringAssert.Contains(warnings.Single(), "cuda:3");
    }

    [TestMethod]
    public void Engines_refuse_number_formats_that_they_have_not()
    {
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => EngineProvider.For("cpu", Precision.Float16)).Message, "managed engine does not compute in Float16");
        var graph = ModelCatalog.Find("test_resnet").Build(BuildOptions.Default).Graph;
        foreach (IEngine engine in new IEngine[] { new ManagedEngine(), new ReferenceEngine() })
        {
            string message = Assert.ThrowsExactly<NotSupportedException>(() => engine.Compile(graph, ParameterStore.FromRecipe(graph.Parameters, 1), new EngineOptions { Precision = Precision.BFloat16 })).Message;
            StringAssert.Contains(message, $"The {engine.Name} engine does not compute in BFloat16; it does in Auto, Float32");
        }
    }

    [TestMethod]
    public void Kinds_of_devices_are_words()
    {
        foreach (string kind in new[] { "", "cpu", "Auto", "cuda:1", "a b" })
            Assert.ThrowsExactly<ArgumentException>(() => EngineProvider.Register(new Factory(kind)), kind);
    }

    private sealed class Factory(string kind) : IEngineFactory
    {
        public string DeviceKind => kind;

        public bool TryCreate(int index, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IEngine? engine, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
        {
            engine = null;
            problem = "none";
            return false;
        }
    }
}
