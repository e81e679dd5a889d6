using Microsoft.ML.Data;

namespace Samples.Tests;

/// <summary>The file-based apps run as their first lines say.</summary>
[TestClass]
public sealed class AppTests
{
    [TestMethod]
    public void Getting_started_learns_saves_and_loads()
        => Assert.Contains("Saved (1.3 MB) and loaded: the predictions are the same.", Run("getting-started"));

    [TestMethod]
    public void Pyramids_draws_the_picture_of_the_readme()
    {
        string folder = Directory.CreateTempSubdirectory("timm-features-").FullName;
        try
        {
            Assert.Contains("Map_4: Vector<Single, 96, 5, 5>", Run("pyramids", folder));
            using MLImage drawn = MLImage.CreateFromFile(Path.Combine(folder, "pyramid.png")), shown = MLImage.CreateFromFile(Repository.In("docs", "images", "pyramid.png"));
            Assert.AreEqual((shown.Width, shown.Height), (drawn.Width, drawn.Height));
            double difference = 0;
            for (int i = 0; i < drawn.Pixels.Length; i++)
                difference += Math.Abs(drawn.Pixels[i] - shown.Pixels[i]);
            Assert.IsLessThan(1, difference / drawn.Pixels.Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void AutoML_finds_a_model_that_saves_and_loads()
    {
        if (Repository.Companions == "false")
            Assert.Inconclusive("Microsoft.ML.AutoML is not there.");
        Assert.Contains("Saved and loaded: the predictions are the same.", Run("automl"));
    }

    private static string Run(string app, params string[] arguments) => DotNet.Run(Repository.Root, ["run", "-c", "Release", Repository.In("samples", "apps", app + ".cs"), .. arguments]);
}
