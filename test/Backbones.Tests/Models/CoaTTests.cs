using Backbones.Graphs;
using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class CoaTTests
{
    [TestMethod]
    public void ThereIsNoPyramidAndThereAreNoIntermediates()
    {
        ModelEntry model = ModelCatalog.Find("coat_lite_tiny");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pyramid())).Message, "no feature pyramid in timm; use Nodes.");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Intermediates())).Message, "no forward_intermediates in timm; use Nodes.");
        StringAssert.Contains(Assert.ThrowsExactly<GraphException>(() => SelectedFeatures.Create(model, FeatureSelection.Pooled(""))).Message, "'token' and 'avg'");
    }

    [TestMethod]
    public void FeaturesAreTheTokensOfThreeScales()
        => CollectionAssert.AreEqual(
            new Shape[] { [785, 216], [197, 216], [50, 216] },
            SelectedFeatures.Create(ModelCatalog.Find("coat_mini"), FeatureSelection.Unpooled).Outputs.Select(o => o.Shape).ToArray());

    // A state_dict has all of them, and loading leaves the last one's values; as parameters they count once.
    [TestMethod]
    public void ModulesThatShareATensorHaveEntriesOfTheirOwn()
    {
        ParameterSpec[] entries = [.. ModelCatalog.Find("coat_lite_tiny").Build(BuildOptions.Default).Graph.Parameters.Where(p => p.Name.EndsWith("cpe.proj.weight", StringComparison.Ordinal) || p.Name.StartsWith("cpe1.", StringComparison.Ordinal))];
        ParameterSpec last = entries.Single(p => p.Name == "serial_blocks1.1.cpe.proj.weight");
        Assert.AreEqual(ParameterKind.Parameter, last.Kind);
        foreach (string name in new[] { "cpe1.proj.weight", "serial_blocks1.0.cpe.proj.weight" })
        {
            ParameterSpec entry = entries.Single(p => p.Name == name);
            Assert.AreEqual(last.Name, entry.TiedTo);
            Assert.AreEqual(ParameterKind.Buffer, entry.Kind);
        }
    }
}
