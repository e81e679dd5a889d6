using System.IO.Compression;
using System.Text;
using System.Text.Json;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Cli.Tests;

/// <summary>Nearest pictures, and pictures of features.</summary>
[TestClass]
public sealed class SimilarTests
{
    [TestMethod]
    public void Similar_finds_an_image_and_its_like_whatever_the_file()
    {
        using var images = new ImageSet();
        foreach (string extension in (string[])["parquet", "npy"])
        {
            string file = images[$"f.{extension}"];
            Tool.Succeed(ImageSet.Extract(file, images.Folder, "--bad-images", "skip"));
            JsonElement found = Tool.Json("similar", file, images.Names[1], "--top", "3", "--weights", Tool.DemoWeights);
            Assert.AreEqual(3, found.GetArrayLength());
            Assert.AreEqual(images.Names[1], found[0].GetProperty("path").GetString());
            Assert.AreEqual(1, found[0].GetProperty("similarity").GetDouble(), 1e-6);
            Assert.AreEqual(11, Tool.Json("similar", file, images.Names[1], "--top", "100", "--weights", Tool.DemoWeights).GetArrayLength());
            Assert.StartsWith($"similarity\tpath\n1.0000\t{images.Names[1]}\n", Tool.Succeed("similar", file, images.Names[1], "--weights", Tool.DemoWeights).Out);
        }
        Tool.Succeed("export", "test_resnet", "--random-weights", "--safetensors", images["other.safetensors"]);
        Tool.Fail(1, ["similar", images["f.npy"], images.Names[1], "--weights", images["other.safetensors"]], "are not those that the file was made with");
        Tool.Fail(1, ["similar", images["f.npy"], images.Names[ImageSet.Bad], "--weights", Tool.DemoWeights], $"'{images.Names[ImageSet.Bad]}' cannot be read");
        using (FileStream cut = File.OpenWrite(images["f.parquet"]))
            cut.SetLength(cut.Length / 2);
        Tool.Fail(1, ["similar", images["f.parquet"], images.Names[1], "--weights", Tool.DemoWeights], $"'{images["f.parquet"]}' is not as it was written");
        Vouch(images["f.parquet"]);
        Tool.Fail(1, ["similar", images["f.parquet"], images.Names[1], "--weights", Tool.DemoWeights], $"'{images["f.parquet"]}' is damaged");
        Tool.Succeed(ImageSet.Extract(images["f.npz"], images.Folder, "--bad-images", "skip"));
        using (ZipArchive archive = ZipFile.Open(images["f.npz"], ZipArchiveMode.Update))
        {
            archive.GetEntry("path.npy")!.Delete();
            using Stream numbers = archive.CreateEntry("path.npy").Open();
            numbers.Write(Encoding.Latin1.GetBytes("\u0093NUMPY\u0001\0\u0010\0{'descr': '<f4'}"));
        }
        Vouch(images["f.npz"]);
        Tool.Fail(1, ["similar", images["f.npz"], images.Names[1], "--weights", Tool.DemoWeights], "'path' is no array of texts");
        Tool.Fail(1, ["similar", images["f.npy"], images.Names[1]], $"made with weights of '{Tool.DemoModel}'", "--weights");
        Tool.Fail(1, ["similar", images.Names[0], images.Names[1]], "has no report");
        Tool.Fail(1, ["similar", "none.npy", images.Names[1]], "There is no file 'none.npy'");
    }

    /// <summary>Whoever makes a file has its report say so.</summary>
    private static void Vouch(string file) => ExtractionReport.TryRead(file)!.Of(file).Write(file);

    /// <summary>One changed bit of features reads like any other, and so does another row's name.</summary>
    [TestMethod]
    [DataRow("npy", "npy")]
    [DataRow("npy", "npy.rows.csv")]
    [DataRow("safetensors", "safetensors")]
    [DataRow("arrow", "arrow")]
    public void What_was_changed_since_it_was_written_is_refused(string extension, string changed)
    {
        using var images = new ImageSet();
        string file = images[$"f.{extension}"], other = images[$"f.{changed}"];
        string[] extract = ImageSet.Extract(file, images.Folder, "--bad-images", "skip");
        Tool.Succeed(extract);
        Tool.Succeed([.. extract, "--resume"]);
        byte[] bytes = File.ReadAllBytes(other);
        bytes[^3] ^= 1;
        File.WriteAllBytes(other, bytes);
        Tool.Fail(1, [.. extract, "--resume"], $"'{other}' is not as it was written");
        Tool.Fail(1, ["similar", file, images.Names[1], "--weights", Tool.DemoWeights], $"'{other}' is not as it was written");
        Tool.Succeed(extract);
        Tool.Succeed("similar", file, images.Names[1], "--weights", Tool.DemoWeights);
    }

    /// <summary>A file that was made with another crop and other arguments is asked with them.</summary>
    [TestMethod]
    public void Similar_makes_features_as_the_files_were_made()
    {
        using var images = new ImageSet();
        string file = images["f.npy"], weights = images["two.safetensors"];
        string[] arguments = ["--model-args", """{"layers": [2, 1, 1, 1], "num_classes": 0}""", "--crop-pct", "0.5", "--crop-mode", "squash", "--interpolation", "bilinear"];
        Tool.Succeed(["export", "test_resnet", "--random-weights", "--safetensors", weights, .. arguments[..2]]);
        Tool.Succeed(["extract", "test_resnet", images.Folder, "-o", file, "--weights", weights, "--bad-images", "skip", .. arguments]);
        ExtractionSettings settings = ExtractionReport.Read(file).Settings;
        Assert.AreEqual((0.5, Backbones.Imaging.CropMode.Squash, Backbones.Imaging.Interpolation.Bilinear), (settings.Transform.CropPct, settings.Transform.CropMode, settings.Transform.Interpolation));
        JsonElement found = Tool.Json("similar", file, images.Names[1], "--top", "1", "--weights", weights);
        Assert.AreEqual((images.Names[1], 1.0), (found[0].GetProperty("path").GetString(), Math.Round(found[0].GetProperty("similarity").GetDouble(), 6)));
        Tool.Fail(1, ["extract", "test_resnet", images.Folder, "-o", file, "--weights", weights, "--bad-images", "skip", "--resume", .. arguments[..2]], "crop_pct");
        // A folder has the arguments in its config.json; a file alone would be one that no name fits.
        Tool.Succeed(["convert", weights, "-o", images["test_resnet.two"], "--model", "test_resnet", .. arguments]);
        Tool.Succeed("extract", $"local-dir:{images["test_resnet.two"]}", images.Folder, "-o", images["h.npy"], "--bad-images", "skip");
        Assert.IsTrue(File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(images["h.npy"])));
        Tool.Fail(2, ["convert", weights, "-o", images["other.safetensors"], "--model", "test_resnet", .. arguments[..2]], "need a config.json beside them");
        Tool.Fail(1, ["extract", "test_resnet", images.Folder, "-o", images["g.npy"], "--weights", weights, "--bad-images", "skip"], "unexpected", "layer1.1.bn1.bias");
    }

    [TestMethod]
    public void Rows_are_ranked_exactly_and_those_that_are_no_directions_are_left_out()
    {
        var random = new Random(1);
        float[][] rows = [.. Enumerable.Range(0, 500).Select(_ => Enumerable.Range(0, 37).Select(_ => random.NextSingle() - 0.5f).ToArray())];
        (rows[7], rows[9]) = (new float[37], [.. Enumerable.Repeat(float.NaN, 37)]);
        rows[30] = [.. rows[20].Select(v => 2 * v)];
        var table = new FeatureTable([new FeatureColumn("features", [37])], "", 501, () => rows.Select((r, i) => new FeatureRow($"{i}", null, r)).Append(new FeatureRow("failed", "why", default)));
        float[] query = rows[20];
        int[] expected = [.. Enumerable.Range(0, 500).Where(i => i is not (7 or 9)).OrderByDescending(i => Cosine(rows[i], query)).ThenBy(i => i).Take(25)];
        int[] found = [.. SimilarRows.Find(table, query, 25, CancellationToken.None).Select(r => r.Row)];
        CollectionAssert.AreEquivalent(new[] { 20, 30 }, found[..2]);
        CollectionAssert.AreEqual(expected[2..], found[2..]);
        Assert.ThrowsExactly<InvalidDataException>(() => SimilarRows.Find(table, new float[37], 1, CancellationToken.None));

        static double Cosine(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(y => (double)y * y));
    }

    [TestMethod]
    public void Visualize_draws_a_grid_for_each_output()
    {
        using var images = new ImageSet();
        JsonElement drawn = Tool.Json("visualize", "test_resnet", images.Names[0], "--weights", Tool.DemoWeights, "-o", images["maps.png"], "--channels", "4");
        Assert.AreEqual(5, drawn.GetProperty("maps").GetArrayLength());
        Assert.AreEqual(2, drawn.GetProperty("maps")[0].GetProperty("reduction").GetInt32());
        using var picture = Microsoft.ML.Data.MLImage.CreateFromFile(images["maps.png"]);
        Assert.AreEqual((drawn.GetProperty("width").GetInt32(), drawn.GetProperty("height").GetInt32()), (picture.Width, picture.Height));
        Tool.Succeed("visualize", "test_resnet", images.Names[0], "--random-weights", "-o", images["node.png"], "--nodes", "layer2");
        Tool.Fail(2, ["visualize", "test_resnet", images.Names[0], "--random-weights", "-o", images["no.jpg"]], "no.jpg", "ends in .png");
        Tool.Fail(1, ["visualize", "test_resnet", images.Names[0], "--random-weights", "-o", images["no.png"], "--nodes", ","], "No node asked for");
        Tool.Fail(1, ["visualize", "test_resnet", images.Names[0], "--random-weights", "-o", images["no.png"], "--nodes", "layer9"], "'layer9'");
    }
}
