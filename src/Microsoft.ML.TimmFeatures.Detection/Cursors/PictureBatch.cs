using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Cursors;
using Microsoft.ML.TimmFeatures.Inputs;

namespace Microsoft.ML.TimmFeatures.Detection.Cursors;

/// <summary>Pictures as decoded pixels of any size: what models of detection and segmentation take.</summary>
internal abstract class PictureBatch(DataViewRow row, DataViewSchema.Column column, int slots) : ImageBatch(row, column, slots)
{
    private readonly ImagePixels?[] _pictures = new ImagePixels?[slots];

    /// <summary>Finds an input column with pictures.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing, or holds other things.</exception>
    public static DataViewSchema.Column Find(DataViewSchema schema, string name)
    {
        DataViewSchema.Column column = InputTypes.Find(schema, name);
        return InputTypes.KindOf(column.Type) != InputKind.Tensor ? column : throw WrongType(name, column.Type);
    }

    /// <summary>Makes sure that a promised schema has such a column.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has not.</exception>
    public static void Check(SchemaShape schema, string name)
    {
        InputTypes.Check(schema, name);
        SchemaShape.Column column = schema.First(c => c.Name == name);
        if (column.ItemType == NumberDataViewType.Single)
            throw WrongType(name, $"{column.Kind}<{column.ItemType}>");
    }

    /// <summary>Pictures of a column of any supported type.</summary>
    public static PictureBatch Create(DataViewRow row, DataViewSchema.Column column, int slots, FeaturizerOptions options)
    {
        DataViewSchema.Column input = row.Schema[column.Index];
        return InputTypes.KindOf(input.Type) switch
        {
            InputKind.Image => new Decoded(row, input, slots),
            InputKind.Path => new Files(row, input, slots, options),
            InputKind.Bytes => new Encoded(row, input, slots, options),
            _ => throw WrongType(input.Name, input.Type),
        };
    }

    /// <summary>A row's picture; null where it has none.</summary>
    public ImagePixels? Picture(int slot) => _pictures[slot];

    protected sealed override void PrepareImage(int slot) => _pictures[slot] = Decode(slot);

    protected sealed override void Clear(int slot) => _pictures[slot] = null;

    /// <summary>The captured picture's pixels.</summary>
    protected abstract ImagePixels Decode(int slot);

    private static ArgumentOutOfRangeException WrongType(string column, object type)
        => new("inputSchema", $"Input column '{column}' has type {type}. Valid are images (MLImage), text (paths) and Vector<Byte> (encoded images).");

    /// <summary>Pixels are copied when the row is read: whoever made an image may dispose it with the next row.</summary>
    private sealed class Decoded(DataViewRow row, DataViewSchema.Column column, int slots) : PictureBatch(row, column, slots)
    {
        private readonly ValueGetter<MLImage> _getter = row.GetGetter<MLImage>(column);
        private readonly (ImagePixels? Pixels, string Name)[] _captured = new (ImagePixels?, string)[slots];
        private MLImage? _image;

        protected override void CaptureImage(int slot)
        {
            _captured[slot] = (null, "");
            _getter(ref _image!);
            if (_image is null)
                throw new InvalidDataException("The image is null.");
            try
            {
                _captured[slot].Name = _image.Tag ?? "";
            }
            catch (Exception e) when (e is InvalidOperationException or ObjectDisposedException)
            {
                throw new InvalidDataException("The image was disposed before it was read.", e);
            }
            _captured[slot].Pixels = new ImagePixels(_image.Pixels.ToArray(), _image.Width, _image.Height, MLImagePixels.FormatOf(_image));
        }

        protected override ImagePixels Decode(int slot) => _captured[slot].Pixels!;

        protected override string Describe(int slot) => _captured[slot].Name;
    }

    private sealed class Files(DataViewRow row, DataViewSchema.Column column, int slots, FeaturizerOptions options) : PictureBatch(row, column, slots)
    {
        private readonly ValueGetter<ReadOnlyMemory<char>> _getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        private readonly string[] _paths = new string[slots];
        private ReadOnlyMemory<char> _path;

        protected override void CaptureImage(int slot)
        {
            _paths[slot] = "";
            _getter(ref _path);
            _paths[slot] = _path.ToString();
        }

        protected override ImagePixels Decode(int slot)
        {
            if (string.IsNullOrWhiteSpace(_paths[slot]))
                throw new InvalidDataException("The path is empty.");
            return ImagePixels.Load(Path.Combine(options.ImageFolder ?? "", _paths[slot]), options.ApplyExifOrientation);
        }

        protected override string Describe(int slot) => _paths[slot];
    }

    private sealed class Encoded(DataViewRow row, DataViewSchema.Column column, int slots, FeaturizerOptions options) : PictureBatch(row, column, slots)
    {
        private readonly ValueGetter<VBuffer<byte>> _getter = row.GetGetter<VBuffer<byte>>(column);
        private readonly byte[][] _captured = new byte[slots][];
        private VBuffer<byte> _value;

        protected override void CaptureImage(int slot)
        {
            _getter(ref _value);
            _captured[slot] = [.. _value.DenseValues()];
        }

        protected override ImagePixels Decode(int slot) => ImagePixels.Decode(_captured[slot], options.ApplyExifOrientation);

        protected override string Describe(int slot) => "";
    }
}
