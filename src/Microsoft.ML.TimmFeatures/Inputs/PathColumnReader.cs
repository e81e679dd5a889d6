using Backbones.Imaging;

namespace Microsoft.ML.TimmFeatures.Inputs;

/// <summary>Reads paths; files are read and decoded where rows are prepared, in parallel.</summary>
internal sealed class PathColumnReader(ValueGetter<ReadOnlyMemory<char>> getter, int slots, ImageTransform transform, FeaturizerOptions options) : InputReader
{
    private readonly string[] _paths = new string[slots];
    private ReadOnlyMemory<char> _path;

    public override void Capture(int slot, Span<float> target)
    {
        _paths[slot] = "";
        getter(ref _path);
        _paths[slot] = _path.ToString();
    }

    public override void Prepare(int slot, Span<float> target) => EncodedImage.PrepareFile(_paths[slot], transform, options, target);

    public override string Describe(int slot) => _paths[slot];
}
