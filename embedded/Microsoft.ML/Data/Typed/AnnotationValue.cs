using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>An annotation given as a .NET value, whose strings and arrays become text and vectors.</summary>
internal sealed class AnnotationValue
{
    private readonly Func<Delegate> _createGetter;

    private AnnotationValue(DataViewType type, Func<Delegate> createGetter)
    {
        Type = type;
        _createGetter = createGetter;
    }

    public DataViewType Type { get; }

    public Delegate CreateGetter() => _createGetter();

    public static AnnotationValue Create<T>(T value, DataViewType type)
    {
        MemberMapping.GetItemType(typeof(T), out bool isVector, out var itemType);
        var vectorType = type as VectorDataViewType;
        Contracts.Check(isVector == vectorType is not null, $"The annotation's value is a {typeof(T)}, but its type is {type}.");
        Contracts.Check(itemType == type.GetItemType().RawType, $"The annotation's value is a {typeof(T)}, but its type is {type}.");
        return new AnnotationValue(type, value switch
        {
            string text => () => Constant(text.AsMemory()),
            string[] texts => () => ConstantVector(Array.ConvertAll(texts, t => t.AsMemory())),
            Array array => () => (Delegate)Generic.Invoke(ConstantVector<int>, itemType, array),
            _ when isVector => () => (Delegate)Generic.Invoke(ConstantBuffer<int>, itemType, value),
            _ => () => Constant(value),
        });
    }

    /// <summary>A copy of an annotation that a column has.</summary>
    public static AnnotationValue Copy(DataViewSchema.Annotations annotations, DataViewSchema.Column column)
        => new(column.Type, () => (Delegate)Generic.Invoke(GetGetter<int>, column.Type.RawType, annotations, column));

    private static Delegate GetGetter<T>(DataViewSchema.Annotations annotations, DataViewSchema.Column column) => annotations.GetGetter<T>(column);

    private static Delegate Constant<T>(T value)
    {
        ValueGetter<T> getter = (ref T dst) => dst = value;
        return getter;
    }

    private static Delegate ConstantVector<T>(T[] values) => ConstantBuffer(new VBuffer<T>(values.Length, values));

    private static Delegate ConstantBuffer<T>(VBuffer<T> value)
    {
        ValueGetter<VBuffer<T>> getter = (ref VBuffer<T> dst) => value.CopyTo(ref dst);
        return getter;
    }
}
