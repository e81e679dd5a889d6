using System.Buffers.Binary;
using System.Globalization;
using Backbones;
using Backbones.Engines;
using TimmFeatures.Cli.Tests;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Orleans.Tests;

/// <summary>A folder of small pictures, each another, and the smallest model with weights made from their names.</summary>
internal sealed class PictureSet : IDisposable
{
    public const string Model = "test_resnet";

    private const int Size = 24, HeaderLength = 54;

    private readonly TemporaryFolder _folder = new();

    /// <param name="count">Pictures.</param>
    /// <param name="bad">One of them that is none.</param>
    public PictureSet(int count, int? bad = null)
    {
        Directory.CreateDirectory(Pictures);
        for (int i = 0; i < count; i++)
            File.WriteAllBytes(PathOf(i), i == bad ? "no picture"u8.ToArray() : Bmp(i));
    }

    public string Pictures => this["pictures"];

    public static BackboneOptions Backbone { get; } = new() { RandomWeights = true, ImageSize = 64 };

    public string this[string name] => _folder[name];

    public string PathOf(int picture) => Path.Combine(Pictures, picture.ToString("00000", CultureInfo.InvariantCulture) + ".bmp");

    /// <summary>Makes good what was a bad picture.</summary>
    public void Mend(int picture) => File.WriteAllBytes(PathOf(picture), Bmp(picture));

    public JobRequest Request(string output, int partSize = 10) => new(Model, [Pictures], this[output]) { Backbone = Backbone, Device = "cpu", PartSize = partSize };

    /// <summary>The file that one machine makes of the same, without any of what is tested here.</summary>
    public string OneMachine(string name, BackboneOptions? backbone = null)
    {
        using ImageList images = ImageList.Of([Pictures], TextReader.Null);
        var features = new FeatureRequest(Model, backbone ?? Backbone, FeatureSelection.Pooled(), EngineProvider.For("cpu"), Threads: 2, Batch: null, Exif: false);
        new ImageExtraction(new ExtractionRequest(features, null, Resume: false, SkipBadImages: true, this[name]), images.Items).Run(new Silent(), CancellationToken.None);
        return this[name];
    }

    /// <summary>File and report are those of one machine, to the byte.</summary>
    public static void AssertSame(string expected, string actual)
    {
        Assert.IsTrue(File.ReadAllBytes(expected).AsSpan().SequenceEqual(File.ReadAllBytes(actual)), $"'{actual}' is not '{expected}'.");
        Assert.AreEqual(File.ReadAllText($"{expected}.report.json"), File.ReadAllText($"{actual}.report.json"));
    }

    public void Dispose()
    {
        try
        {
            _folder.Dispose();
        }
        catch (DirectoryNotFoundException)
        {
            // The worker that joined the parts is deleting them, too.
            _folder.Dispose();
        }
    }

    /// <summary>Waves that differ from picture to picture, 24 bits a pixel.</summary>
    private static byte[] Bmp(int picture)
    {
        byte[] file = new byte[HeaderLength + Size * Size * 3];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), HeaderLength);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), Size);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), Size);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        for (int i = 0; i < Size * Size * 3; i++)
            file[HeaderLength + i] = (byte)(128 + 127 * Math.Sin(i * (0.01 + picture * 0.0007)));
        return file;
    }

    private sealed class Silent : IExtractionProgress
    {
        public void Begin(int total, int before)
        {
        }

        public void Add(int images)
        {
        }

        public void End()
        {
        }
    }
}
