using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.Tests.Imaging;

/// <summary>LoadImages, ResizeImages and ExtractPixels in pipelines.</summary>
[TestClass]
public sealed class ImagePipelineTests
{
    private static readonly string _images = ImageData.PathOf("images");
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void LoadedImagesHaveTheirPathAsTag()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(new[] { new PathRow("rgb.png"), new PathRow("gray.jpg") });
        IDataView images = _ml.Transforms.LoadImages("Image", _images, nameof(PathRow.Path)).Fit(data).Transform(data);
        Assert.IsInstanceOfType<ImageDataViewType>(images.Schema["Image"].Type);

        List<(int Width, int Height, string Tag)> found = [];
        using (DataViewRowCursor cursor = images.GetRowCursor([images.Schema["Image"]]))
        {
            ValueGetter<MLImage> getter = cursor.GetGetter<MLImage>(images.Schema["Image"]);
            MLImage image = null!;
            while (cursor.MoveNext())
            {
                getter(ref image);
                found.Add((image.Width, image.Height, image.Tag));
            }
        }

        CollectionAssert.AreEquivalent(
            new[] { (301, 223, Path.Combine(_images, "rgb.png")), (320, 240, Path.Combine(_images, "gray.jpg")) }, found);
    }

    [TestMethod]
    public void AnEmptyPathIsNoImage()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(new[] { new PathRow("") });
        IDataView images = _ml.Transforms.LoadImages("Image", _images, nameof(PathRow.Path)).Fit(data).Transform(data);
        using DataViewRowCursor cursor = images.GetRowCursor([images.Schema["Image"]]);
        Assert.IsTrue(cursor.MoveNext());
        MLImage image = null!;
        cursor.GetGetter<MLImage>(images.Schema["Image"])(ref image);
        Assert.IsNull(image);
    }

    [TestMethod]
    public void RawBytesAreThoseOfTheFile()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(new[] { new PathRow("gray.bmp"), new PathRow("") });
        IDataView bytes = _ml.Transforms.LoadRawImageBytes("Bytes", _images, nameof(PathRow.Path)).Fit(data).Transform(data);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Byte), bytes.Schema["Bytes"].Type);
        byte[][] rows = [.. bytes.GetColumn<VBuffer<byte>>("Bytes").Select(row => row.DenseValues().ToArray())];
        CollectionAssert.AreEqual(ImageData.Read("images/gray.bmp"), rows.Single(row => row.Length > 0));
        Assert.HasCount(2, rows);
    }

    [TestMethod]
    public void MissingFolderIsAnError()
    {
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Transforms.LoadImages("Image", "/no/such/folder", "Path")).Message, "/no/such/folder");
    }

    [TestMethod]
    public void WrongColumnTypesAreErrors()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(new[] { new PathRow("gray.bmp") });
        Assert.Throws<ArgumentException>(() => _ml.Transforms.LoadImages("Image", _images, nameof(PathRow.Number)).Fit(data));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.LoadImages("Image", _images, "Nowhere").Fit(data));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.ResizeImages("Image", 8, 8, nameof(PathRow.Path)).Fit(data));

        // Pixels need a size, which loaded images don't have.
        IEstimator<ITransformer> unknownSize = _ml.Transforms.LoadImages("Image", _images, nameof(PathRow.Path)).Append(_ml.Transforms.ExtractPixels("Pixels", "Image"));
        Assert.Throws<ArgumentException>(() => unknownSize.Fit(data));
    }

    [TestMethod]
    public void ACorruptFileIsAnErrorWithItsPath()
    {
        PackageStack.RequireEmbedded("its message doesn't name the file.");
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.jpg");
        File.WriteAllBytes(path, ImageData.Read("images/gray.jpg")[..500]);
        try
        {
            IDataView data = _ml.Data.LoadFromEnumerable(new[] { new PathRow(path) });
            IDataView images = _ml.Transforms.LoadImages("Image", null, nameof(PathRow.Path)).Fit(data).Transform(data);
            Exception? e = Assert.Throws<Exception>(() => images.GetColumn<MLImage>("Image").ToArray());
            string messages = "";
            for (; e is not null; e = e.InnerException)
            {
                messages += e.Message;
            }

            StringAssert.Contains(messages, path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    [DataRow(ImageResizingEstimator.ResizingKind.Fill, ImageResizingEstimator.Anchor.Center, "RG", "RG")]
    [DataRow(ImageResizingEstimator.ResizingKind.IsoCrop, ImageResizingEstimator.Anchor.Left, "RR", "RR")]
    [DataRow(ImageResizingEstimator.ResizingKind.IsoCrop, ImageResizingEstimator.Anchor.Right, "GG", "GG")]
    [DataRow(ImageResizingEstimator.ResizingKind.IsoPad, ImageResizingEstimator.Anchor.Center, "..", "RG")]
    public void ResizingFillsCropsOrPads(ImageResizingEstimator.ResizingKind kind, ImageResizingEstimator.Anchor anchor, string top, string middle)
    {
        // The left half is red, the right half green; 64 x 32 becomes 16 x 16.
        var pixels = new byte[64 * 32 * 4];
        for (int i = 0; i < pixels.Length; i += 4)
        {
            pixels[i + (i / 4 % 64 < 32 ? 0 : 1)] = pixels[i + 3] = 255;
        }

        IDataView data = _ml.Data.LoadFromEnumerable(new[] { new ImageRow { Image = MLImage.CreateFromPixels(64, 32, MLPixelFormat.Rgba32, pixels) } });
        IDataView resized = _ml.Transforms.ResizeImages("Small", 16, 16, nameof(ImageRow.Image), kind, anchor).Fit(data).Transform(data);
        Assert.AreEqual(new ImageDataViewType(16, 16), resized.Schema["Small"].Type);
        using DataViewRowCursor cursor = resized.GetRowCursor([resized.Schema["Small"]]);
        Assert.IsTrue(cursor.MoveNext());
        MLImage image = null!;
        cursor.GetGetter<MLImage>(resized.Schema["Small"])(ref image);
        Assert.AreEqual((16, 16), (image.Width, image.Height));

        // Away from the edge between the colours and from the padding's edge, whatever the filter.
        byte[] rgb = ImageData.Rgb(image);
        string At(int x, int y) => (rgb[3 * ((16 * y) + x)], rgb[(3 * ((16 * y) + x)) + 1]) switch { (255, 0) => "R", (0, 255) => "G", _ => "." };
        Assert.AreEqual((top, middle), (At(3, 1) + At(12, 1), At(3, 8) + At(12, 8)));
    }

    [TestMethod]
    public void PixelsByChannelAndInterleaved()
    {
        // Two pixels: alpha, red, green, blue are 4, 1, 2, 3 and 8, 5, 6, 7.
        byte[] pixels = [1, 2, 3, 4, 5, 6, 7, 8];
        AssertPixels(pixels, [1, 5, 2, 6, 3, 7], e => e.ExtractPixels("P", "Image"), [3, 1, 2]);
        AssertPixels(pixels, [1, 2, 3, 5, 6, 7], e => e.ExtractPixels("P", "Image", interleavePixelColors: true), [1, 2, 3]);
        AssertPixels(pixels, [4, 8, 3, 7, 2, 6, 1, 5], e => e.ExtractPixels("P", "Image", ImagePixelExtractingEstimator.ColorBits.All, ImagePixelExtractingEstimator.ColorsOrder.ABGR), [4, 1, 2]);
        AssertPixels(pixels, [2, 1, 6, 5], e => e.ExtractPixels(
            "P", "Image", ImagePixelExtractingEstimator.ColorBits.Red | ImagePixelExtractingEstimator.ColorBits.Green, ImagePixelExtractingEstimator.ColorsOrder.AGBR, interleavePixelColors: true), [1, 2, 2]);
        AssertPixels(pixels, [-1, 3, 0, 4, 1, 5], e => e.ExtractPixels("P", "Image", offsetImage: 2f), [3, 1, 2]);
        AssertPixels(pixels, [0.5f, 2.5f, 1, 3, 1.5f, 3.5f], e => e.ExtractPixels("P", "Image", scaleImage: 0.5f), [3, 1, 2]);
    }

    [TestMethod]
    public void PixelsAsBytes()
    {
        IDataView data = Images(MLImage.CreateFromPixels(2, 1, MLPixelFormat.Bgra32, [3, 2, 1, 255, 7, 6, 5, 255]));
        IDataView pixels = _ml.Transforms.ExtractPixels("P", "Image", outputAsFloatArray: false, offsetImage: 9f).Fit(data).Transform(data);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Byte, 3, 1, 2), pixels.Schema["P"].Type);
        CollectionAssert.AreEqual(new byte[] { 1, 5, 2, 6, 3, 7 }, pixels.GetColumn<VBuffer<byte>>("P").Single().DenseValues().ToArray());
    }

    [TestMethod]
    public void ArgumentsAreChecked()
    {
        Assert.Throws<ArgumentException>(() => _ml.Transforms.ExtractPixels("P", "Image", 0));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.ExtractPixels("P", "Image", scaleImage: 0f));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.ExtractPixels("P", "Image", offsetImage: float.NaN));
        Assert.Throws<ArgumentException>(() => _ml.Transforms.ResizeImages("Small", 0, 8, "Image"));
        Assert.Throws<ArgumentException>(() => new ImageDataViewType(0, 8));
        Assert.Throws<ArgumentException>(() => new ImageTypeAttribute().Register());
    }

    [TestMethod]
    public void PipelineIsSavedAndLoaded()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(new[] { new PathRow("landscape_420.jpg"), new PathRow("rgb.bmp"), new PathRow("exact_224.png") });
        var pipeline = _ml.Transforms.LoadImages("Image", _images, nameof(PathRow.Path))
            .Append(_ml.Transforms.LoadRawImageBytes("Bytes", _images, nameof(PathRow.Path)))
            .Append(_ml.Transforms.ResizeImages("Small", 24, 16, "Image", ImageResizingEstimator.ResizingKind.IsoPad))
            .Append(_ml.Transforms.ExtractPixels("Pixels", "Small", ImagePixelExtractingEstimator.ColorBits.Blue, interleavePixelColors: true, offsetImage: 100f, scaleImage: 0.25f));
        ITransformer model = pipeline.Fit(data);
        using var file = new MemoryStream();
        _ml.Model.Save(model, data.Schema, file);
        file.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(file, out DataViewSchema schema);

        Assert.IsNotNull(schema.GetColumnOrNull(nameof(PathRow.Path)));
        (IDataView before, IDataView after) = (model.Transform(data), loaded.Transform(data));
        Assert.AreEqual(before.Schema["Pixels"].Type, after.Schema["Pixels"].Type);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 16, 24, 1), after.Schema["Pixels"].Type);
        CollectionAssert.AreEqual(
            before.GetColumn<float[]>("Pixels").SelectMany(row => row).ToArray(), after.GetColumn<float[]>("Pixels").SelectMany(row => row).ToArray());
        CollectionAssert.AreEqual(
            new[] { 18742, 76337, 108003 }, after.GetColumn<VBuffer<byte>>("Bytes").Select(row => row.Length).Order().ToArray());
    }

    [TestMethod]
    public void PredictionEngineTakesImages()
    {
        IDataView data = Images(MLImage.CreateFromPixels(2, 1, MLPixelFormat.Bgra32, new byte[8]));
        ITransformer model = _ml.Transforms.ExtractPixels("P", "Image").Fit(data);
        using var engine = _ml.Model.CreatePredictionEngine<TwoPixels, PixelRow>(model);
        var row = new TwoPixels { Image = MLImage.CreateFromPixels(2, 1, MLPixelFormat.Bgra32, [3, 2, 1, 255, 7, 6, 5, 255]) };
        CollectionAssert.AreEqual(new float[] { 1, 5, 2, 6, 3, 7 }, engine.Predict(row).P);
    }

    private IDataView Images(params MLImage[] images) => _ml.Data.LoadFromEnumerable(images.Select(image => new TwoPixels { Image = image }));

    private void AssertPixels(byte[] rgba, float[] expected, Func<TransformsCatalog, IEstimator<ITransformer>> extract, int[] dimensions)
    {
        IDataView data = Images(MLImage.CreateFromPixels(2, 1, MLPixelFormat.Rgba32, rgba));
        IDataView pixels = extract(_ml.Transforms).Fit(data).Transform(data);
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, dimensions), pixels.Schema["P"].Type);
        CollectionAssert.AreEqual(expected, pixels.GetColumn<float[]>("P").Single());
    }

    private sealed class PathRow(string path)
    {
        public string Path { get; } = path;

        public float Number { get; } = 1;
    }

    private sealed class ImageRow
    {
        [ImageType(32, 64)]
        public MLImage Image { get; set; } = null!;
    }

    private sealed class TwoPixels
    {
        [ImageType(1, 2)]
        public MLImage Image { get; set; } = null!;
    }

    private sealed class PixelRow
    {
        [VectorType(3, 1, 2)]
        public float[] P { get; set; } = [];
    }
}
