using Backbones.Engines;

namespace Backbones.Tests.Torch;

[TestClass]
public sealed class ProviderTests
{
    [TestMethod]
    public void The_provider_finds_the_factory_of_this_assembly_by_itself()
    {
        string message = Assert.ThrowsExactly<NotSupportedException>(() => EngineProvider.For("cuda:99")).Message;
        StringAssert.Contains(message, "cuda:99");
        StringAssert.Contains(message, "TorchSharp");
        Assert.DoesNotContain("the program has no", message);
    }
}
