namespace Microsoft.ML.Data;

/// <summary>Adds a column that is a function of another one.</summary>
internal sealed class ColumnFunction<TSrc, TDst>(DataViewSchema.Column source, DataViewSchema.DetachedColumn added, Func<TSrc, TDst> function) : IRowMapper
{
    public DataViewSchema.DetachedColumn[] GetOutputColumns() => [added];

    public Func<int, bool> GetDependencies(Func<int, bool> activeOutput) => column => column == source.Index && activeOutput(0);

    public Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer)
    {
        disposer = null;
        if (!activeOutput(0))
            return [null];
        var get = input.GetGetter<TSrc>(source);
        TSrc value = default;
        ValueGetter<TDst> getter = (ref TDst dst) =>
        {
            get(ref value);
            dst = function(value);
        };
        return [getter];
    }
}
