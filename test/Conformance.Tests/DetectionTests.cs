using Backbones.Engines.Managed;

namespace Backbones.Conformance.Tests;

/// <summary>Detectors and their operators against torchvision's numbers: all operators, and the smaller runs. <c>./test.sh --all</c> runs every case.</summary>
[TestClass]
public sealed class DetectionTests
{
    /// <summary>What the first file does not have: SSD and SSDlite.</summary>
    private const string SsdFile = "detection_ssd.json.gz";

    [TestMethod]
    public void Operators_give_torchvisions_numbers() => AssertPass("ops/*", 250);

    [TestMethod]
    public void Default_boxes_are_torchvisions() => AssertPass("ops/*", 7, SsdFile);

    [TestMethod]
    [DataRow("models/fasterrcnn_resnet18_single")]
    [DataRow("cases/faster_single")]
    public void Detectors_find_what_torchvisions_find(string name) => AssertPass(name, 1);

    [TestMethod]
    [DataRow("models/ssdlite320_mobilenet_v3_large")]
    [DataRow("models/ssdlite320_full_tail")]
    [DataRow("cases/ssdlite_a")]
    [DataRow("cases/ssdlite_full")]
    [DataRow("cases/ssd300_a")]
    public void Detectors_of_one_size_find_what_torchvisions_find(string name) => AssertPass(name, 1, SsdFile);

    [TestMethod]
    [TestCategory("Slow")]
    public void Every_case_passes()
    {
        AssertPass("*", 268);
        AssertPass("*", 15, SsdFile);
    }

    private static void AssertPass(string filter, int count, string file = "detection.json.gz")
    {
        ModelResult[] results = [.. DetectionRunner.Compare(Path.Combine(ModelLineTests.Data, file), filter, new ManagedEngine())];
        Assert.HasCount(count, results);
        string[] wrong = [.. results.Where(r => r.Outcome == Outcome.Failed).Select(r => r.Text)];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }
}
