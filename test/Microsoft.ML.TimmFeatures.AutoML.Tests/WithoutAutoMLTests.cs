using System.Reflection;

namespace Microsoft.ML.TimmFeatures.AutoML.Tests;

[TestClass]
public sealed class WithoutAutoMLTests
{
    [TestMethod]
    public void Without_AutoML_the_assembly_is_there_and_empty()
        => Assert.IsEmpty(Assembly.Load("Microsoft.ML.TimmFeatures.AutoML").GetExportedTypes());
}
