using Backbones.Models;
using Backbones.Registry;

namespace Backbones.Tests.Registry;

[TestClass]
public sealed class ModelRegistryTests
{
    [TestMethod]
    public void WhatIsRegisteredCanBeBuilt()
        => Assert.AreEqual("resnet50", ModelRegistry.Find(ModelNames.GetConfig("tv_resnet50").Architecture).Name);

    [TestMethod]
    public void WhatIsNotThereIsExplained()
    {
        StringAssert.StartsWith(Assert.ThrowsExactly<UnknownModelException>(() => ModelRegistry.Find("resnet5")).Message,
            "Unknown model 'resnet5'. Did you mean 'resnet50'");
        foreach (string name in ModelNames.List().Where(n => !ModelCatalog.Contains(n)))
        {
            StringAssert.StartsWith(Assert.ThrowsExactly<UnknownModelException>(() => ModelRegistry.Find(name)).Message,
                $"'{name}' is a model of timm's {ModelNames.ModuleOf(name)} that is not supported here yet.");
        }
    }

    [TestMethod]
    public void EveryArchitectureThatCanBeBuiltIsTimmsOfThatModule()
    {
        foreach (string name in ModelCatalog.Names)
        {
            Assert.AreEqual(ModelNames.ModuleOf(name), ModelCatalog.FamilyOf(name), name);
        }
    }
}
