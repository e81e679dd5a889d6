using Backbones.Registry;

namespace Backbones.Tests.Registry;

[TestClass]
public sealed class ArchitectureTableTests
{
    [TestMethod]
    public void EntriesAreFoundAndListedInNaturalOrder()
    {
        ArchitectureTable<int> table = new();
        table.Add("resnet101", 101);
        table.Add("resnet50", 50);
        Assert.AreEqual(50, table.Get("resnet50"));
        Assert.IsTrue(table.TryGet("resnet101", out int value) && value == 101);
        Assert.IsFalse(table.TryGet("resnet18", out _));
        CollectionAssert.AreEqual(new[] { "resnet50", "resnet101" }, table.Names.ToArray());
    }

    [TestMethod]
    public void WhatIsNotThereIsExplained()
    {
        ArchitectureTable<int> table = new();
        table.Add("resnet50", 50);
        Assert.AreEqual("Unknown model 'resnet5'. Did you mean 'resnet50'?",
            Assert.ThrowsExactly<UnknownModelException>(() => table.Get("resnet5")).Message);
        Assert.AreEqual("'xcit_tiny_12_p8_224' is a model of timm's xcit that is not supported here yet.",
            Assert.ThrowsExactly<UnknownModelException>(() => table.Get("xcit_tiny_12_p8_224")).Message);
    }

    [TestMethod]
    public void RepeatedAndTaggedNamesAreRefused()
    {
        ArchitectureTable<int> table = new();
        table.Add("resnet50", 50);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => table.Add("resnet50", 1)).Message, "registered already");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => table.Add("resnet50.a1_in1k", 1)).Message, "has a tag");
    }
}
