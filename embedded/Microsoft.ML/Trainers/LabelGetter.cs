using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Reads labels of different types as one: classes numbered from 0, not a number where missing.</summary>
internal static class LabelGetter
{
    /// <summary>A getter of the label in a column of Single or of keys.</summary>
    public static ValueGetter<float> Create(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type == NumberDataViewType.Single)
            return row.GetGetter<float>(column);
        Contracts.Check(column.Type is KeyDataViewType, $"Label column '{column.Name}' must be of type Single or Key, but it is {column.Type}.");
        return (ValueGetter<float>)Generic.Invoke(CreateOfKey<uint>, column.Type.RawType, row, column);
    }

    private static ValueGetter<float> CreateOfKey<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ulong count = ((KeyDataViewType)column.Type).Count;
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T key = default;
        return (ref float label) =>
        {
            getter(ref key);
            ulong number = Convert.ToUInt64(key);
            label = number > 0 && number <= count ? number - 1 : float.NaN;
        };
    }
}
