using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A cursor over the rows whose values pass all tests.</summary>
internal sealed class ValueFilterCursor(IChannelProvider provider, DataViewRowCursor input, bool[] active, Dictionary<int, CachedValue> tests)
    : FilterCursorBase(provider, input, active)
{
    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        Ch.Check(IsColumnActive(column), "requested column not active");
        return tests.TryGetValue(column.Index, out var value) ? RowCursorUtils.As<TValue>(value.Getter, column) : base.GetGetter<TValue>(column);
    }

    protected override bool Accept() => tests.Values.All(value => value.Test());
}
