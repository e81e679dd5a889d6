using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests;

/// <summary>Exports and saved models in a process with real cultures; the tests' own process has the invariant one alone.</summary>
[TestClass]
public sealed class CultureTests
{
    [TestMethod]
    public void What_is_written_for_machines_is_the_same_under_every_culture()
    {
        if (OperatingSystem.IsLinux() && !HasIcu())
            Assert.Inconclusive("This machine has no ICU: no cultures to test with. On Debian: apt-get install libicu72 (or its later version).");
        string model = Path.Combine(Samples.Root, "test", "data", "models", "featurizer-v2.zip"), picture = Path.Combine(Samples.Pictures, Samples.Expected[0].Path);
        string[] invariant = Lines("");
        Assert.AreEqual("hyphen", invariant[0]);
        Assert.HasCount(25, invariant);
        Assert.DoesNotContain("nothing was wrong", invariant);
        foreach (string culture in new[] { "sv-SE", "fa-IR", "ar-SA", "de-DE" })
        {
            string[] actual = Lines(culture);
            Assert.AreEqual(culture == "de-DE" ? "hyphen" : "minus", actual[0], culture);
            CollectionAssert.AreEqual(invariant[1..], actual[1..], culture);
        }

        string[] Lines(string culture) => FreshProcess.Run(withCultures: true, ["--culture", culture, model, picture]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static bool HasIcu() => Directory.Exists("/usr/lib") && Directory.EnumerateFiles("/usr/lib", "libicuuc.so*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).Any();
}
