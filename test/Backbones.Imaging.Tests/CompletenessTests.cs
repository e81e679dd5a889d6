using Backbones.Imaging;

namespace Backbones.Tests.Imaging;

/// <summary>Whole pictures are complete, and none that lacks its end is taken for whole.</summary>
[TestClass]
public sealed class CompletenessTests
{
    private static readonly string Pictures = Path.Combine(Root(), "test", "data", "images");

    public static IEnumerable<object[]> Files => Directory.EnumerateFiles(Pictures).Order(StringComparer.Ordinal).Select(f => new object[] { Path.GetFileName(f) });

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void CutPicturesAreRefused(string name)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Pictures, name));
        ImagePixels.Decode(whole);
        ImagePixels.Decode((byte[])[.. whole, 0, 0, 0]);
        // A PNG's last 20 bytes hold no pixels: the end chunk and two checksums of the image data.
        foreach (int length in new[] { 30, whole.Length / 3, whole.Length / 2, whole.Length - 26 })
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImagePixels.Decode(whole.AsMemory(0, length)), $"{length} of {whole.Length} bytes").Message, "cut off");
    }

    [TestMethod]
    public void JpegsAreFoundCutWithoutDecoding()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Pictures, "landscape_420.jpg"));
        ImageHeader header = ImageHeader.Read(whole);
        header.RequireComplete(whole);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => header.RequireComplete(whole.AsSpan(0, whole.Length / 2), "a.jpg")).Message, "'a.jpg' is cut off");
    }

    [TestMethod]
    public void AThumbnailsEndIsNotThePictures()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Pictures, "landscape_420.jpg"));
        // An application segment that holds a whole little JPEG, before the picture's own segments.
        byte[] thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        byte[] cut = [.. whole[..2], .. thumbnail, .. whole[2..(whole.Length / 2)]];
        Assert.ThrowsExactly<InvalidDataException>(() => ImageHeader.Read(cut).RequireComplete(cut));
        byte[] complete = [.. whole[..2], .. thumbnail, .. whole[2..]];
        ImageHeader.Read(complete).RequireComplete(complete);
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "TimmFeatures.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("There is no TimmFeatures.sln above the tests.");
        return folder;
    }
}
