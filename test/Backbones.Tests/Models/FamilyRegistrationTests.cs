using Backbones.Graphs;
using Backbones.Models;
using Backbones.Registry;

namespace Backbones.Tests.Models;

/// <summary>What holds for every family: it has exactly the architectures of timm's file, and each builds for its default input.</summary>
[TestClass]
public sealed class FamilyRegistrationTests
{
    /// <summary>The files of timm of which at least one architecture is built.</summary>
    public static IEnumerable<object[]> Families => ModelCatalog.Names.Select(ModelNames.ModuleOf).Distinct().Order(StringComparer.Ordinal).Select(family => new object[] { family });

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void EveryEntryPointOfTimmIsBuilt(string family)
    {
        string[] built = [.. ModelCatalog.Names.Where(n => ModelNames.ModuleOf(n) == family)];
        CollectionAssert.AreEqual(ModelNames.List(module: [family]).Order(StringComparer.Ordinal).ToArray(), built);
        foreach (string name in built)
        {
            PretrainedConfig config = ModelNames.GetConfig(name);
            BackboneGraph backbone = ModelCatalog.Find(name).Build(BuildOptions.Default);
            Assert.AreEqual(config.InputSize, backbone.Graph.Inputs[0].Shape, name);
            // Without classes it is what the classifier would get (SAM's head_hidden_size, which timm has from before the neck, is not that).
            Shape expected = config.NumClasses > 0 ? [config.NumClasses] : backbone.PreLogits.Shape;
            Assert.AreEqual(expected, backbone.Graph.Outputs[0].Shape, name);

            // What the registry says about parameters is so: the first convolution is adapted by it (behind space-to-depth it has the colours several times over).
            Dictionary<string, Shape> parameters = backbone.Graph.Parameters.ToDictionary(p => p.Name, p => p.Shape);
            Assert.IsNotEmpty(config.FirstConv, name);
            foreach (string module in config.FirstConv)
                Assert.AreEqual(0, parameters[$"{module}.weight"][1] % config.InputSize[0], $"{name}: {module}");
        }
    }
}
