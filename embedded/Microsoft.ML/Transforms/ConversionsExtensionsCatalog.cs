using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>Conversions of columns between types.</summary>
public static class ConversionsExtensionsCatalog
{
    /// <summary>Converts numbers, booleans and text (or vectors of them) to <see cref="DataKind.Single"/> or <see cref="DataKind.Double"/>.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">The column that is made.</param>
    /// <param name="inputColumnName">The column that it is made from; the same if not given.</param>
    /// <param name="outputKind">The type to convert to.</param>
    public static TypeConvertingEstimator ConvertType(this TransformsCatalog.ConversionTransforms catalog,
        string outputColumnName, string inputColumnName = null, DataKind outputKind = DataKind.Single)
        => new(catalog.GetEnvironment(), outputKind, (outputColumnName, inputColumnName ?? outputColumnName));

    /// <inheritdoc cref="ConvertType(TransformsCatalog.ConversionTransforms, string, string, DataKind)"/>
    public static TypeConvertingEstimator ConvertType(this TransformsCatalog.ConversionTransforms catalog,
        InputOutputColumnPair[] columns, DataKind outputKind = DataKind.Single)
        => new(catalog.GetEnvironment(), outputKind, ToPairs(catalog, columns));

    /// <summary>Maps keys to the values that they stand for.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">The column that is made.</param>
    /// <param name="inputColumnName">The column that it is made from; the same if not given.</param>
    public static KeyToValueMappingEstimator MapKeyToValue(this TransformsCatalog.ConversionTransforms catalog,
        string outputColumnName, string inputColumnName = null)
        => new(catalog.GetEnvironment(), (outputColumnName, inputColumnName ?? outputColumnName));

    /// <inheritdoc cref="MapKeyToValue(TransformsCatalog.ConversionTransforms, string, string)"/>
    public static KeyToValueMappingEstimator MapKeyToValue(this TransformsCatalog.ConversionTransforms catalog, InputOutputColumnPair[] columns)
        => new(catalog.GetEnvironment(), ToPairs(catalog, columns));

    /// <summary>Learns a dictionary of a column's values and maps each value to its number in it.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">The column that is made.</param>
    /// <param name="inputColumnName">The column that it is made from; the same if not given.</param>
    /// <param name="maximumNumberOfKeys">How many values to learn at most; later ones are mapped to the missing key.</param>
    /// <param name="keyOrdinality">How values are numbered.</param>
    /// <param name="addKeyValueAnnotationsAsText">Annotate the keys with text even where the values are of another type.</param>
    /// <param name="keyData">A view with one column: the values to map, instead of learning them.</param>
    public static ValueToKeyMappingEstimator MapValueToKey(this TransformsCatalog.ConversionTransforms catalog,
        string outputColumnName,
        string inputColumnName = null,
        int maximumNumberOfKeys = ValueToKeyMappingEstimator.Defaults.MaximumNumberOfKeys,
        ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.Defaults.Ordinality,
        bool addKeyValueAnnotationsAsText = ValueToKeyMappingEstimator.Defaults.AddKeyValueAnnotationsAsText,
        IDataView keyData = null)
        => catalog.MapValueToKey([new InputOutputColumnPair(outputColumnName, inputColumnName)],
            maximumNumberOfKeys, keyOrdinality, addKeyValueAnnotationsAsText, keyData);

    /// <inheritdoc cref="MapValueToKey(TransformsCatalog.ConversionTransforms, string, string, int, ValueToKeyMappingEstimator.KeyOrdinality, bool, IDataView)"/>
    public static ValueToKeyMappingEstimator MapValueToKey(this TransformsCatalog.ConversionTransforms catalog,
        InputOutputColumnPair[] columns,
        int maximumNumberOfKeys = ValueToKeyMappingEstimator.Defaults.MaximumNumberOfKeys,
        ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.Defaults.Ordinality,
        bool addKeyValueAnnotationsAsText = ValueToKeyMappingEstimator.Defaults.AddKeyValueAnnotationsAsText,
        IDataView keyData = null)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckValue(columns, nameof(columns));
        var options = Array.ConvertAll(columns, pair => new ValueToKeyMappingEstimator.ColumnOptions(
            pair.OutputColumnName, pair.InputColumnName, maximumNumberOfKeys, keyOrdinality, addKeyValueAnnotationsAsText));
        return new ValueToKeyMappingEstimator(env, options, keyData);
    }

    private static (string, string)[] ToPairs(TransformsCatalog.ConversionTransforms catalog, InputOutputColumnPair[] columns)
    {
        catalog.GetEnvironment().CheckValue(columns, nameof(columns));
        return Array.ConvertAll(columns, pair => (pair.OutputColumnName, pair.InputColumnName));
    }
}
