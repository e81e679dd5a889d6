using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Keeps one pass-through column's values for the rows of a batch, because the upstream row has moved on when they are asked for.</summary>
internal abstract class ColumnBuffer : IDisposable
{
    /// <summary>Takes over the current upstream row's value.</summary>
    public abstract void Capture(int slot);

    public virtual void Dispose()
    {
    }

    /// <summary>A buffer of the column's raw type.</summary>
    public static ColumnBuffer Create(DataViewRow row, DataViewSchema.Column column, int slots)
    {
        Type raw = column.Type.RawType;
        Type type = raw == typeof(MLImage) ? typeof(ImageBufferColumn)
            : raw.IsGenericType && raw.GetGenericTypeDefinition() == typeof(VBuffer<>) ? typeof(VectorBufferColumn<>).MakeGenericType(raw.GetGenericArguments())
            : typeof(ValueBufferColumn<>).MakeGenericType(raw);
        return (ColumnBuffer)Activator.CreateInstance(type, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions, null, [row, column, slots], null)!;
    }
}

/// <summary>A column buffer of a known type.</summary>
internal abstract class ColumnBuffer<T>(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer
{
    private readonly ValueGetter<T> _getter = row.GetGetter<T>(column);

    protected T[] Values { get; } = new T[slots];

    public override void Capture(int slot) => _getter(ref Values[slot]);

    /// <summary>Hands a kept value out.</summary>
    public virtual void Get(int slot, ref T value) => value = Values[slot];
}

internal sealed class ValueBufferColumn<T>(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer<T>(row, column, slots);

internal sealed class VectorBufferColumn<T>(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer<VBuffer<T>>(row, column, slots)
{
    // A copy: the consumer may write to what it gets.
    public override void Get(int slot, ref VBuffer<T> value) => Values[slot].CopyTo(ref value);
}

/// <summary>Images are handed out as copies: the loader disposes what it made with the next row, and consumers dispose what they get.</summary>
internal sealed class ImageBufferColumn(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer<MLImage>(row, column, slots)
{
    private readonly ValueGetter<MLImage> _source = row.GetGetter<MLImage>(column);
    private MLImage? _current;

    public override void Capture(int slot)
    {
        _source(ref _current!);
        Values[slot]?.Dispose();
        Values[slot] = Clone(_current)!;
    }

    public override void Get(int slot, ref MLImage value)
    {
        value?.Dispose();
        value = Clone(Values[slot])!;
    }

    public override void Dispose()
    {
        foreach (MLImage? image in Values)
            image?.Dispose();
    }

    private static MLImage? Clone(MLImage? image)
    {
        if (image is null)
            return null;
        MLImage clone = MLImage.CreateFromPixels(image.Width, image.Height, image.PixelFormat, image.Pixels);
        clone.Tag = image.Tag;
        return clone;
    }
}
