using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The rows without missing values (NaN, missing keys) in some columns.</summary>
internal sealed class MissingValuesFilter : RowFilterBase
{
    private readonly Dictionary<int, Delegate> _predicates = [];

    public MissingValuesFilter(IHostEnvironment env, IDataView source, string[] columns) : base(env, "MissingValueFilter", source)
    {
        foreach (string name in columns)
        {
            var column = source.Schema.GetColumnOrNull(name) ?? throw Host.ExceptUserArg(nameof(columns), $"Source column '{name}' not found");
            var predicate = CreatePredicate(column.Type)
                ?? throw Host.ExceptUserArg(nameof(columns), $"Column '{name}' has type {column.Type} which does not support missing values, so we cannot filter on them");
            if (!_predicates.TryAdd(column.Index, predicate))
                throw Host.ExceptUserArg(nameof(columns), $"Source column '{name}' specified multiple times");
        }
    }

    protected override bool DependsOn(int column) => _predicates.ContainsKey(column);

    protected override DataViewRowCursor CreateCursor(DataViewRowCursor input, bool[] active)
        => new ValueFilterCursor(Host, input, active, _predicates.ToDictionary(p => p.Key, p => CachedValue.Create(input, Schema[p.Key], p.Value)));

    private static Delegate CreatePredicate(DataViewType type)
    {
        bool isVector = type is VectorDataViewType;
        var item = type.GetItemType();
        if (item is KeyDataViewType)
        {
            return Type.GetTypeCode(item.RawType) switch
            {
                TypeCode.Byte => NoneIs(isVector, (byte key) => key == 0, sparseHas: true),
                TypeCode.UInt16 => NoneIs(isVector, (ushort key) => key == 0, sparseHas: true),
                TypeCode.UInt32 => NoneIs(isVector, (uint key) => key == 0, sparseHas: true),
                _ => NoneIs(isVector, (ulong key) => key == 0, sparseHas: true),
            };
        }
        if (item == NumberDataViewType.Single)
            return NoneIs<float>(isVector, float.IsNaN, sparseHas: false);
        return item == NumberDataViewType.Double ? NoneIs<double>(isVector, double.IsNaN, sparseHas: false) : null;
    }

    // sparseHas: whether the default, which a sparse vector's other slots have, is missing.
    private static Delegate NoneIs<T>(bool isVector, Predicate<T> isMissing, bool sparseHas)
        => isVector ? (Predicate<VBuffer<T>>)(vector => !AnyIs(vector, isMissing, sparseHas)) : (Predicate<T>)(value => !isMissing(value));

    private static bool AnyIs<T>(VBuffer<T> vector, Predicate<T> isMissing, bool sparseHas)
    {
        if (sparseHas && !vector.IsDense)
            return true;
        foreach (var value in vector.GetValues())
        {
            if (isMissing(value))
                return true;
        }
        return false;
    }
}
