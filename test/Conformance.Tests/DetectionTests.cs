using Backbones.Engines.Managed;

namespace Backbones.Conformance.Tests;

/// <summary>Detectors and their operators against torchvision's numbers: all operators, and the smaller runs. <c>./test.sh --all</c> runs every case.</summary>
[TestClass]
public sealed class DetectionTests
{
    private static string File => Path.Combine(ModelLineTests.Data, "detection.json.gz");

    [TestMethod]
    public void Operators_give_torchvisions_numbers() => AssertPass("ops/*", 250);

    [TestMethod]
    [DataRow("models/fasterrcnn_resnet18_single")]
    [DataRow("cases/faster_single")]
    public void Detectors_find_what_torchvisions_find(string name) => AssertPass(name, 1);

    [TestMethod]
    [TestCategory("Slow")]
    public void Every_case_passes() => AssertPass("*", 268);

    private static void AssertPass(string filter, int count)
    {
        ModelResult[] results = [.. DetectionRunner.Compare(File, filter, new ManagedEngine())];
        Assert.HasCount(count, results);
        string[] wrong = [.. results.Where(r => r.Outcome == Outcome.Failed).Select(r => r.Text)];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }
}
