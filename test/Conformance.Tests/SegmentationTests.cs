using Backbones.Engines;
using Backbones.Engines.Managed;

namespace Backbones.Conformance.Tests;

/// <summary>Segmentation models, against torchvision's numbers.</summary>
[TestClass]
public sealed class SegmentationTests
{
    private static string File => Path.Combine(ModelLineTests.Data, "segmentation.json.gz");

    [TestMethod]
    public void Parameters_and_shapes_are_torchvisions() => Check("*", null, 14);

    [TestMethod]
    [DataRow("timm_resnet18_fcn")]
    [DataRow("lraspp_mobilenet_v3_large")]
    [DataRow("deeplabv3_mobilenet_v3_large")]
    public void Small_models_have_torchvisions_maps_and_classes(string model) => Check(model, new ManagedEngine(), 2);

    private static void Check(string filter, IEngine? engine, int count)
    {
        ModelResult[] results = [.. SegmentationRunner.Compare(File, filter, engine)];
        Assert.HasCount(count, results);
        string[] wrong = [.. results.Where(r => r.Outcome == Outcome.Failed).Select(r => r.Text)];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }
}
