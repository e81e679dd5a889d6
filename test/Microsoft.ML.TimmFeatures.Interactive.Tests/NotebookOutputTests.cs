using System.Collections;
using System.Reflection;
using Backbones;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Interactive.Tests;

[TestClass]
public sealed class NotebookOutputTests
{
    [TestMethod]
    public void A_png_has_the_pixels_of_its_picture()
    {
        FeaturePicture picture = FeaturePictures.Grid([.. Enumerable.Range(0, 600).Select(i => MathF.Sin(i))], [1, 20, 30], new GridOptions { CellSize = 30 });
        using MLImage read = MLImage.CreateFromStream(new MemoryStream(picture.ToPng()));
        CollectionAssert.AreEqual(picture.Pixels.ToArray(), FeaturePicture.Of(read).Pixels.ToArray());
        using MLImage made = picture.ToMLImage();
        CollectionAssert.AreEqual(picture.Pixels.ToArray(), FeaturePicture.Of(made).Pixels.ToArray());
        string html = picture.ToHtml();
        Assert.Contains(Convert.ToBase64String(picture.ToPng()), html);
        Assert.Contains("width=\"30\" height=\"20\"", html);
    }

    [TestMethod]
    public void Images_keep_their_proportions_when_their_height_is_chosen()
    {
        using MLImage image = MLImage.CreateFromPixels(40, 20, MLPixelFormat.Rgba32, new byte[40 * 20 * 4]);
        FeaturePicture small = FeaturePicture.Of(image, height: 5);
        Assert.AreEqual((10, 5), (small.Width, small.Height));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePicture.Of(image, height: 0));
    }

    [TestMethod]
    public void Tables_are_html_in_notebooks_and_aligned_text_elsewhere()
    {
        FeatureTable table = FeatureTable.Of([new FeatureInfo(0, 64, 2, "act1"), new FeatureInfo(10, 256, 4, "a<b")]);
        Assert.AreEqual("index  channels  reduction  module\n0      64        2          act1\n10     256       4          a<b", table.ToString());
        Assert.Contains("<td>a&lt;b</td>", table.ToHtml());
        FeatureTable outputs = FeatureTable.Of([new FeatureOutput("11.prefix", [1, 384])]);
        Assert.Contains("<td>[1, 384]</td>", outputs.ToHtml());
    }

    [TestMethod]
    public void Predictions_are_thumbnails_and_wrong_ones_are_marked()
    {
        using MLImage image = MLImage.CreateFromPixels(2, 4, MLPixelFormat.Bgra32, new byte[2 * 4 * 4]);
        string file = Path.Combine(Path.GetTempPath(), $"timm-features-{Guid.NewGuid():N}.png");
        FeaturePicture.Of(image).Save(file);
        var context = new MLContext();
        IDataView view = context.Data.LoadFromEnumerable(
        [
            new Prediction { Path = file, PredictedLabel = "cat", Label = "cat" },
            new Prediction { Path = file, PredictedLabel = "dog", Label = "<cat>" },
            new Prediction { Path = file, PredictedLabel = "cow", Label = "cow" },
        ]);
        PictureGallery gallery = PictureGallery.Of(view, "Path", labelColumn: "Label", count: 2, height: 6);
        IDataView images = context.Transforms.LoadImages("Image", Path.GetTempPath(), "Path").Fit(view).Transform(view);
        CollectionAssert.AreEqual(gallery.Thumbnails[0].Picture.Pixels.ToArray(), PictureGallery.Of(images, "Image", height: 6).Thumbnails[2].Picture.Pixels.ToArray());
        File.Delete(file);

        Assert.HasCount(2, gallery.Thumbnails);
        Assert.AreEqual((3, 6), (gallery.Thumbnails[0].Picture.Width, gallery.Thumbnails[0].Picture.Height));
        Assert.AreEqual("cat\ndog (is <cat>)", gallery.ToString());
        Assert.Contains("dog (is &lt;cat&gt;)", gallery.ToHtml());
        Assert.Contains("'Label'", Assert.ThrowsExactly<ArgumentException>(() => PictureGallery.Of(view, "Path", captionColumn: "Lable")).Message);
        Assert.Contains("MapKeyToValue", Assert.ThrowsExactly<ArgumentException>(() => PictureGallery.Of(view, "Path", captionColumn: "Score")).Message);
    }

    /// <summary>What .NET Interactive does with a value: everything is found by name.</summary>
    [TestMethod]
    public void Notebooks_find_the_formatters_by_name()
    {
        foreach (object value in (object[])[FeaturePictures.Grid([1, 2], [2]), FeatureTable.Of([new FeatureInfo(0, 64, 2, "act1")])])
        {
            Attribute attribute = value.GetType().GetCustomAttributes().Single(a => a.GetType().Name == "TypeFormatterSourceAttribute");
            var type = (Type)attribute.GetType().GetProperty("FormatterSourceType")!.GetValue(attribute)!;
            object source = Activator.CreateInstance(type, nonPublic: true)!;
            object[] formatters = [.. ((IEnumerable)type.GetMethod("CreateTypeFormatters")!.Invoke(source, [])!).Cast<object>()];
            Assert.HasCount(2, formatters);
            foreach (object formatter in formatters)
            {
                var writer = new StringWriter();
                Assert.IsTrue((bool)formatter.GetType().GetMethod("Format")!.Invoke(formatter, [value, writer])!);
                bool html = (string)formatter.GetType().GetProperty("MimeType")!.GetValue(formatter)! == "text/html";
                Assert.AreEqual(html, writer.ToString().StartsWith('<'));
                Assert.IsFalse((bool)formatter.GetType().GetMethod("Format")!.Invoke(formatter, ["text", writer])!);
            }
        }
    }

    private sealed class Prediction
    {
        public string Path { get; set; } = "";

        public string Label { get; set; } = "";

        public string PredictedLabel { get; set; } = "";

        public float Score { get; set; }
    }
}
