namespace Backbones.Graphs;

/// <summary>A graph was built or changed in a way that makes no sense: shapes that do not fit, a name that is not there.</summary>
public sealed class GraphException : Exception
{
    /// <summary>Makes an exception that says what was asked and what was found.</summary>
    public GraphException(string message) : base(message)
    {
    }

    /// <summary>Makes an exception with its cause.</summary>
    public GraphException(string message, Exception inner) : base(message, inner)
    {
    }
}
