namespace Backbones.Conformance.Tests;

/// <summary>Every file that torch.save wrote for the reference: read as torch reads it, refused as torch refuses it, and more only where it is documented.</summary>
[TestClass]
public sealed class PthTests
{
    [TestMethod]
    public void Checkpoints_are_read_or_refused_as_torch_does()
    {
        var results = PthRunner.Compare(Path.Combine(ModelLineTests.Data, "pth")).ToList();
        Assert.HasCount(94, results);
        string[] wrong = [.. results.Where(r => !r.IsRight).Select(r => $"{r.File}: {r.Result}")];
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
        string[] more = [.. results.Where(r => r.Result.Contains("more than torch", StringComparison.Ordinal)).Select(r => r.File)];
        CollectionAssert.AreEquivalent(new[]
        {
            "zip_protocol4.pth", "zip_protocol5.pth", "legacy_protocol4.pth", "legacy_protocol5.pth", "checkpoint_args.pth",
            "checkpoint_numpy_scalar.pth", "checkpoint_numpy_array.pth", "numpy_state_dict.pth", "torchscript.pth",
        }, more, string.Join(", ", more));
    }
}
