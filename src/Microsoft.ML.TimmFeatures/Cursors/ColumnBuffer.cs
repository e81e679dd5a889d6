using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>
/// Keeps one pass-through column's values for the rows of a batch, because the upstream row has moved on when they are asked for.
/// What the upstream getter throws is kept as well, and thrown where the row's value is asked for, as without batches.
/// </summary>
internal abstract class ColumnBuffer : IDisposable
{
    /// <summary>Takes over the current upstream row's value.</summary>
    public abstract void Capture(int slot);

    public virtual void Dispose()
    {
    }

    /// <summary>Whether an exception belongs to the row whose value was read, and not to the whole pass.</summary>
    public static bool IsOfRow(Exception e) => e is not (OperationCanceledException or OutOfMemoryException);

    /// <summary>A buffer of the column's raw type.</summary>
    public static ColumnBuffer Create(DataViewRow row, DataViewSchema.Column column, int slots)
    {
        Type raw = column.Type.RawType;
        Type type = raw == typeof(MLImage) ? typeof(ImageBufferColumn)
            : raw.IsGenericType && raw.GetGenericTypeDefinition() == typeof(VBuffer<>) ? typeof(VectorBufferColumn<>).MakeGenericType(raw.GetGenericArguments())
            : typeof(ValueBufferColumn<>).MakeGenericType(raw);
        return (ColumnBuffer)Activator.CreateInstance(type, BindingFlags.Instance | BindingFlags.Public | BindingFlags.DoNotWrapExceptions, null, [row, column, slots], null)!;
    }
}

/// <summary>A column buffer of a known type.</summary>
internal abstract class ColumnBuffer<T>(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer
{
    private readonly ValueGetter<T> _getter = row.GetGetter<T>(column);
    private readonly T[] _values = new T[slots];
    private readonly ExceptionDispatchInfo?[] _errors = new ExceptionDispatchInfo?[slots];

    protected IEnumerable<T> Values => _values;

    public sealed override void Capture(int slot)
    {
        _errors[slot] = null;
        try
        {
            Read(_getter, ref _values[slot]);
        }
        catch (Exception e) when (IsOfRow(e))
        {
            _errors[slot] = ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>Hands a kept value out.</summary>
    public void Get(int slot, ref T value)
    {
        _errors[slot]?.Throw();
        HandOut(in _values[slot], ref value);
    }

    protected virtual void Read(ValueGetter<T> getter, ref T kept) => getter(ref kept);

    protected virtual void HandOut(ref readonly T kept, ref T value) => value = kept;
}

internal sealed class ValueBufferColumn<T>(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer<T>(row, column, slots);

internal sealed class VectorBufferColumn<T>(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer<VBuffer<T>>(row, column, slots)
{
    // A copy: the consumer may write to what it gets.
    protected override void HandOut(ref readonly VBuffer<T> kept, ref VBuffer<T> value) => kept.CopyTo(ref value);
}

/// <summary>Images are kept and handed out as copies: the loader disposes what it made with the next row, and consumers dispose what they get.</summary>
internal sealed class ImageBufferColumn(DataViewRow row, DataViewSchema.Column column, int slots) : ColumnBuffer<MLImage>(row, column, slots)
{
    // The loader's to dispose, with the next image or at its end.
    private MLImage? _current;

    protected override void Read(ValueGetter<MLImage> getter, ref MLImage kept)
    {
        getter(ref _current!);
        HandOut(in _current, ref kept);
    }

    protected override void HandOut(ref readonly MLImage? kept, ref MLImage value)
    {
        MLImage? copy = null;
        if (kept is not null)
        {
            copy = MLImage.CreateFromPixels(kept.Width, kept.Height, kept.PixelFormat, kept.Pixels);
            copy.Tag = kept.Tag;
        }
        value?.Dispose();
        value = copy!;
    }

    public override void Dispose()
    {
        foreach (MLImage? image in Values)
            image?.Dispose();
    }
}
