using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>The name of a column and of the one that it is made from.</summary>
public sealed class InputOutputColumnPair
{
    /// <param name="outputColumnName">The column that is made.</param>
    /// <param name="inputColumnName">The column that it is made from; the same if not given.</param>
    public InputOutputColumnPair(string outputColumnName, string inputColumnName = null)
    {
        Contracts.CheckNonEmpty(outputColumnName, nameof(outputColumnName));
        OutputColumnName = outputColumnName;
        InputColumnName = inputColumnName ?? outputColumnName;
    }

    /// <summary>The column that it is made from.</summary>
    public string InputColumnName { get; }

    /// <summary>The column that is made.</summary>
    public string OutputColumnName { get; }
}
