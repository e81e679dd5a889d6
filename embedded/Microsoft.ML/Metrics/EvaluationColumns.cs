using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Finds the columns that metrics are computed from, and checks their types.</summary>
internal static class EvaluationColumns
{
    /// <summary>The scores: a vector of Single with at least <paramref name="minimumSize"/> elements.</summary>
    public static DataViewSchema.Column GetScore(IHost host, DataViewSchema schema, string name, int minimumSize)
    {
        DataViewSchema.Column column = Get(host, schema, AnnotationUtils.Const.ScoreValueKind.Score, name);
        if (column.Type is VectorDataViewType type && type.Size >= minimumSize && type.ItemType == NumberDataViewType.Single)
            return column;
        throw host.ExceptSchemaMismatch(nameof(schema), "score", name, $"known-size vector of {minimumSize} or more items of type Single", column.Type.ToString());
    }

    /// <summary>The label: a Single or a key.</summary>
    public static DataViewSchema.Column GetLabel(IHost host, DataViewSchema schema, string name)
    {
        DataViewSchema.Column column = Get(host, schema, DefaultColumnNames.Label, name);
        if (column.Type == NumberDataViewType.Single || column.Type is KeyDataViewType)
            return column;
        throw host.ExceptSchemaMismatch(nameof(schema), "label", name, "Single or Key", column.Type.ToString());
    }

    /// <summary>A column that must be there.</summary>
    public static DataViewSchema.Column Get(IHost host, DataViewSchema schema, string role, string name)
    {
        host.CheckNonEmpty(name, nameof(name));
        return schema.GetColumnOrNull(name) ?? throw host.ExceptParam(nameof(schema), $"{role} column '{name}' not found");
    }

    /// <summary>Warns of rows that metrics had to leave out.</summary>
    public static void WarnOfSkipped(IHost host, long unlabeled, long badScores)
    {
        using IChannel ch = host.Start("Evaluate");
        if (unlabeled > 0)
            ch.Warning($"Encountered {unlabeled} unlabeled instances during testing.");
        if (badScores > 0)
            ch.Warning($"The predictor produced non-finite prediction values on {badScores} instances during testing. Possible causes: abnormal data or the predictor is numerically unstable.");
    }
}
