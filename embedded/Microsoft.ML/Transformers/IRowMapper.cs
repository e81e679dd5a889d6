namespace Microsoft.ML.Data;

/// <summary>Computes columns that are added to those of an input row. Bound to one input schema.</summary>
internal interface IRowMapper
{
    /// <summary>The added columns.</summary>
    DataViewSchema.DetachedColumn[] GetOutputColumns();

    /// <summary>The input columns needed for the given added columns, both by index.</summary>
    Func<int, bool> GetDependencies(Func<int, bool> activeOutput);

    /// <summary>A getter for each added column that is active, null for the others. The disposer may be null.</summary>
    Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action disposer);
}
