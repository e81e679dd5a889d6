using System.Runtime.InteropServices;
using Backbones.Imaging;
using Backbones.Tests.Imaging.Codecs;

namespace Backbones.Tests.Imaging;

/// <summary>A path may lead to what is no file: a pipe, whose opening waits for a writer, or a device without end.</summary>
[TestClass]
public sealed class RegularFileTests
{
    private static readonly ImageTransform _transform = new(new ImageTransformOptions { Width = 8, Height = 8 });
    private readonly string _folder = Directory.CreateTempSubdirectory("pictures").FullName;

    [TestCleanup]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void PipesAndDevicesAreNotOpened()
    {
        string pipe = Path.Combine(_folder, "pipe.png"), link = Path.Combine(_folder, "link.png");
        List<string> paths = OperatingSystem.IsWindows() ? [@"\\.\pipe\no-such-picture"] : [pipe, link, "/dev/zero", "/dev/tty"];
        if (!OperatingSystem.IsWindows())
        {
            Assert.AreEqual(0, MakeFifo(pipe, 0x1A4));
            File.CreateSymbolicLink(link, pipe);
        }

        foreach (string path in paths)
        {
            AssertRefused(path, "is empty (0 bytes), or it is a pipe or a device");
        }
    }

    [TestMethod]
    public void FoldersAndEmptyFilesAreRefusedByName()
    {
        string empty = Path.Combine(_folder, "empty.png");
        File.WriteAllBytes(empty, []);
        AssertRefused(empty, "is empty (0 bytes)");
        AssertRefused(_folder, "is a folder");
    }

    [TestMethod]
    public void LinksToFilesAreFollowed()
    {
        string link = Path.Combine(_folder, "link.png");
        File.CreateSymbolicLink(link, Pictures.PathOf("images/rgb.png"));
        CollectionAssert.AreEqual(Pictures.Rgb(ImagePixels.Load(Pictures.PathOf("images/rgb.png"))), Pictures.Rgb(ImagePixels.Load(link)));
    }

    [TestMethod]
    public void AFileOnDiskBecomesWhatItsBytesBecome()
    {
        foreach (string file in new[] { "images/rgb.png", "images/exif_rotated6.jpg", "formats/exif_rotated6.webp", "formats/palette.gif" })
        {
            float[] expected = new float[_transform.OutputLength], actual = new float[_transform.OutputLength];
            _transform.ApplyEncoded(Pictures.Read(file), expected, applyExifOrientation: true);
            _transform.ApplyFile(Pictures.PathOf(file), actual, applyExifOrientation: true);
            CollectionAssert.AreEqual(expected, actual, file);
        }

        Assert.ThrowsExactly<FileNotFoundException>(() => _transform.ApplyFile(Path.Combine(_folder, "none.png"), new float[_transform.OutputLength]));
    }

    [TestMethod]
    public void WhatIsNoImageIsNotReadToItsEnd()
    {
        // A sparse file of eight gigabytes.
        string huge = Path.Combine(_folder, "huge.png");
        using (var file = new FileStream(huge, FileMode.Create))
        {
            file.SetLength(1L << 33);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(huge, "is no PNG, JPEG, BMP, GIF or WebP file");
        Assert.IsLessThan(1_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void AssertRefused(string path, string reason)
    {
        string message = Assert.Throws<Exception>(() => ImagePixels.Load(path)).Message;
        StringAssert.Contains(message, path);
        if (!OperatingSystem.IsWindows())
        {
            StringAssert.Contains(message, reason);
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => _transform.ApplyFile(path, new float[_transform.OutputLength])).Message, reason);
        }
    }

    [DllImport("libc", EntryPoint = "mkfifo", SetLastError = true)]
    private static extern int MakeFifo(string path, uint mode);
}
