using System.Collections.Immutable;

namespace Microsoft.ML.TimmFeatures;

/// <summary>One input column and the output columns made from it, one for each of the selection's outputs.</summary>
internal sealed record ColumnMapping(string Input, ImmutableArray<string> Outputs);
