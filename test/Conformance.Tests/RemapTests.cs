namespace Backbones.Conformance.Tests;

/// <summary>Checkpoints in foreign layouts, against what timm's own filters make of them.</summary>
[TestClass]
public sealed class RemapTests
{
    [TestMethod]
    public void Foreign_layouts_become_timms_keys_as_timm_does_it()
    {
        ModelResult[] results = [.. RemapRunner.Compare(Path.Combine(ModelLineTests.Data, "remap.json.gz"), "*")];
        Assert.HasCount(135, results);
        string[] wrong = [.. results.Where(r => r.Outcome == Outcome.Failed).Select(r => r.Text)];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }
}
