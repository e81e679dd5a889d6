using System.Buffers;
using Backbones.Imaging;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Reads paths; files are read and decoded where rows are prepared, in parallel.</summary>
internal sealed class PathColumnReader(ValueGetter<ReadOnlyMemory<char>> getter, int slots, ImageTransform transform, FeaturizerOptions options) : InputReader
{
    private readonly string[] _paths = new string[slots];
    private ReadOnlyMemory<char> _path;

    public override void Capture(int slot)
    {
        _paths[slot] = "";
        getter(ref _path);
        _paths[slot] = _path.ToString();
    }

    public override void Prepare(int slot, Span<float> target)
    {
        string path = _paths[slot];
        if (string.IsNullOrWhiteSpace(path))
            throw new InvalidDataException("The path is empty.");
        if (options.ImageFolder is { } folder)
            path = Path.Combine(folder, path);
        if (Directory.Exists(path))
            throw new InvalidDataException("It is a folder, not an image file.");
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        // What is no image is not read to its end: it may be huge, or a device without one.
        ImageHeader.Read(file);
        if (file.Length > Array.MaxLength)
            throw new InvalidDataException($"The file has {file.Length} bytes; at most {Array.MaxLength} can be read.");
        int length = (int)file.Length;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            file.ReadExactly(bytes, 0, length);
            EncodedImage.Prepare(bytes, length, transform, options, target);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public override string Describe(int slot) => _paths[slot];
}
