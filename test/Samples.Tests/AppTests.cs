using Microsoft.ML.Data;

namespace Samples.Tests;

/// <summary>The file-based apps run as their first lines say.</summary>
[TestClass]
public sealed class AppTests
{
    [TestMethod]
    public void Getting_started_learns_saves_and_loads()
    {
        string output = Run("getting-started");
        Assert.Contains("Saved (1.3 MB) and loaded: the predictions are the same.", output);
        Assert.MatchesRegex(@"Six of them:\s+\w+/\w+\.jpg looks like \w+", output.Replace('\\', '/'));
    }

    [TestMethod]
    public void The_main_job_asks_for_more_pictures_where_none_is_held_out()
    {
        string folder = Directory.CreateTempSubdirectory("timm-features-").FullName;
        try
        {
            foreach (string label in (string[])["grid", "maze"])
                File.Copy(Repository.In("samples", "textures", label, $"{label}_00.jpg"), Path.Combine(Directory.CreateDirectory(Path.Combine(folder, label)).FullName, "00.jpg"));
            (int exitCode, string output) = DotNet.TryRun(Repository.Root, ["run", "-c", "Release", "--project", Repository.In("samples", "Classify"), "--", "--images", folder, "--save", Path.Combine(folder, "model.zip")]);
            Assert.AreEqual(1, exitCode, output);
            Assert.Contains("none of the 2 pictures is held out", output);
            Assert.DoesNotContain("accuracy", output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    [TestCategory("Slow")]
    public void Cross_validation_tells_how_many_are_right()
        => Assert.MatchesRegex(@"local-dir:.*test_resnet\.textures16: [789]\d\.\d % of 240 pictures of 8 kinds \(\d+ %, \d+ %, \d+ %, \d+ %, \d+ % in the folds\)", Run("cross-validate"));

    [TestMethod]
    public void Pyramids_draws_the_picture_of_the_readme()
    {
        string folder = Directory.CreateTempSubdirectory("timm-features-").FullName;
        try
        {
            Assert.Contains("Map_4: Vector<Single, 96, 5, 5>", Run("pyramids", folder));
            AssertSamePicture(Repository.In("docs", "images", "pyramid.png"), Path.Combine(folder, "pyramid.png"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Detecting_shapes_draws_the_picture_of_the_page()
    {
        string folder = Directory.CreateTempSubdirectory("timm-features-").FullName;
        try
        {
            string picture = Path.Combine(folder, "shapes.png"), output = Run("detect-shapes", picture);
            Assert.Contains("Picture 1 shows", output);
            AssertSamePicture(Repository.In("docs", "images", "shapes.png"), picture);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    [TestCategory("Slow")]
    public void Training_for_shapes_learns_and_saves_heads()
    {
        string folder = Directory.CreateTempSubdirectory("timm-features-").FullName;
        try
        {
            string output = RunOnTorchSharp("train-shapes", "100", folder);
            Assert.Contains("Saved fcos.safetensors", output);
            double[] classes = [.. System.Text.RegularExpressions.Regex.Matches(output, @"classes (\d+\.\d+)").Select(m => double.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))];
            Assert.HasCount(2, classes, output);
            Assert.IsLessThan(0.7 * classes[0], classes[1], output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Fine_tuning_a_classifier_learns_saves_and_loads()
    {
        string output = RunOnTorchSharp("fine-tune-classifier");
        Assert.Contains("loaded: the outputs are the same.", output);
        Assert.IsGreaterThan(Percent(output, "Before: ") + 30, Percent(output, "After: "), output);
    }

    [TestMethod]
    [TestCategory("Slow")]
    public void Fine_tuning_for_segmentation_learns_saves_and_loads()
    {
        string output = RunOnTorchSharp("fine-tune-segmentation");
        Assert.Contains("loaded: the outputs are the same.", output);
        Assert.IsGreaterThan(Percent(output, "Before: mean IoU ") + 15, Percent(output, "After: mean IoU "), output);
    }

    /// <summary>Inconclusive where TorchSharp's native library does not load.</summary>
    private static string RunOnTorchSharp(string app, params string[] arguments)
    {
        (int exitCode, string output) = DotNet.TryRun(Repository.Root, ["run", "-c", "Release", Repository.In("samples", "apps", app + ".cs"), .. arguments]);
        if (exitCode == 2 && output.StartsWith("Cannot make a module", StringComparison.Ordinal))
            Assert.Inconclusive("TorchSharp's native package cannot be loaded here.");
        Assert.AreEqual(0, exitCode, output);
        return output;
    }

    private static void AssertSamePicture(string expected, string actual)
    {
        using MLImage drawn = MLImage.CreateFromFile(actual), shown = MLImage.CreateFromFile(expected);
        Assert.AreEqual((shown.Width, shown.Height), (drawn.Width, drawn.Height));
        double difference = 0;
        for (int i = 0; i < drawn.Pixels.Length; i++)
            difference += Math.Abs(drawn.Pixels[i] - shown.Pixels[i]);
        Assert.IsLessThan(1, difference / drawn.Pixels.Length);
    }

    private static double Percent(string output, string before)
    {
        string text = output[(output.IndexOf(before, StringComparison.Ordinal) + before.Length)..];
        return double.Parse(text[..text.IndexOf(' ')], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string Run(string app, params string[] arguments) => DotNet.Run(Repository.Root, ["run", "-c", "Release", Repository.In("samples", "apps", app + ".cs"), .. arguments]);
}
